"""Three phones, each with a voice of its own: who hears whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.product import until

VOICES = {"101": 700.0, "102": 1000.0, "103": 1300.0}
HEARD_DB = -25.0
PATIENCE_S = 15.0
LATENCY_S = 0.6
"""From a key to what is heard at the other end, on a busy machine."""


class Phone(Protocol):
    """baresip or Linphone."""

    def heard(self) -> Hearing:
        """Return what has come out of its speaker."""


def heard_s(phone: Phone, whom: str) -> float:
    """Return for how long ``phone`` has heard the voice of ``whom``."""
    return phone.heard().seconds_of(VOICES[whom], above_db=HEARD_DB)


def until_heard(phone: Phone, whom: str, *, seconds: float) -> None:
    """Wait until ``phone`` has heard ``whom`` for so long."""
    until(lambda: heard_s(phone, whom) >= seconds, within=PATIENCE_S, what=f"{whom} is heard {seconds} s")


def until_they_talk(phones: Mapping[str, Phone], *who: str, seconds: float) -> None:
    """Wait until all of these have heard each other for so long, and none of them an echo."""

    def faults() -> list[str]:
        parties = [Party(each, VOICES[each], phones[each].heard()) for each in who]
        return deaf(*parties, for_s=seconds, above_db=HEARD_DB)

    until(lambda: not faults(), within=PATIENCE_S, what=f"{' and '.join(who)} talk for {seconds} s")
