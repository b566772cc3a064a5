"""Rows F2-F12, F19, F21 and F30 in real time: SIPp is trunk, phones and mobiles, all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness.ports import HOST, free_port
from tests.harness.product import CallLine, Product
from tests.harness.sipp import WRITTEN_LATE_S, Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
"""Of every time that a row names."""
TOGETHER_S = 0.1
BUSY_MACHINE_S = 0.5
"""What two dozen more processes may add to the limits of tenths of a second."""
LONGEST_S = 150
RINGS, LOSES = "phone-rings-cancelled.xml", "phone-hears-it-was-answered-elsewhere.xml"
LEAVES_MESSAGE, TALKS = "trunk-leaves-voicemail.xml", "trunk-calls-answered.xml"


@dataclass(slots=True)
class Story:
    """One call and whoever it rings."""

    number: str
    """Which number is called."""
    steps: str
    """TOML of the scheme without its voicemail, in which ``[[step]]`` are its steps."""
    phones: dict[str, tuple[str, ...]]
    """Scenario and further arguments of each phone, by extension."""
    trunk: str = LEAVES_MESSAGE
    """Scenario of the caller."""
    more: str = ""
    """Keys of the number."""
    caller: Sipp | None = None
    rung: dict[str, Sipp] = field(default_factory=dict)

    def configuration(self) -> str:
        """Return the TOML of the number, its scheme and its people."""
        scheme = f"real-{self.number[-2:]}"
        steps = f'{self.steps}\n[[step]]\nvoicemail = "sales"\n'.replace(
            "[[step]]", f"[[scheme.{scheme}.step]]"
        )
        people = "".join(
            f'[person.phone-{extension}]\nname = "Phone {extension}"\nextension = "{extension}"\n'
            f'password = "demo-{extension}"\nmobile = "+48600100{extension}"\n'
            for extension in self.phones
        )
        return f'[number."{self.number}"]\nscheme = "{scheme}"\n{self.more}\n{steps}\n{people}'

    def set_up(self, cast: Cast) -> None:
        """Bring the phones on stage."""
        for extension, (scenario, *arguments) in self.phones.items():
            self.rung[extension] = cast.phone(scenario, extension, *arguments)

    def began(self, extension: str) -> float:
        """Return when a phone was rung."""
        return self.rung[extension].times("INVITE")[0]

    def stopped(self, extension: str) -> float:
        """Return when a phone was told to stop."""
        return self.rung[extension].times("CANCEL")[0]

    @property
    def answered(self) -> float:
        """Return when the caller was answered."""
        assert self.caller is not None
        return self.caller.times("SIP/2.0 200")[0]


def _ring(*targets: str, more: str = "") -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f"[[step]]\nring = [{listed}]\n{more}\n"


def _silent(*extensions: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(extensions, (RINGS,))


PBX_PORT, ACCOUNT_PORT, MUTE_PORT = free_port(), free_port(), free_port()
MOBILE, BACKUP = "+48600999888", "+48600999777"
CHAIN = Story(
    "+48221240301",
    _ring("901") + _ring("902") + _ring(MOBILE),
    _silent("901", "902"),
    more='label = "Site B"',
)
HEAD = Story("+48221240302", _ring("911") + _ring("912") + _ring("913"), _silent("911", "912", "913"))
MANAGERS = Story(
    "+48221240303",
    _ring("921", "922", "923") + _ring("mobiles of step 1"),
    _silent("921", "922", "923"),
)
ONE_ANSWERS = Story(
    "+48221240304",
    _ring("931", "932", "933"),
    {"931": (LOSES,), "932": ("phone-answers.xml", "-d", "2000"), "933": (LOSES,)},
    trunk=TALKS,
)
FOREIGN = Story("+48221240305", _ring(f"sip:sales@{HOST}:{PBX_PORT}", more='for = "30s"') + _ring(BACKUP), {})
STAGGERED = Story(
    "+48221240306",
    _ring("941", "942", "943", more='mode = "staggered"\nstagger = "5s"'),
    _silent("941", "942", "943"),
)
IN_TURN = Story(
    "+48221240307",
    _ring("951", "952", "953", more='mode = "in-turn"\nfor = "5s"'),
    _silent("951", "952", "953"),
)
ACCOUNT = Story(
    "+48221240308", _ring(f"sip:sales@{HOST}:{ACCOUNT_PORT}", more='for = "10s"'), {}, trunk=TALKS
)
MUTE = Story(
    "+48221240309",
    _ring(f"sip:sales@{HOST}:{MUTE_PORT}", more='for = "30s"') + _ring("961"),
    {"961": ("phone-answers.xml", "-d", "500")},
    trunk=TALKS,
)
STORIES = (CHAIN, HEAD, MANAGERS, ONE_ANSWERS, FOREIGN, STAGGERED, IN_TURN, ACCOUNT, MUTE)
TRUNK = f"""
[trunk.pbx]
host = "{HOST}"
port = {ACCOUNT_PORT}
username = "300"
password = "secret"
"""
OUTSIDE_CALLS = 5
"""The mobile of the chain, the three of the managers, the backup."""


@dataclass(frozen=True, slots=True)
class Played:
    """What is left when all calls are over."""

    outside: Sipp
    """The mobiles."""
    pbx: Sipp
    """The foreign PBX that rings."""
    mute: Sipp
    """The one that has no codec of ours."""
    calls: dict[str, CallLine]
    """The journal, by number."""


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let all the calls come in within a second; return what waits for their end."""
    extra = "\n".join([TRUNK, *(story.configuration() for story in STORIES)])
    office = stack.enter_context(Product.running(folder, extra=extra, change=_patient))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    pbx = cast.carrier(RINGS, PBX_PORT)
    account = cast.carrier("carrier-challenges-401.xml", ACCOUNT_PORT, "-d", "1000")
    mute = cast.carrier("carrier-refuses-488.xml", MUTE_PORT)
    outside = cast.carrier(RINGS, office.outside_port, "-m", str(OUTSIDE_CALLS))
    for story in STORIES:
        story.set_up(cast)
    for story in STORIES:
        story.caller = cast.trunk(story.trunk, story.number)

    def end() -> Played:
        for story in STORIES:
            assert story.caller is not None
            for each in (story.caller, *story.rung.values()):
                each.wait()
        for other in (outside, pbx, account, mute):
            other.wait()
        calls = {call.dialled: call for call in office.finished_calls(at_least=len(STORIES))}
        office.assert_log_is_clean()
        return Played(outside, pbx, mute, calls)

    return end


def _patient(office: str) -> str:
    """Return the office on a trunk that lets calls ring for long."""
    return office.replace('max-unanswered = "5s"', 'max-unanswered = "120s"')


def test_row_f2_f5_f12_20_20_20_then_the_voicemail_answers_at_60(played: Played) -> None:
    began = CHAIN.began("901")
    mobile = played.outside.times(f"INVITE sip:{MOBILE}")[0]
    rung = [CHAIN.stopped("901"), CHAIN.began("902"), CHAIN.stopped("902"), mobile]
    assert [at - began for at in rung] == pytest.approx([20, 20, 40, 40], abs=EXACT_S)
    assert -WRITTEN_LATE_S <= CHAIN.began("902") - CHAIN.stopped("901") < 0.2 + BUSY_MACHINE_S
    assert -WRITTEN_LATE_S <= mobile - CHAIN.stopped("902") < 0.2 + BUSY_MACHINE_S
    over = played.outside.times(f"CANCEL sip:{MOBILE}")[0]
    assert [over - began, CHAIN.answered - began] == pytest.approx([60, 60], abs=EXACT_S)
    call = played.calls[CHAIN.number]
    assert call.outcome == "message"
    assert call.story.startswith(
        "rang Phone 901 20 s, no answer; rang Phone 902 20 s, no answer; "
        f"rang {MOBILE} 20 s, no answer; left a message"
    )


def test_row_f6_two_managers_then_the_head_20_s_each(played: Played) -> None:
    began = HEAD.began("911")
    at = [HEAD.began("912"), HEAD.began("913"), HEAD.stopped("913"), HEAD.answered]
    assert [each - began for each in at] == pytest.approx([20, 40, 60, 60], abs=EXACT_S)
    assert played.calls[HEAD.number].outcome == "message"


def test_row_f2_most_steps_follow_the_cancel_of_the_one_before_within_200_ms(played: Played) -> None:
    """The limit of the row itself, without what a busy machine adds now and then."""
    assert played.calls[HEAD.number].outcome == "message"
    chains = [(HEAD, ("911", "912", "913")), (CHAIN, ("901", "902")), (IN_TURN, ("951", "952", "953"))]
    gaps = sorted(
        story.began(later) - story.stopped(earlier)
        for story, phones in chains
        for earlier, later in pairwise(phones)
    )
    assert gaps[0] >= -WRITTEN_LATE_S
    assert gaps[len(gaps) // 2] < 0.2, gaps


def test_row_f3_most_that_ring_together_do_so_within_100_ms(played: Played) -> None:
    mobiles = [played.outside.times(f"INVITE sip:+48600100{extension}")[0] for extension in MANAGERS.phones]
    rings = [
        [MANAGERS.began(extension) for extension in MANAGERS.phones],
        [ONE_ANSWERS.began(extension) for extension in ONE_ANSWERS.phones],
        mobiles,
    ]
    spreads = sorted(max(began) - min(began) for began in rings)
    assert spreads[1] < TOGETHER_S, spreads


def test_row_f3_f8_three_ring_together_then_their_mobiles(played: Played) -> None:
    extensions = list(MANAGERS.phones)
    began = [MANAGERS.began(extension) for extension in extensions]
    assert max(began) - min(began) < TOGETHER_S + BUSY_MACHINE_S
    mobiles = [played.outside.times(f"INVITE sip:+48600100{extension}")[0] for extension in extensions]
    assert max(mobiles) - min(mobiles) < TOGETHER_S + BUSY_MACHINE_S
    stopped = [MANAGERS.stopped(extension) for extension in extensions]
    assert [at - began[0] for at in (*stopped, *mobiles)] == pytest.approx([20] * 6, abs=EXACT_S)
    assert MANAGERS.answered - began[0] == pytest.approx(40, abs=EXACT_S)


def test_row_f8_the_others_are_told_at_once_that_one_answered(played: Played) -> None:
    answered = ONE_ANSWERS.rung["932"].times("SIP/2.0 200", kind="sent")[0]
    stopped = [ONE_ANSWERS.stopped(extension) for extension in ("931", "933")]
    assert all(-WRITTEN_LATE_S <= at - answered < TOGETHER_S + BUSY_MACHINE_S for at in stopped)
    assert "talked with Phone 932 for 2 s" in played.calls[ONE_ANSWERS.number].story


def test_row_f11_a_foreign_pbx_rings_for_30_s_then_the_backup(played: Played) -> None:
    began, stopped = played.pbx.times("INVITE")[0], played.pbx.times("CANCEL")[0]
    backup = played.outside.times(f"INVITE sip:{BACKUP}")[0]
    assert [stopped - began, backup - began] == pytest.approx([30, 30], abs=EXACT_S)
    assert FOREIGN.answered - began == pytest.approx(50, abs=EXACT_S)
    assert played.calls[FOREIGN.number].outcome == "message"


def test_row_f7_f9_f10_an_account_at_another_pbx_is_called_with_its_password(played: Played) -> None:
    call = played.calls[ACCOUNT.number]
    assert (call.outcome, call.story.partition(" for ")[0]) == (
        "talked",
        f"talked with sip:sales@{HOST}:{ACCOUNT_PORT}",
    )


def test_row_f10_another_pbx_without_a_common_codec_leads_on_to_the_next_step(played: Played) -> None:
    refused = played.mute.times("INVITE")[0]
    assert -WRITTEN_LATE_S <= MUTE.began("961") - refused < 1
    assert played.calls[MUTE.number].story.endswith("talked with Phone 961 for 2 s")


def test_row_f30_staggered_0_5_10_and_all_stop_at_20(played: Played) -> None:
    first = STAGGERED.began("941")
    began = [STAGGERED.began(extension) - first for extension in STAGGERED.phones]
    stopped = [STAGGERED.stopped(extension) - first for extension in STAGGERED.phones]
    assert began == pytest.approx([0, 5, 10], abs=EXACT_S)
    assert stopped == pytest.approx([20] * 3, abs=EXACT_S)
    assert played.calls[STAGGERED.number].outcome == "message"


def test_row_f3_f4_in_turn_never_two_ring(played: Played) -> None:
    began = [IN_TURN.began(extension) for extension in IN_TURN.phones]
    over = [IN_TURN.rung[extension].times("SIP/2.0 487", kind="sent")[0] for extension in IN_TURN.phones]
    assert [at - began[0] for at in began] == pytest.approx([0, 5, 10], abs=EXACT_S)
    in_order = pairwise([0.0, *_interleaved(began, over)])
    assert all(later >= earlier - WRITTEN_LATE_S for earlier, later in in_order)
    assert "rang Phone 951 5 s, no answer; rang Phone 952 5 s" in played.calls[IN_TURN.number].story


def _interleaved(began: list[float], over: list[float]) -> Iterator[float]:
    for one, other in zip(began, over, strict=True):
        yield from (one, other)


def test_row_f19_f21_the_second_phone_shows_the_site_the_caller_and_who_missed_the_call(
    played: Played,
) -> None:
    shown = [
        re.findall(r'^From: *"(.*?)"', CHAIN.rung[extension].messages()[0], re.MULTILINE)[0]
        for extension in ("901", "902")
    ]
    known_as = "Site B: +48500600700 SIPp trunk"
    assert shown == [known_as, f"{known_as} (missed by Phone 901)"]
