"""Rows F19, F21, I14: whoever answers knows why: who missed the call, what was called and chosen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.sip.uri import SipUri
from b2bua.store.calls import EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MOBILES, NUMBER, SERVER, Office, office
from tests.harness.prompts import Ears, marked_office, names

DIRECTOR = "+48600999888"
SALES = """
[[step]]
ring = ["101", "102"]
for = "5s"

[[step]]
ring = ["103"]
for = "5s"

[[step]]
ring = ["104", "sip:head@10.7.7.7:5066"]
for = "5s"

[[step]]
ring = ["+48600999888"]
whisper = "missed-by-sales"
for = "20s"

[[step]]
voicemail = "sales"
"""


def shown(demo: Office, port: int) -> list[str]:
    """Return what was shown at a port, call by call."""
    return [parse_message(packet.wire).from_.display for packet in demo.packets("INVITE", to_port=port)]


@virtual_time(limit_s=600)
async def test_row_f19_later_steps_read_who_missed_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SALES) as demo:
        await demo.phone("101")
        await demo.phone("103", Habit(refuses_with=486))
        await demo.phone("104")
        pbx = await demo.softphone("another PBX", 5066, host="10.7.7.7")
        pbx.habit = Habit(answers_after=2)
        leg = await (await demo.call_in(NUMBER)).answered(within=20)
        assert shown(demo, 5101) == [CALLER]
        both = f"{CALLER} (missed by Piotr Zieliński, Anna Nowak)"  # his phone is off, hers was not answered
        assert shown(demo, 5103) == [both]
        three = f"{CALLER} (missed by Piotr Zieliński and 2 others)"
        assert (shown(demo, 5104), shown(demo, 5066)) == ([three], [three])
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story).startswith(
            "Piotr Zieliński's phone was off; rang Anna Nowak 5 s, no answer; "
            "rang Olena Kovalenko under 1 s, busy; "
        )
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f19_who_talked_has_not_missed_anything(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        piotr = await demo.phone("102", Habit(answers_after=1))
        await demo.phone("103", Habit(answers_after=1))
        leg = await (await demo.call_in("+48221230001")).answered(within=2)
        await asyncio.sleep(1)
        assert shown(demo, 5102) == [f"{CALLER} (missed by Anna Nowak)"]
        phone = piotr.invitations[0].leg
        assert phone.session is not None
        phone.session.refer(SipUri("103", SERVER.host))
        await asyncio.sleep(2)
        assert shown(demo, 5103) == [CALLER]
        leg.hang_up()


async def director(demo: Office, ears: Ears) -> list[str]:
    """Let everybody miss a call but the director's mobile; return what is heard there before the talk."""
    for extension in ("101", "102", "103", "104"):
        await demo.phone(extension)
    mobiles = await demo.mobiles(Habit(answers_after=2))
    call = await demo.call_in(NUMBER)
    mobile = (await mobiles.invited(within=20)).leg
    await demo.until(lambda: mobile.is_answered, within=5)
    began = demo.now
    await asyncio.sleep(1)
    assert 200 not in [status for _, status in call.statuses]  # the caller hears ringing
    leg = await call.answered(within=10)
    assert 1.5 < demo.now - began < 6
    heard = names(ears.heard(mobile.media, since=began))
    leg.hang_up()
    return heard


@virtual_time(limit_s=600)
async def test_row_f19_the_director_hears_on_his_mobile_that_sales_missed_the_call(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=SALES) as (demo, ears):
        assert await director(demo, ears) == ["missed-by-sales"]
        [call_story] = await demo.stories()
        assert f"talked with {DIRECTOR}" in story(call_story)
        missed = [event.who for event in call_story.events if event.kind is EventKind.RANG]
        assert set(missed[:2]) == {"Anna Nowak", "Piotr Zieliński"}
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f19_d5_who_is_asked_hears_it_as_part_of_the_question(tmp_path: Path) -> None:
    asked = SALES.replace("whisper", "confirm = true\nwhisper")
    async with marked_office(tmp_path, scheme=asked) as (demo, ears):
        mobiles = await demo.mobiles(Habit(answers_after=1))
        await demo.call_in(NUMBER)
        mobile = (await mobiles.invited(within=20)).leg
        await asyncio.sleep(16)
        heard = names(ears.heard(mobile.media))
        assert heard[:3] == ["missed-by-sales", "call-from", "plus"]
        assert "press-1-to-take-the-call" in heard


@virtual_time(limit_s=600)
async def test_row_f19_who_hangs_up_in_the_whisper_leads_on_to_the_next_step(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SALES) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        invitation = await mobiles.invited(within=20)
        await demo.until(lambda: invitation.leg.is_answered, within=5)
        invitation.leg.hang_up()
        leg = await call.answered(within=3)
        await asyncio.sleep(1)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert f"rang {DIRECTOR}, hung up before the caller was connected; was asked to" in story(call_story)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f19_a_caller_who_leaves_during_the_whisper_frees_the_mobile(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SALES) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        invitation = await mobiles.invited(within=20)
        await demo.until(lambda: invitation.leg.is_answered, within=5)
        await call.close()
        await asyncio.sleep(0.5)
        assert not invitation.leg.is_up
        assert len(demo.packets("BYE", to_port=MOBILES[1])) == 1
        await demo.settled()


@pytest.mark.parametrize(
    ("label", "source", "display"),
    [
        ("", "", f"2-Sales: {CALLER}"),
        ('label = "Support", ', "", f"2-Support: {CALLER}"),
        ('label = "Support", ', 'source = "google"', f"google, 2-Support: {CALLER}"),
        ('label = "", ', "", CALLER),
    ],
)
def test_row_i14_whoever_answers_reads_what_was_chosen(
    tmp_path: Path, label: str, source: str, display: str
) -> None:
    def labelled(text: str) -> str:
        text = text.replace('2 = { queue = "sales" }', f'2 = {{ {label}queue = "sales" }}')
        number = '[number."+48221230003"]\nscheme = "menu"\n'
        assert number in text
        return text.replace(number, f"{number}{source}\n")

    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, change=labelled) as demo:
            await demo.phone("101", Habit(answers_after=1))
            leg = await (await demo.call_in("+48221230003")).answered(within=1)
            await asyncio.sleep(1)
            leg.media.send_digits("2")
            await asyncio.sleep(5)
            assert shown(demo, 5101) == [display]
            leg.hang_up()

    tell()
