"""The busy lamp of a colleague: free, rung, talking, and free again (RFC 4235, RFC 6665)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, parse_message
from b2bua.sip.replaces import Replaces
from b2bua.sip.uri import parse_uri
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, TO_ANNA, office
from tests.harness.watcher import NAMESPACE, Told, Watching, lamp, watch

DIALOG = "dialog"


NOBODY = "sip:anonymous@anonymous.invalid"


def remote_of(told: Told) -> str | None:
    """Return with whom the phone of the only call is said to be connected."""
    [dialog] = told.dialogs
    return dialog.findtext(f"{NAMESPACE}remote/{NAMESPACE}identity")


def identifiers(told: Told) -> tuple[str | None, ...]:
    """Return Call-ID, local tag and remote tag of the only call."""
    [dialog] = told.dialogs
    return dialog.get("call-id"), dialog.get("local-tag"), dialog.get("remote-tag")


@virtual_time
async def test_rfc4235_3_7_a_colleague_is_shown_free_rung_talking_and_free_again(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", Habit(answers_after=5.0))
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        assert lit.last.request.content_type == "application/dialog-info+xml"
        assert (lit.last.document.get("entity"), lit.last.document.get("state")) == (
            "sip:101@127.0.0.1",
            "full",
        )
        assert (lit.last.document.get("version"), lit.last.states) == ("0", [])
        call = await demo.call_in(NUMBER)
        await anna.invited(within=5)
        ringing = await lit.until(lambda: lit.last.states == ["early"], within=1)
        [dialog] = ringing.dialogs
        assert dialog.get("direction") == "recipient"
        ringing_at = next(one.at for one in demo.packets("SIP/2.0 180", from_port=5101))
        assert ringing.at - ringing_at < 0.1
        leg = await call.answered(within=10)
        talking = await lit.until(lambda: lit.last.states == ["confirmed"], within=0.1)
        await asyncio.sleep(30)
        leg.hang_up()
        hung_up_at = demo.now
        free = await lit.until(lambda: not lit.last.states, within=0.1)
        assert free.at - hung_up_at < 0.1
        told = [ringing, talking, free]
        assert [one.document.get("version") for one in lit.told] == [str(n) for n in range(len(lit.told))]
        assert lit.told[1:] == told
        await lit.stop()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc4235_4_1_a_ringing_call_carries_the_identifiers_that_the_watched_phone_knows_it_by(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", Habit(answers_after=5.0))
        await demo.phone("102")
        lit, own = await lamp(demo, "102", DIALOG, "101"), await lamp(demo, "101", DIALOG)
        call = await demo.call_in(NUMBER)
        invite = (await anna.invited(within=5)).invite
        ringing = await lit.until(lambda: lit.last.states == ["early"], within=1)
        response = parse_message(demo.packets("SIP/2.0 180", from_port=5101)[0].wire)
        known = (invite.call_id, response.to.tag, invite.request.from_.tag)
        assert identifiers(ringing) == known
        await call.answered(within=10)
        talking = await lit.until(lambda: lit.last.states == ["confirmed"], within=1)
        assert ringing.dialogs[0].get("id") == talking.dialogs[0].get("id")
        assert identifiers(own.last) == known
        await call.close()


@virtual_time
async def test_rfc4235_5_nobody_learns_from_a_lamp_what_could_take_a_talk_of_others_away(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        await (await demo.call_in(NUMBER)).answered(within=10)
        talking = await lit.until(lambda: lit.last.states == ["confirmed"], within=1)
        assert identifiers(talking) == (None, None, None)
        assert anna.invitations[0].invite.call_id.encode() not in talking.request.body


@virtual_time
async def test_rfc5359_2_16_what_the_lamp_tells_is_enough_to_pick_the_call_up_which_moves_the_lamps(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102")
        await demo.phone("103")
        lit, his = await lamp(demo, "102", DIALOG, "101"), await lamp(demo, "103", DIALOG, "102")
        call = await demo.call_in(NUMBER)
        ringing = await lit.until(lambda: lit.last.states == ["early"], within=1)
        call_id, local_tag, remote_tag = identifiers(ringing)
        target = ringing.dialogs[0].find(f"{NAMESPACE}remote/{NAMESPACE}target")
        assert target is not None
        assert target.get("uri") == "sip:101@127.0.0.1"
        replaces = Replaces(call_id or "", to_tag=remote_tag or "", from_tag=local_tag or "")
        credentials = Credentials("102", "demo-102")
        lines = (("Replaces", str(replaces)),)
        placed = await piotr.call(SERVER, "101", from_number="102", credentials=credentials, headers=lines)
        await placed.answered(within=1)
        await call.answered(within=1)
        await lit.until(lambda: not lit.last.states, within=1)
        talking = await his.until(lambda: his.last.states == ["confirmed"], within=1)
        assert talking.dialogs[0].get("direction") == "initiator"
        await call.close()
        await his.until(lambda: not his.last.states, within=1)


@virtual_time
async def test_rfc4235_3_7_a_colleague_who_calls_is_busy_from_the_first_moment(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        piotr, olena = await demo.phone("102", Habit(answers_after=3.0)), await demo.phone("103")
        lit, own = await lamp(demo, "103", DIALOG, "101"), await lamp(demo, "101", DIALOG)
        placed = await demo.call_from(anna, "101", "102")
        await piotr.invited(within=5)
        early = await lit.until(lambda: lit.last.states == ["early"], within=1)
        assert early.dialogs[0].get("direction") == "initiator"
        assert remote_of(early) == NOBODY
        leg = await placed.answered(within=5)
        talking = await lit.until(lambda: lit.last.states == ["confirmed"], within=0.1)
        assert leg.session is not None
        dialog = leg.session.dialog
        assert identifiers(own.last) == (dialog.call_id, dialog.local_tag, dialog.remote_tag)
        assert identifiers(talking) == (None, None, None)
        leg.hang_up()
        await lit.until(lambda: not lit.last.states, within=0.1)
        assert olena.invitations == []


@virtual_time
async def test_a_colleague_who_does_not_answer_is_free_when_the_ringing_ends(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101")
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        call = await demo.call_in(NUMBER)
        ringing = await lit.until(lambda: lit.last.states == ["early"], within=1)
        free = await lit.until(lambda: not lit.last.states, within=21)
        assert free.at - ringing.at == pytest.approx(20, abs=0.2)
        await call.close()


@virtual_time
async def test_a_phone_that_refuses_at_once_lights_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit(refuses_with=486))
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        call = await demo.call_in(NUMBER)
        await call.answered(within=5)
        assert len(lit.told) == 1
        await call.close()


@virtual_time
async def test_each_phone_of_a_person_that_rings_is_a_call_until_one_of_them_answers(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit(answers_after=4.0), port=5101)
        await demo.phone("101", Habit(), port=5201, name="second")
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        call = await demo.call_in(NUMBER)
        await lit.until(lambda: lit.last.states == ["early", "early"], within=1)
        await call.answered(within=5)
        await lit.until(lambda: lit.last.states == ["confirmed"], within=0.1)
        await call.close()
        await lit.until(lambda: not lit.last.states, within=0.1)


@pytest.mark.parametrize(("key", "is_told"), [("", False), ("lamps-show-callers = true\n", True)])
@virtual_time
async def test_who_rings_a_colleague_is_told_only_where_the_office_wants_it_and_only_while_it_rings(
    tmp_path: Path, key: str, is_told: bool
) -> None:
    async with office(
        tmp_path, scheme=TO_ANNA, change=lambda text: text.replace("[office]\n", f"[office]\n{key}", 1)
    ) as demo:
        await demo.phone("101", Habit(answers_after=3.0))
        await demo.phone("102")
        lit, own = await lamp(demo, "102", DIALOG, "101"), await lamp(demo, "101", DIALOG)
        call = await demo.call_in(NUMBER)
        ringing = await lit.until(lambda: lit.last.states == ["early"], within=1)
        assert remote_of(ringing) == ("sip:+48500600700@127.0.0.1" if is_told else NOBODY)
        assert remote_of(own.last) == "sip:+48500600700@127.0.0.1"
        assert (b"48500600700" in ringing.request.to_bytes()) is is_told
        await call.answered(within=5)
        talking = await lit.until(lambda: lit.last.states == ["confirmed"], within=1)
        assert b"48500600700" not in talking.request.to_bytes()
        await call.close()


@virtual_time
async def test_rfc6665_4_2_2_a_burst_of_changes_is_told_by_the_newest_state(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit(answers_after=0.2))
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        for _ in range(4):
            demo.network.drop_next(lambda wire: wire.startswith(b"NOTIFY"))
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=5)
        await asyncio.sleep(0.5)
        leg.hang_up()
        free = await lit.until(lambda: len(lit.told) > 1 and not lit.last.states, within=10)
        assert [one.states for one in lit.told] == [[], ["early"], []]
        assert free.document.get("version") == "2"


@virtual_time
async def test_rfc6665_4_2_2_a_watcher_that_is_gone_is_dropped_while_calls_go_on(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit(answers_after=1.0))
        await demo.phone("102")
        lit = await lamp(demo, "102", DIALOG, "101")
        lit.answers_with = None
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(40)
        assert len(demo.server.lamps.notifier) == 0
        assert leg.is_up
        leg.hang_up()
        await demo.stories()
        await demo.settled()


@pytest.mark.parametrize(("target", "status"), [("104", 200), ("ivan", 200), ("199", 404), ("*97", 404)])
@virtual_time
async def test_rfc4235_3_1_whoever_has_an_extension_can_be_watched_and_nobody_else(
    tmp_path: Path, target: str, status: int
) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.phone("101")
        watching = await watch(phone, "101", DIALOG, target=target)
        assert watching.response.result().status == status


@virtual_time
async def test_rfc6665_4_2_1_3_a_stranger_does_not_learn_who_talks(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        stranger = await demo.softphone("stranger", 6001)
        request = Request("SUBSCRIBE", "sip:101@127.0.0.1")
        for name, value in (("Event", DIALOG), ("Contact", "<sip:x@127.0.0.1:6001>")):
            request.headers.add(name, value)
        assert (await stranger.endpoint.request(request, SERVER)).status == 401
        assert demo.packets("NOTIFY") == []


@virtual_time
async def test_a_transferred_call_moves_from_one_lamp_to_the_other(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = (
            await demo.phone("101", Habit(answers_after=1)),
            await demo.phone("102", Habit(answers_after=1)),
        )
        await demo.phone("103")
        lamps: dict[str, Watching] = {one: await lamp(demo, "103", DIALOG, one) for one in ("101", "102")}
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        leg = (await anna.invited(within=5)).leg
        await lamps["101"].until(lambda: lamps["101"].last.states == ["confirmed"], within=1)
        assert leg.session is not None
        leg.session.refer(parse_uri(f"sip:102@{SERVER.host}"))
        await piotr.invited(within=5)
        await lamps["102"].until(lambda: lamps["102"].last.states == ["confirmed"], within=5)
        await lamps["101"].until(lambda: not lamps["101"].last.states, within=1)
        caller.hang_up()
        await lamps["102"].until(lambda: not lamps["102"].last.states, within=0.1)
