"""SIPp plays trunk and phones against the started product: exit codes, the journal and what was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.heaps import thread_heaps
from tests.harness.hearing import Hearing
from tests.harness.product import Product
from tests.harness.sipp import SCENARIOS, WRITTEN_LATE_S, Cast, Sipp
from tests.interop.awkward_scenes import ACKNOWLEDGED_LATE, AWKWARD, NEVER_ACKNOWLEDGED
from tests.interop.scenes import Performance, PhonePart, Scene, Show, also_over_tcp
from tests.interop.test_sipp_carriers import CARRIERS
from tests.interop.test_sipp_lamps import LAMPS
from tests.interop.test_sipp_transfers import MOVERS

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

ANSWERS = PhonePart("answers", ("-d", "300"))
VOICE_HZ = 440.0
AT_ONCE_S = 0.5
BUSY_MACHINE_S = 0.5


def _refused(status: int, words: str) -> Scene:
    return Scene(
        f"row_f17_phone_refuses_with_{status}_and_the_next_step_follows",
        "leaves-voicemail",
        "message",
        (words, "left a message"),
        (PhonePart(f"refuses-{status}"),),
    )


ANSWERED = Scene(
    "row_o8_trunk_call_is_answered", "calls-answered", "talked", ("talked with Phone",), (ANSWERS,)
)
TOGETHER = Scene(
    "row_f8_d2_two_phones_answer_at_the_same_instant",
    "calls-answered",
    "talked",
    ("talked with Phone",),
    (PhonePart("answers-at-once"), PhonePart("answers-at-once")),
)
VOICEMAIL = Scene(
    "row_v1_voicemail_is_left", "leaves-voicemail", "message", ("left a message of",), scheme="voicemail"
)
PATIENCE_RUNS_OUT = Scene(
    "row_d1_carrier_that_cancels_after_its_limit_finds_the_call_answered",
    "gives-up-unanswered",
    "talked",
    ("talked with Phone",),
    (PhonePart("answers", ("-d", "7000")),),
    rings_s=12,
    arguments=("-recv_timeout", "7500"),
)
COMMON = (
    ANSWERED,
    _refused(302, "forwarded to +48600999999"),
    _refused(480, "phone takes no calls now (do not disturb?)"),
    _refused(486, "busy"),
    _refused(503, "rang Phone"),
    _refused(600, "busy"),
    _refused(603, "declined"),
    Scene(
        "row_f2_nobody_answers_then_voicemail",
        "leaves-voicemail",
        "message",
        ("rang Phone", "2 s, no answer", "left a message"),
        (PhonePart("rings-cancelled"),),
    ),
    Scene(
        "caller_cancels_while_it_rings",
        "cancels-ringing-487",
        "promise",
        ("hung up", "call back"),
        (PhonePart("rings-cancelled"),),
        rings_s=20,
    ),
    VOICEMAIL,
    Scene("row_d9_hold_and_resume", "holds-and-resumes", "talked", ("talked with Phone",), (ANSWERS,)),
    TOGETHER,
    Scene("call_without_an_offer", "late-offer-answered", "talked", ("talked with Phone",), (ANSWERS,)),
    PATIENCE_RUNS_OUT,
    Scene("broken_sdp_is_refused_with_488", "broken-sdp-488", "promise", ("sound",), scheme="voicemail"),
)
MENUS = (
    Scene(
        "row_i1_menu_digit_by_rfc4733",
        "menu-rfc4733-digit",
        "talked",
        ("pressed 1", "talked with Anna Nowak"),
        (PhonePart("answers", ("-d", "300"), "101"),),
        scheme="menu",
    ),
    Scene(
        "row_i1_menu_digits_by_info_dial_an_extension",
        "menu-info-digits",
        "talked",
        ("102", "talked with Piotr"),
        (PhonePart("answers", ("-d", "300"), "102"),),
        scheme="menu",
    ),
    Scene(
        "menu_digit_by_info_over_tcp",
        "menu-info-voicemail",
        "promise",
        ("pressed 0", "hung up"),
        scheme="menu",
        over="t1",
    ),
    Scene(
        "row_i9_digits_two_seconds_after_the_answer_reach_the_extension",
        "tel-extension-rfc4733",
        "talked",
        ("dialled the extension 103", "talked with Olena"),
        (PhonePart("answers", ("-d", "300"), "103"),),
        scheme="menu",
    ),
    Scene(
        "row_i9_tel_uri_with_extension",
        "tel-uri-extension",
        "talked",
        ("dialled the extension 104", "talked with Ivan"),
        (PhonePart("answers", ("-d", "300"), "104"),),
        scheme="menu",
    ),
)
SCENES = (NEVER_ACKNOWLEDGED, *also_over_tcp(*COMMON), *MENUS, *AWKWARD)


REFUSED = tuple(scene for scene in SCENES if "row_f17" in scene.name)
RINGS_OWN_PHONES = tuple(scene for scene in SCENES if scene.phones and not scene.scheme)


@pytest.fixture(scope="module")
def show(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """All the scenes that are asked for, under way in one office at the same time."""
    ours = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    callspecs = [getattr(item, "callspec", None) for item in ours]
    asked_for = [
        callspec.params["scene"] for callspec in callspecs if callspec and "scene" in callspec.params
    ]
    performances = [Performance(scene, SCENES.index(scene)) for scene in dict.fromkeys(asked_for)]
    extra = "\n".join(performance.configuration() for performance in performances)
    folder = tmp_path_factory.mktemp("office")
    with Product.running(folder, extra=extra) as product, Cast.around(folder / "sipp", product.port) as cast:
        for performance in performances:
            performance.set_up(cast)  # takes a moment: the calls come one after another, and overlap
            performance.begin(cast)
        yield Show(product, performances)
        product.assert_log_is_clean()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_scene(show: Show, scene: Scene) -> None:
    performance = show.performances[scene]
    performance.end()
    if not scene.outcome:
        return
    call = show.journal(performance)
    assert call.outcome == scene.outcome, call.story
    for words in scene.story:
        assert words in call.story


@pytest.mark.parametrize("scene", [VOICEMAIL])
def test_row_v1_the_recording_is_what_the_caller_said(show: Show, scene: Scene) -> None:
    show.performances[scene].end()
    show.journal(show.performances[scene])
    recordings = [Hearing.of_file(path) for path in show.product.recordings()]
    assert recordings
    for recording in recordings:
        voiced = recording.seconds_of(VOICE_HZ, above_db=-20.0)
        assert voiced > 1.0  # of 3 s; on a busy machine SIPp skips, and # takes effect after the first words
        assert voiced > 0.6 * recording.seconds
        assert recording.clipping() == []


@pytest.mark.parametrize("scene", [TOGETHER])
def test_row_d2_of_two_that_answer_at_once_one_stays_and_the_other_is_sent_away(
    show: Show, scene: Scene
) -> None:
    performance = show.performances[scene]
    performance.end()
    stayed = sorted(_seconds_up(phone) for phone in performance.phones)
    assert stayed[0] < 1.0
    assert stayed[1] > 1.5


@pytest.mark.parametrize("scene", [ACKNOWLEDGED_LATE])
def test_rfc3261_13_3_1_4_the_200_was_repeated_with_growing_pauses(show: Show, scene: Scene) -> None:
    performance = show.performances[scene]
    performance.end()
    assert performance.trunk is not None
    assert 3 <= performance.trunk.received("SIP/2.0 200 OK") <= 6  # after 0.5, 1.5, 3.5 s; and one to BYE


@pytest.mark.parametrize("scene", RINGS_OWN_PHONES, ids=lambda scene: scene.name)
def test_row_f23_nothing_that_the_trunk_gets_tells_where_the_call_went(show: Show, scene: Scene) -> None:
    performance = show.performances[scene]
    performance.end()
    assert performance.trunk is not None
    everything = "\n".join(performance.trunk.messages()).lower()
    assert "sip/2.0 " in everything
    for position, phone in enumerate(performance.phones):
        secrets = (f":{phone.port}", f"phone {performance.extension(position)}")
        for secret in (*secrets, f"sip:{performance.extension(position)}@", "diversion", "history-info"):
            assert secret not in everything, secret


@pytest.mark.parametrize("scene", REFUSED, ids=lambda scene: scene.name)
def test_row_f17_who_refuses_costs_no_time(show: Show, scene: Scene) -> None:
    performance = show.performances[scene]
    performance.end()
    [phone] = performance.phones
    assert performance.trunk is not None
    [status] = re.findall(r"\d+$", scene.phones[0].scenario)
    [refused] = phone.times(f"SIP/2.0 {status}", kind="sent")
    assert -WRITTEN_LATE_S <= performance.trunk.times("SIP/2.0 200")[0] - refused < AT_ONCE_S + BUSY_MACHINE_S


def _seconds_up(phone: Sipp) -> float:
    ticks = [int(tick) for line in phone.logged() for tick in re.findall(r"at (\d+)", line)]
    answered, over = ticks
    return (over - answered) / 1000


@pytest.mark.parametrize("scene", [PATIENCE_RUNS_OUT])
def test_row_d1_call_is_answered_before_the_carrier_cancels(show: Show, scene: Scene) -> None:
    performance = show.performances[scene]
    performance.end()
    assert performance.trunk is not None
    (answered,) = [int(tick) for line in performance.trunk.logged() for tick in re.findall(r"at (\d+)", line)]
    assert 4500 <= answered < 7400


def test_all_threads_of_the_office_share_one_heap(show: Show) -> None:
    assert len(list(Path(f"/proc/{show.product.process.pid}/task").iterdir())) > 1
    assert thread_heaps(show.product.process.pid) == 0


def test_every_scenario_is_played_and_described() -> None:
    played = {f"trunk-{scene.trunk}.xml" for scene in SCENES} | {"phone-registers-digest.xml"}
    played |= {"trunk-waits-for-the-voicemail.xml"}  # by test_row_f28_flagship.py
    played |= {"trunk-speaks-until-hung-up.xml"}  # by test_row_d10_in_real_time.py
    played |= {"trunk-calls-from-many-numbers.xml"}  # by test_rows_f4_r12_many_calls.py
    played |= {f"carrier-{name}.xml" for name in CARRIERS}
    played |= {"phone-presses-1-and-hangs-up.xml"}  # by test_rows_f10_f27_in_real_time.py
    played |= {"carrier-says-hello.xml", "carrier-mailbox-talks.xml"}  # by test_row_d5_confirm.py
    played |= {f"phone-{name}.xml" for name in (*MOVERS, *LAMPS)}
    played |= {f"phone-{phone.scenario}.xml" for scene in SCENES for phone in scene.phones}
    assert played == {path.name for path in SCENARIOS.glob("*.xml")}
    described = (SCENARIOS / "README.md").read_text()
    assert [name for name in played if f"`{name}`" not in described] == []
