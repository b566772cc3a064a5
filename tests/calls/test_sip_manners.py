"""What the office tells other SIP servers; calls in a circle end (RFC 3261 §11.2, RFC 4028, RFC 7332)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.errors import ConfigError
from b2bua.sip.message import Request, parse_message
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
