"""Calls that a phone takes from another: by Replaces and by code (RFC 3891, RFC 5359 §2.16)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit, PlacedCall, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.message import parse_message
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import IncomingInvite
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.call.test_same_instant import after_turns, answers
from tests.calls.test_transfer import dialog_of, transferred_voices
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, TO_ANNA, Office, office

RINGS = Habit()
ANSWERS = Habit(answers_after=1.0)
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
BOTH = """
[[step]]
ring = ["101", "102"]
mode = "{mode}"
for = "20s"

[[step]]
voicemail = "sales"
"""
PIOTR_THEN_ANNA = """
[[step]]
ring = ["102"]
for = "2s"

[[step]]
ring = ["101"]
for = "20s"

[[step]]
voicemail = "sales"
"""
QUEUED = """
[[step]]
queue = "sales"

[[step]]
voicemail = "sales"
"""


def early_dialog(demo: Office, extension: str) -> Replaces:
    """Return how the office knows the dialog with a phone that rings, as dialog events would tell it."""
    packet = demo.packets("SIP/2.0 180", from_port=5000 + int(extension))[-1]
    ringing = parse_message(packet.wire)
    return Replaces(ringing.call_id, to_tag=ringing.from_.tag or "", from_tag=ringing.to.tag or "")


async def replacing(phone: Softphone, extension: str, *replaces: Replaces, sent_by: str = "") -> PlacedCall:
    """Let ``phone`` call the office in place of another call, sent by the extension that talks there."""
    lines = [("Replaces", str(one)) for one in replaces]
    if sent_by:
        lines.append(("Referred-By", f"<sip:{sent_by}@{SERVER.host}>"))
    return await phone.call(
        SERVER,
        "101",
        from_number=extension,
        credentials=Credentials(extension, f"demo-{extension}"),
        headers=tuple(lines),
    )


async def refused(placed: PlacedCall) -> int:
    """Return the status that a call was refused with."""
    with pytest.raises(CallRefused) as refusal:
        await placed.answered(within=5)
    return refusal.value.status


# --- what rings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme",
    [TO_ANNA, *(BOTH.format(mode=mode) for mode in ("together", "in-turn", "staggered")), QUEUED],
    ids=["one", "together", "in-turn", "staggered", "queue"],
)
def test_rfc3891_3_what_rings_is_picked_up_and_the_ringing_phone_is_cancelled(
    scheme: str, tmp_path: Path
) -> None:
    @virtual_time
    async def tell() -> None:
        async with office(tmp_path, scheme=scheme) as demo:
            await demo.phone("101", RINGS)
            olena = await demo.phone("104", RINGS)
            placed = await demo.call_in(NUMBER)
            await demo.phones["101"].invited(within=5)
            await asyncio.sleep(2)
            second = await (await replacing(olena, "104", early_dialog(demo, "101"))).answered(within=1)
            caller = await placed.answered(within=1)
            await asyncio.wait_for(demo.phones["101"].invitations[0].over, 1)
            assert demo.reasons("CANCEL", to_port=5101) == [ELSEWHERE]
            assert demo.server.occupancy.is_free("anna", demo.now)
            assert not demo.server.occupancy.is_free("ivan", demo.now)
            await transferred_voices(caller, second, tmp_path)
            second.hang_up()
            await asyncio.wait_for(caller.ended, 1)
            (call,) = await demo.stories()
            assert call.outcome is CallOutcome.TALKED
            assert "Ivan Petrov picked up what rang for Anna Nowak" in story(call)
            assert "talked with Ivan Petrov" in story(call)
            await demo.settled()
            told = await demo.server.store.journal.call(call.call.call_id)
            assert told is not None
            assert [leg.who for leg in told.legs] == ["the caller", "Ivan Petrov"]

    tell()


@virtual_time
async def test_rfc3891_3_everybody_else_who_rings_is_cancelled_too(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=BOTH.format(mode="together")) as demo:
        anna, piotr = await demo.phone("101", RINGS), await demo.phone("102", RINGS)
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        second = await (await replacing(piotr, "102", early_dialog(demo, "101"))).answered(within=1)
        await placed.answered(within=1)
        await asyncio.wait_for(asyncio.gather(*(one.invitations[0].over for one in (anna, piotr))), 1)
        assert demo.reasons("CANCEL") == [ELSEWHERE] * 2
        second.hang_up()
        (call,) = await demo.stories()
        rang = [event.who for event in call.events if event.kind is EventKind.RANG]
        assert rang == ["Anna Nowak"]  # whose other phone rang is not told: it was he who took it
        await demo.settled()


@virtual_time
async def test_rfc3891_3_a_colleagues_call_is_picked_up_too(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", RINGS)
        piotr, olena = await demo.phone("102"), await demo.phone("103")
        placed = await demo.call_from(piotr, "102", "101")
        await asyncio.sleep(2)
        second = await (await replacing(olena, "103", early_dialog(demo, "101"))).answered(within=1)
        await transferred_voices(await placed.answered(within=1), second, tmp_path)
        second.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3891_3_early_only_picks_up_what_rings_and_meets_486_once_it_is_answered(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, olena = await demo.phone("101", Habit(answers_after=3.0)), await demo.phone("103")
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        early = early_dialog(demo, "101")
        early_only = Replaces(early.call_id, early.to_tag, early.from_tag, is_early_only=True)
        caller = await placed.answered(within=5)
        assert await refused(await replacing(olena, "103", early_only)) == 486
        await transferred_voices(caller, anna.invitations[0].leg, tmp_path)
        caller.hang_up()
        again = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        early = early_dialog(demo, "101")
        early_only = Replaces(early.call_id, early.to_tag, early.from_tag, is_early_only=True)
        await (await replacing(olena, "103", early_only)).answered(within=1)
        await again.answered(within=1)


@virtual_time
async def test_rfc3891_3_what_matches_nothing_is_481_and_what_is_over_603(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", RINGS)
        olena = await demo.phone("103")
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        early = early_dialog(demo, "101")
        swapped = Replaces(early.call_id, early.from_tag, early.to_tag)
        for unknown in (Replaces("nowhere", "1", "2"), swapped):
            assert await refused(await replacing(olena, "103", unknown)) == 481
        assert await refused(await replacing(olena, "103", early, early)) == 400
        await placed.close()
        await asyncio.sleep(1)
        assert await refused(await replacing(olena, "103", early)) == 603
        await asyncio.sleep(40)
        assert await refused(await replacing(olena, "103", early)) == 481
        await demo.settled()


@virtual_time
async def test_rfc3891_3_the_early_dialog_of_who_calls_us_cannot_be_replaced(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", RINGS)
        piotr, olena = await demo.phone("102"), await demo.phone("103")
        await demo.call_from(piotr, "102", "101")
        await asyncio.sleep(1)
        ringing = parse_message(demo.packets("SIP/2.0 180", to_port=5102)[-1].wire)
        theirs = Replaces(ringing.call_id, to_tag=ringing.to.tag or "", from_tag=ringing.from_.tag or "")
        assert await refused(await replacing(olena, "103", theirs)) == 481


@virtual_time
async def test_rfc3891_3_nobody_outside_and_no_stranger_takes_a_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", Habit(answers_after=3.0))
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        lines = (("Replaces", str(early_dialog(demo, "101"))),)
        trunk, stranger = await demo.softphone("t", 6200), await demo.softphone("s", 6201, host="10.1.1.1")
        for phone, status in ((trunk, 603), (stranger, 403)):
            asked = await phone.call(SERVER, "101", from_number="+48500", headers=lines)
            assert await refused(asked) == status
        nobody = (("Replaces", str(Replaces("nowhere", "1", "2"))),)
        assert await refused(await trunk.call(SERVER, "101", from_number="+48500", headers=nobody)) == 481
        caller = await placed.answered(within=5)
        lines = (("Replaces", str(dialog_of(anna.invitations[0].leg))),)
        for phone, status in ((trunk, 603), (stranger, 403)):
            asked = await phone.call(SERVER, "101", from_number="+48500", headers=lines)
            assert await refused(asked) == status
        assert caller.is_up
        caller.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3891_3_who_has_not_proven_who_they_are_is_challenged_first(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", RINGS)
        olena = await demo.phone("103")
        await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        lines = (("Replaces", str(early_dialog(demo, "101"))),)
        wrong = Credentials("103", "guessed")
        asked = await olena.call(SERVER, "101", from_number="103", credentials=wrong, headers=lines)
        assert await refused(asked) == 401
        assert demo.packets("CANCEL") == []


def when_proven(demo: Office, action: Callable[[], None]) -> None:
    """Call ``action`` in the instant in which the office has an INVITE whose sender has proven who they are.

    From then on no message takes any time.
    """
    take = demo.server.endpoint.on_invite
    assert take is not None

    def took(invite: IncomingInvite) -> None:
        take(invite)
        if "Authorization" in invite.request.headers:
            demo.network.latency_s = 0.0
            action()

    demo.server.endpoint.on_invite = took


# --- races ------------------------------------------------------------------------------------------------


def test_rfc3891_3_of_a_pick_up_and_an_answer_in_the_same_instant_exactly_one_is_connected(
    tmp_path: Path,
) -> None:
    winners = set()
    for turns in range(24):
        folder = tmp_path / str(turns)
        folder.mkdir()

        @virtual_time
        async def tell(turns: int = turns, folder: Path = folder) -> None:
            async with office(folder, scheme=TO_ANNA) as demo:
                anna, olena = await demo.phone("101", RINGS), await demo.phone("103")
                placed = await demo.call_in(NUMBER)
                await asyncio.sleep(2)
                rung = (await anna.invited(within=1)).leg
                early = early_dialog(demo, "101")
                when_proven(demo, lambda: after_turns(turns, lambda: answers(rung)))
                asked = await replacing(
                    olena, "103", Replaces(early.call_id, early.to_tag, early.from_tag, is_early_only=True)
                )
                caller = await placed.answered(within=5)
                await asyncio.sleep(1)
                legs = {"anna": anna.invitations[0].leg, "olena": asked.leg}
                (winner,) = [name for name, leg in legs.items() if leg.is_answered and leg.is_up]
                winners.add(winner)
                await transferred_voices(caller, legs[winner], folder)
                caller.hang_up()
                (call,) = await demo.stories()
                assert call.outcome is CallOutcome.TALKED
                talked = [event.who for event in call.events if event.kind is EventKind.TALKED]
                assert talked == [{"anna": "Anna Nowak", "olena": "Olena Kovalenko"}[winner]]
                if not asked.leg.is_answered:
                    assert await refused(asked) in (486, 603)
                await demo.settled()

        tell()
    assert winners == {"anna", "olena"}  # the turns reached both sides of the instant


def test_rfc3891_3_of_two_who_pick_up_in_the_same_instant_one_gets_the_call(tmp_path: Path) -> None:
    @virtual_time
    async def tell() -> None:
        async with office(tmp_path, scheme=TO_ANNA) as demo:
            await demo.phone("101", RINGS)
            piotr, olena = await demo.phone("102"), await demo.phone("103")
            placed = await demo.call_in(NUMBER)
            await asyncio.sleep(2)
            asked = [
                await demo.call_from(phone, extension, "*8")
                for phone, extension in ((piotr, "102"), (olena, "103"))
            ]
            caller = await placed.answered(within=2)
            await asyncio.sleep(1)
            (winner,) = [one for one in asked if one.leg.is_answered]
            (loser,) = [one for one in asked if one is not winner]
            assert await refused(loser) == 480
            await transferred_voices(caller, winner.leg, tmp_path)
            caller.hang_up()
            await demo.stories()
            await demo.settled()

    tell()


@pytest.mark.parametrize("who", ["caller", "picker"])
def test_rfc3891_3_a_hang_up_in_the_instant_of_the_pick_up_leaves_nobody_connected(
    who: str, tmp_path: Path
) -> None:
    rings_on = set()
    for turns in range(0, 48, 2):
        folder = tmp_path / str(turns)
        folder.mkdir()

        @virtual_time
        async def tell(turns: int = turns, folder: Path = folder) -> None:
            async with office(folder, scheme=TO_ANNA) as demo:
                anna, olena = await demo.phone("101", RINGS), await demo.phone("103")
                placed = await demo.call_in(NUMBER)
                await asyncio.sleep(2)
                demo.network.latency_s = 0.0
                left: list[asyncio.Task[None]] = []

                def leave() -> None:
                    leaving = placed if who == "caller" else asked
                    left.append(asyncio.create_task(leaving.close()))

                when_proven(demo, lambda: after_turns(turns, leave))
                asked = await demo.call_from(olena, "103", "*8101")
                await asyncio.sleep(2)
                assert left
                rung = anna.invitations[0].leg
                assert not [leg for leg in (placed.leg, asked.leg, rung) if leg.is_answered and leg.is_up]
                rings_on.add(rung.is_up)
                if who == "picker":
                    assert rung.is_up is not placed.leg.is_answered
                await placed.close()
                await demo.stories()
                await demo.settled()

        tell()
    assert rings_on == ({False} if who == "caller" else {False, True})  # the turns reached both sides


# --- what is answered ---------------------------------------------------------------------------------------


@virtual_time
async def test_rfc3891_3_a_third_phone_takes_the_place_of_the_one_that_was_called(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, olena = await demo.phone("101", ANSWERS), await demo.phone("103")
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        first = (await anna.invited(within=1)).leg
        await asyncio.sleep(2)
        talk = dialog_of(first)
        second = await (await replacing(olena, "103", talk, sent_by="101")).answered(within=1)
        await asyncio.wait_for(first.ended, 1)
        assert len(demo.packets("BYE", to_port=5101)) == 1
        assert demo.server.occupancy.is_free("anna", demo.now)
        assert not demo.server.occupancy.is_free("olena", demo.now)
        await transferred_voices(caller, second, tmp_path)
        caller.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        talked = [event.who for event in call.events if event.kind is EventKind.TALKED]
        assert talked == ["Anna Nowak", "Olena Kovalenko"]
        await demo.settled()


@virtual_time
async def test_rfc3891_3_a_phone_that_was_not_sent_does_not_take_the_talk_of_somebody_else(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, olena = await demo.phone("101", ANSWERS), await demo.phone("103")
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        first = (await anna.invited(within=1)).leg
        await asyncio.sleep(1)
        for somebody in ("", "102", "nobody"):  # Call-ID and tags are no secret: lamps tell them
            asked = await replacing(olena, "103", dialog_of(first), sent_by=somebody)
            assert await refused(asked) == 403
        await transferred_voices(caller, first, tmp_path)
        caller.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3891_3_who_placed_a_call_goes_on_with_it_on_their_other_phone(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        mobiles, desk = await demo.mobiles(ANSWERS), await demo.phone("101", port=5111)
        first = await (await demo.call_from(desk, "101", "+48600999777")).answered(within=5)
        handset = await demo.phone("101", port=5112, name="handset")
        await asyncio.sleep(2)
        far = (await mobiles.invited(within=1)).leg
        second = await (await replacing(handset, "101", dialog_of(first))).answered(within=1)
        await asyncio.wait_for(first.ended, 1)
        await transferred_voices(second, far, tmp_path)
        assert demo.server.channels.in_use("demo-out") == 1
        assert not demo.server.occupancy.is_free("anna", demo.now)
        second.hang_up()
        await asyncio.wait_for(far.ended, 1)
        assert demo.server.occupancy.is_free("anna", demo.now)
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time
async def test_rfc3891_3_the_leg_of_somebody_outside_and_who_hears_a_machine_are_not_replaced(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", ANSWERS)
        piotr, olena = await demo.phone("102"), await demo.phone("103")
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(1)
        assert await refused(await replacing(olena, "103", dialog_of(caller))) == 403
        echo = await (await demo.call_from(piotr, "102", "+48221230007")).answered(within=5)
        await asyncio.sleep(1)
        assert await refused(await replacing(olena, "103", dialog_of(echo))) == 603
        assert caller.is_up
        assert echo.is_up
        for leg in (caller, echo):
            leg.hang_up()
        await demo.stories()
        await demo.settled()


# --- by code ------------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc5359_2_16_the_code_and_an_extension_pick_up_what_rings_there(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=BOTH.format(mode="together")) as demo:
        await demo.phone("101", RINGS)
        await demo.phone("102", RINGS)
        olena = await demo.phone("103")
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        second = await (await demo.call_from(olena, "103", "*8102")).answered(within=1)
        await transferred_voices(await placed.answered(within=1), second, tmp_path)
        second.hang_up()
        (call,) = await demo.stories()
        assert "Olena Kovalenko picked up what rang for Piotr Zieliński" in story(call)
        await demo.settled()


@virtual_time
async def test_rfc5359_2_16_the_code_alone_picks_up_who_waits_longest(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_ANNA) as demo:
        await demo.mobiles(RINGS)
        anna, _ = await demo.phone("101", RINGS), await demo.phone("102", RINGS)
        olena, ivan = await demo.phone("103"), await demo.phone("104")
        await demo.call_from(ivan, "104", "+48600999777")  # to the outside: is nobody else's
        longest = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        other = await demo.call_in("+48221230001")
        await anna.invited(2, within=5)  # for who waits longest it rings at Anna's since a moment only
        await asyncio.sleep(1)
        first = await (await demo.call_from(olena, "103", "*8")).answered(within=1)
        await longest.answered(within=1)
        assert not other.leg.is_answered
        first.hang_up()
        await longest.close()
        await other.close()


@virtual_time
async def test_rfc5359_2_16_who_finds_nothing_to_pick_up_reads_why(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        mobiles = await demo.mobiles(RINGS)
        piotr, olena = await demo.phone("102", RINGS), await demo.phone("103")
        for code, status in (("*8", 480), ("*8101", 480), ("*8777", 404)):
            assert await refused(await demo.call_from(olena, "103", code)) == status
        await demo.call_from(piotr, "102", "+48600999777")
        await mobiles.invited(within=5)
        assert await refused(await demo.call_from(olena, "103", "*8")) == 480  # a colleague's own call
        assert await refused(await demo.call_from(piotr, "102", "*8102")) == 480
        shown = {packet.start_line for packet in demo.packets("SIP/2.0 480")}
        assert shown == {"SIP/2.0 480 No call to pick up"}
        assert await demo.server.store.journal.calls(limit=9) != []
        assert len(await demo.server.store.journal.calls(limit=9)) == 1  # to look for one is no call


@pytest.mark.parametrize(
    ("codes", "works", "does_not"),
    [
        ('group-pickup-code = "*20"\ndirected-pickup-code = "**"', ("*20", "**101"), ("*8",)),
        ('group-pickup-code = ""\ndirected-pickup-code = ""', (), ("*8", "*8101")),
    ],
)
def test_rfc5359_2_16_the_codes_are_the_offices_own(
    codes: str, works: tuple[str, ...], does_not: tuple[str, ...], tmp_path: Path
) -> None:
    def change(text: str) -> str:
        return text.replace("[office]\n", f"[office]\n{codes}\n")

    @virtual_time
    async def tell() -> None:
        async with office(tmp_path, scheme=TO_ANNA, change=change) as demo:
            await demo.phone("101", RINGS)
            olena, mobiles = await demo.phone("103"), await demo.mobiles(Habit(refuses_with=484))
            for number, code in enumerate(does_not, start=1):
                assert await refused(await demo.call_from(olena, "103", code)) == 484
                await mobiles.invited(number, within=1)  # it went to the outside like any number
            for code in works:
                placed = await demo.call_in(NUMBER)
                await asyncio.sleep(1)
                second = await (await demo.call_from(olena, "103", code)).answered(within=1)
                await placed.answered(within=1)
                second.hang_up()
                await asyncio.sleep(1)

    tell()


@virtual_time
async def test_rfc5359_2_16_a_code_of_the_trunk_is_a_number_like_any_other(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", RINGS)
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        await demo.call_in("*8101")
        await asyncio.sleep(5)
        assert not placed.leg.is_answered


@pytest.mark.parametrize("hangs_up", [False, True], ids=["waits", "hangs-up"])
@pytest.mark.parametrize("scheme", [TO_ANNA, QUEUED], ids=["ring", "queue"])
def test_rfc3261_13_3_1_4_a_phone_that_picks_up_and_dies_has_not_served_the_caller(
    scheme: str, hangs_up: bool, tmp_path: Path
) -> None:
    @virtual_time
    async def tell() -> None:
        async with office(tmp_path, scheme=scheme) as demo:
            await demo.phone("101", RINGS)
            olena = await demo.phone("104", RINGS, host="127.0.0.4")
            placed = await demo.call_in(NUMBER)
            await demo.phones["101"].invited(within=5)
            await asyncio.sleep(2)
            demo.lose_when_answered("127.0.0.4")
            await replacing(olena, "104", early_dialog(demo, "101"))
            caller = await placed.answered(within=2)
            await asyncio.sleep(5 if hangs_up else 40)
            caller.hang_up()
            (call,) = await demo.stories()
            kinds = [event.kind for event in call.events]
            assert call.outcome is CallOutcome.PROMISE
            assert (EventKind.VOICEMAIL in kinds) is not hangs_up
            assert EventKind.TALKED not in kinds
            assert "was gone when the call came through" in story(call)
            await demo.settled()

    tell()
