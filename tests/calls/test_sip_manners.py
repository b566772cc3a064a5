"""What the office tells other SIP servers; calls in a circle end (RFC 3261 §11.2, RFC 4028, RFC 7332)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit
from b2bua.errors import ConfigError
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, parse_message
from b2bua.sip.uri import SipUri
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, office, reinvite

TO_A_NUMBER = """
[[step]]
ring = ["+48600999888"]
for = "20s"

[[step]]
voicemail = "sales"
"""
TO_A_PHONE = TO_A_NUMBER.replace("+48600999888", "101")


@virtual_time
async def test_rfc7332_the_leg_we_send_may_go_one_hop_less_far_than_the_call_it_is_for(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_A_NUMBER) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        trunk = await demo.softphone("trunk", 6001)
        dial = await trunk.call(SERVER, NUMBER, from_number="+48500600700")
        await mobiles.invited(within=5)
        assert parse_message(demo.packets("INVITE", to_port=5090)[0].wire).headers.get("Max-Forwards") == "69"
        await dial.close()
        await demo.stories()


@virtual_time
async def test_rfc3261_11_2_options_say_what_we_can_and_no_more(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.softphone("asks", 6002)
        answer = await phone.endpoint.request(Request("OPTIONS", "sip:127.0.0.1"), SERVER)
        assert answer.option_tags("Supported") == {"100rel", "norefersub", "replaces", "timer"}
        assert {"PRACK", "REFER", "NOTIFY", "UPDATE", "REGISTER"} <= answer.option_tags("Allow")


@virtual_time
async def test_rfc4028_5_the_session_timer_is_the_offices_choice(tmp_path: Path) -> None:
    for written, asked in (('"15m"', "900"), ("0", None)):
        folder = tmp_path / str(asked)
        folder.mkdir()
        timer = f"[sip]\nsession-timer = {written}\n"
        async with office(
            folder, scheme=TO_A_NUMBER, change=lambda text, timer=timer: text.replace("[sip]\n", timer)
        ) as demo:
            mobiles = await demo.mobiles(Habit(answers_after=1.0))
            call = await demo.call_in(NUMBER)
            invite = (await mobiles.invited(within=5)).invite.request
            assert invite.headers.get("Session-Expires") == asked
            await call.close()
            await demo.stories()


@virtual_time
async def test_rfc4028_5_a_session_timer_that_no_peer_may_accept_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="session-timer"):
        async with office(
            tmp_path, change=lambda text: text.replace("[sip]\n", '[sip]\nsession-timer = "30s"\n')
        ):
            pass


@virtual_time
async def test_rfc3261_8_1_3_4_a_302_of_the_provider_is_followed_where_the_office_says_so(
    tmp_path: Path,
) -> None:
    moved = (("Contact", "<sip:+48600999888@127.0.0.1:5091>"),)
    for line, is_followed in (("follow-redirects = true", True), ("", False)):
        folder = tmp_path / str(is_followed)
        folder.mkdir()
        trunk = f"[trunk.demo-out]\n{line}\n"
        async with office(
            folder,
            scheme=TO_A_NUMBER,
            change=lambda text, trunk=trunk: text.replace("[trunk.demo-out]\n", trunk),
        ) as demo:
            mobiles = await demo.mobiles()
            mobiles.endpoint.on_invite = lambda invite: invite.reject(302, headers=moved)
            other = await demo.softphone("other gateway", 5091)
            other.habit = Habit(answers_after=1.0)
            caller = await (await demo.call_in(NUMBER)).answered(within=20)
            await asyncio.sleep(2)
            assert len(other.invitations) == is_followed
            caller.hang_up()
            (told,) = await demo.stories()
            assert ("talked with +48600999888" in story(told)) is is_followed


@virtual_time(limit_s=900)
async def test_row_d10_a_phone_that_dies_while_it_holds_is_noticed_by_its_session_timer_rfc4028(
    tmp_path: Path,
) -> None:
    timer = '[sip]\nsession-timer = "2m"\n'
    scheme = TO_A_NUMBER.replace("+48600999888", "101")
    async with office(tmp_path, scheme=scheme, change=lambda text: text.replace("[sip]\n", timer)) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0), host="127.0.0.3")
        caller = await (await demo.call_in(NUMBER)).answered(within=20)
        await reinvite((await anna.invited(within=1)).leg, "inactive")
        await asyncio.sleep(150)
        assert caller.is_up
        assert not demo.server.occupancy.is_free("anna", demo.now)
        demo.network.blackhole("127.0.0.3")
        died = demo.now
        await demo.until(lambda: demo.server.occupancy.is_free("anna", demo.now), within=120)
        assert demo.now - died < 60 + 33
        await asyncio.sleep(1)
        assert not caller.is_up
        (told,) = await demo.stories()
        assert "talked with Anna Nowak" in story(told)


WITHHELD = (("P-Asserted-Identity", "<sip:+48500600799@127.0.0.1>"), ("Privacy", "id"))


@virtual_time
async def test_rfc3323_4_rfc3325_7_what_the_network_knows_of_a_withheld_caller_reaches_nobody_we_ring(
    tmp_path: Path,
) -> None:
    def by_caller(text: str) -> str:
        return text.replace("port = 5090", 'port = 5090\ncaller-id = "caller"')

    both = TO_A_NUMBER.replace('["+48600999888"]', '["101", "+48600999888"]\nmode = "together"')
    async with office(tmp_path, scheme=both, change=by_caller) as demo:
        await demo.phone("101", Habit())
        await demo.mobiles(Habit(answers_after=1))
        trunk = await demo.softphone("trunk", 6100)
        call = await trunk.call(SERVER, NUMBER, from_number="+48500600799", headers=WITHHELD)
        await call.answered(within=3)
        to_phone, to_mobile = (
            parse_message(demo.packets("INVITE", to_port=port)[0].wire) for port in (5101, 5090)
        )
        assert to_phone.from_.display == "unknown caller"
        assert str(to_mobile.from_.uri) == "sip:anonymous@anonymous.invalid"
        assert to_mobile.headers.get("Privacy") == "id"
        assert all(b"500600799" not in message.to_bytes() for message in (to_phone, to_mobile))
        await demo.people_leave()
        [call_story] = await demo.stories()
        assert call_story.call.caller == ""


ASSERTED = (
    "<sip:jan@127.0.0.1>, <tel:+48500600799>",
    '"Jan" <sip:+48500600799@127.0.0.1>, <tel:+48500600799>',
)


@pytest.mark.parametrize("asserted", ASSERTED)
def test_rfc3325_9_1_of_two_asserted_identities_on_one_line_the_number_counts(
    tmp_path: Path, asserted: str
) -> None:
    @virtual_time
    async def tell() -> None:
        async with office(tmp_path) as demo:
            trunk = await demo.softphone("trunk", 6100)
            headers = (("P-Asserted-Identity", asserted),)
            await trunk.call(SERVER, NUMBER, from_number="anonymous", headers=headers)
            await asyncio.sleep(1)
            await demo.people_leave()
            [call_story] = await demo.stories()
            assert call_story.call.caller == "+48500600799"

    tell()


@pytest.mark.parametrize("privacy", ["id", "none"])
def test_rfc3323_4_one_of_us_who_withholds_the_number_does_so_outside(tmp_path: Path, privacy: str) -> None:
    @virtual_time
    async def tell() -> None:
        to_another_pbx = TO_A_NUMBER.replace("+48600999888", "sip:head@127.0.0.1:5091")
        async with office(tmp_path, scheme=to_another_pbx) as demo:
            anna = await demo.phone("101")
            await demo.mobiles(Habit(answers_after=1))
            await demo.softphone("another PBX", 5091)
            credentials, lines = Credentials("101", "demo-101"), (("Privacy", privacy),)
            for dialled, port in (("+48600999888", 5090), (NUMBER, 5091)):
                await anna.call(SERVER, dialled, from_number="101", credentials=credentials, headers=lines)
                await demo.until(lambda port=port: bool(demo.packets("INVITE", to_port=port)), within=3)
                shown = parse_message(demo.packets("INVITE", to_port=port)[0].wire)
                is_hidden = str(shown.from_.uri) == "sip:anonymous@anonymous.invalid"
                assert (is_hidden, shown.headers.get("Privacy")) == (
                    (True, "id") if privacy == "id" else (False, None)
                )
                assert (b"Anna" in shown.to_bytes()) is (privacy == "none" and port == 5091)

    tell()


@virtual_time
async def test_rfc3261_8_2_2_2_our_own_invite_that_comes_back_is_a_loop_482(tmp_path: Path) -> None:
    to_ourselves = TO_A_NUMBER.replace("+48600999888", f"sip:+48221239998@127.0.0.1:{SERVER.port}")
    async with office(tmp_path, scheme=to_ourselves) as demo:
        began = demo.now
        await (await demo.call_in(NUMBER)).answered(within=3)  # by the voicemail
        assert demo.now - began < 1
        assert len(demo.packets("SIP/2.0 482")) == 1
        await demo.people_leave()
        [call_story] = await demo.stories()  # the loop is no call of its own
        assert call_story.call.dialled == NUMBER


@virtual_time
async def test_a_caller_whom_a_fault_of_ours_leaves_without_an_answer_is_told_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, scheme=TO_A_NUMBER) as demo:

        def fails(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(demo.server.serving.reception.traces, "following", fails)
        call = await demo.call_in(NUMBER)
        with pytest.raises(CallRefused) as refused:
            await call.answered(within=5)
        assert refused.value.status == 500


@virtual_time(limit_s=120)
async def test_rfc3264_8_our_description_has_a_new_version_only_where_it_says_something_else(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_A_PHONE) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=3)
        leg = (await anna.invited(within=1)).leg
        directions = ("sendrecv", "sendrecv", "sendonly", "sendonly", "sendrecv")
        answers = [await reinvite(leg, direction) for direction in directions]
        versions = [int(answer.split()[3]) for answer in answers]
        assert [number - versions[0] for number in versions] == [0, 0, 1, 1, 2]
        assert answers[0] == answers[1]
        assert answers[2] == answers[3]
        caller.hang_up()
        await demo.stories()


@virtual_time
async def test_rfc3326_rfc6432_a_line_says_in_the_words_of_the_telephone_network_why_nobody_came(
    tmp_path: Path,
) -> None:
    scheme = TO_A_NUMBER.replace(
        "[[step]]\nvoicemail", '[[step]]\nring = ["+48600999777"]\nafter = ["busy"]\n\n[[step]]\nvoicemail'
    )
    async with office(tmp_path, scheme=scheme) as demo:
        mobiles = await demo.mobiles()
        busy, no_answer = (("Reason", "Q.850;cause=17"),), (("Reason", "Q.850;cause=19"),)
        mobiles.endpoint.on_invite = lambda invite: (
            invite.reject(480, headers=no_answer)
            if "777" in invite.request.uri
            else invite.reject(503, headers=busy)
        )
        await (await demo.call_in(NUMBER)).answered(within=5)
        await demo.people_leave()
        (told,) = await demo.stories()
        assert story(told).startswith(
            "rang +48600999888 under 1 s, busy; rang +48600999777 under 1 s, no answer; "
        )


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        ('"Jan" <sip:+48500600788@pbx.example>;party=calling;screen=yes;privacy=off', "Jan"),
        ("<sip:+48500600788@pbx.example>;privacy=full", "unknown caller"),
        ("<sip:101@pbx.example>;party=called", "+48500600799"),
    ],
)
@virtual_time
async def test_a_gateway_says_by_remote_party_id_who_calls(tmp_path: Path, party: str, shown: str) -> None:
    async with office(tmp_path, scheme=TO_A_PHONE) as demo:
        anna = await demo.phone("101", Habit())
        trunk = await demo.softphone("trunk", 6100)
        lines = (("Remote-Party-ID", party),)
        call = await trunk.call(SERVER, NUMBER, from_number="+48500600799", headers=lines)
        assert (await anna.invited(within=2)).invite.request.from_.display == shown
        await call.close()
        await demo.stories()


@virtual_time
async def test_rfc3261_7_3_1_what_escapes_hide_in_a_user_breaks_no_line_and_loses_no_call(
    tmp_path: Path,
) -> None:
    evil = "ab\r\nX-Evil: 1"
    sent_on = (("Diversion", f"<{SipUri(evil, 'mobiles.example')}>"),)
    async with office(tmp_path, scheme=TO_A_PHONE) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        for at, (number, headers) in enumerate([(evil, ()), ("+48500600700", sent_on), (evil, sent_on)]):
            trunk = await demo.softphone("trunk", 6001 + at)
            call = await trunk.call(SERVER, NUMBER, from_number=number, headers=headers)
            leg = await call.answered(within=5)
            leg.hang_up()
            await demo.settled()
        shown = [each.invite.request.from_.display for each in anna.invitations]
        tame = evil.replace("\r\n", 2 * "\N{REPLACEMENT CHARACTER}")
        assert shown == [tame, f"+48500600700 (for {tame})", f"{tame} (for {tame})"]
        assert all("X-Evil" not in each.invite.request.headers for each in anna.invitations)


@pytest.mark.parametrize("written", ["Unknown", "anonymous", "private"])
@virtual_time
async def test_what_networks_write_in_place_of_a_number_is_none(tmp_path: Path, written: str) -> None:
    async with office(tmp_path, scheme=TO_A_NUMBER.replace("+48600999888", "101")) as demo:
        anna = await demo.phone("101", Habit())
        call = await demo.call_in(NUMBER, from_number=written)
        assert (await anna.invited(within=2)).invite.request.from_.display == "unknown caller"
        await call.close()
        (told,) = await demo.stories()
        assert told.call.caller == ""


@virtual_time
async def test_rfc3261_14_2_a_phone_that_holds_and_dies_has_talked_all_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_A_PHONE) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0), host="127.0.0.4")
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        phone = (await anna.invited(within=5)).leg
        await asyncio.sleep(10)
        demo.lose_when_answered("127.0.0.4")
        holding = asyncio.create_task(reinvite(phone, "sendonly"))
        await asyncio.wait({caller.ended}, timeout=60)
        holding.cancel()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        assert "talked with Anna Nowak for" in story(call)
