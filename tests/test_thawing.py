"""Frozen values that are made faster in an office that runs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from b2bua.sip.headers import Via
from b2bua.thawing import frozen_values, thaw


@dataclass(frozen=True, slots=True)
class Visit:
    who: str
    seconds: float = 1.0
    notes: list[str] = field(default_factory=list, compare=False)
    place: str = field(default="here", kw_only=True)
    language: str = field(default="en", init=False)


def test_a_thawed_value_is_as_before_but_for_who_would_change_it() -> None:
    before = Visit("anna", 2.0)
    with pytest.raises(FrozenInstanceError):
        before.who = "piotr"  # type: ignore[misc]
    thaw([Visit])
    after = Visit("anna", seconds=2.0)
    assert (after, hash(after), repr(after)) == (before, hash(before), repr(before))
    assert replace(after, place="there") == Visit("anna", 2.0, place="there")
    assert after.language == "en"
    assert Visit("piotr").notes == []
    assert Visit("piotr").notes is not Visit("piotr").notes
    after.seconds = 3.0  # type: ignore[misc]
    assert after != before


def test_values_of_the_program_are_among_those_that_can_be_thawed_and_stay_frozen_in_tests() -> None:
    assert Via in frozen_values()
    with pytest.raises(FrozenInstanceError):
        Via("UDP", "192.0.2.1").port = 5060  # type: ignore[misc]
