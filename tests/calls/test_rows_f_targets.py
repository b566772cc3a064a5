"""Rows F7, F9 and F23: everything that a step may ring, and nothing of it shows toward the caller."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import MOBILES, NUMBER, Office, office

TAKES_IT = Habit(answers_after=2)
VOICEMAIL = '[[step]]\nvoicemail = "sales"\n'


def ring(*targets: str) -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'[[step]]\nring = [{listed}]\nfor = "10s"\n\n{VOICEMAIL}'


async def talk(demo: Office, *, within: float = 5) -> str:
    """Call, talk for 3 s, and return the story."""
    leg = await (await demo.call_in(NUMBER)).answered(within=within)
    await asyncio.sleep(3)
    assert leg.is_up
    leg.hang_up()
    [call_story] = await demo.stories()
    assert call_story.outcome is CallOutcome.TALKED
    await demo.settled()
    return story(call_story)


@pytest.mark.parametrize("target", ["101", "anna"])
def test_row_f7_a_login_or_a_person_rings_all_their_phones(tmp_path: Path, target: str) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=ring(target)) as demo:
            await demo.phone("101", port=5101)
            await demo.phone("101", TAKES_IT, port=5111)
            assert await talk(demo) == "talked with Anna Nowak for 3 s"
            assert len(demo.packets("INVITE", to_port=5101)) == 1

    tell()


@virtual_time(limit_s=600)
async def test_row_f7_a_group_rings_together(tmp_path: Path) -> None:
    group = '[group.sales]\nmembers = ["anna", "102", "piotr", "+48600999888"]\n'
    async with office(tmp_path, scheme=ring("sales"), change=lambda text: text + group) as demo:
        await demo.phone("101")
        await demo.phone("102", TAKES_IT)
        await demo.mobiles()
        assert (await talk(demo)).endswith("talked with Piotr Zieliński for 3 s")
        assert (
            len(demo.packets("INVITE", to_port=5101)) == len(demo.packets("INVITE", to_port=MOBILES[1])) == 1
        )


@pytest.mark.parametrize(
    ("target", "dialled", "named"),
    [
        ("+48600999888", "+48600999888", "+48600999888"),
        ("22 555 66 77", "+48225556677", "+48225556677"),
        ("mobile of anna", "+48600100200", "Anna Nowak's mobile +48600100200"),
    ],
)
def test_row_f7_f9_a_number_outside_rings_through_the_trunk(
    tmp_path: Path, target: str, dialled: str, named: str
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=ring(target)) as demo:
            await demo.mobiles(TAKES_IT)
            assert await talk(demo) == f"talked with {named} for 3 s"
            [invite] = demo.packets("INVITE", to_port=MOBILES[1])
            request = parse_message(invite.wire)
            assert invite.start_line.startswith(f"INVITE sip:{dialled}@127.0.0.1:5090")
            assert str(request.from_.uri).startswith("sip:+48221230001@")  # our own number, not the caller's

    tell()


@virtual_time(limit_s=600)
async def test_row_f7_f9_a_sip_address_of_another_pbx_rings(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("sip:sales@10.7.7.7:5066")) as demo:
        pbx = await demo.softphone("another PBX", 5066, host="10.7.7.7")
        pbx.habit = TAKES_IT
        assert await talk(demo) == "talked with sip:sales@10.7.7.7:5066 for 3 s"
        assert demo.packets("INVITE", to_port=5066)[0].start_line == "INVITE sip:sales@10.7.7.7:5066 SIP/2.0"


@virtual_time(limit_s=600)
async def test_row_f7_an_address_that_we_have_no_transport_for_costs_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("sip:sales@10.7.7.7;transport=tcp", "101")) as demo:
        await demo.phone("101", TAKES_IT)
        assert await talk(demo) == (
            "rang sip:sales@10.7.7.7;transport=tcp under 1 s, did not respond; talked with Anna Nowak for 3 s"
        )


@virtual_time(limit_s=600)
async def test_row_f7_f13_a_name_server_that_does_not_answer_holds_up_the_phones_for_less_than_a_second(
    tmp_path: Path,
) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    asyncio.get_running_loop().getaddrinfo = hang  # type: ignore[method-assign, assignment]
    async with office(tmp_path, scheme=ring("sip:sales@pbx.example", "101")) as demo:
        phone = await demo.phone("101", TAKES_IT)
        began = demo.now
        assert (await talk(demo)).endswith("talked with Anna Nowak for 3 s")
        assert phone.invitations[0].at - began == pytest.approx(0.7, abs=0.1)


@virtual_time(limit_s=600)
async def test_row_f7_a_queue_is_a_target(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=f'[[step]]\nqueue = "sales"\n{VOICEMAIL}') as demo:
        await demo.phone("102", TAKES_IT)
        assert "talked with Piotr Zieliński" in await talk(demo)


@virtual_time(limit_s=600)
async def test_row_f7_a_menu_is_a_target_and_its_caller_hears_ringing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=f'[[step]]\nmenu = "main"\n{VOICEMAIL}') as demo:
        await demo.phone("101", Habit(answers_after=8))
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        recording = leg.media.record(tmp_path / "heard.wav")
        await asyncio.sleep(1)
        leg.media.send_digits("1")
        await asyncio.sleep(8)
        hearing = Hearing.of_file((await recording.stop()).path)
        ringback = [beat.seconds for beat in hearing.between(2.5).spans_of(425.0)]
        assert ringback == pytest.approx([1.0, 1.0], abs=0.1)  # there is no 180 after the answer
        await asyncio.sleep(3)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story).startswith("pressed 1 in the menu main; talked with Anna Nowak")


@virtual_time(limit_s=600)
async def test_row_f7_voicemail_is_a_target(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=VOICEMAIL) as demo:
        leg = await (await demo.call_in(NUMBER)).answered(within=1)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert [event.kind for event in call_story.events][:1] == [EventKind.VOICEMAIL]


@virtual_time(limit_s=600)
async def test_row_f7_another_scheme_is_a_target_and_the_outer_one_goes_on_after_it(tmp_path: Path) -> None:
    nested = (
        '[[step]]\nscheme = "inner"\n' + ring("102") + '[[scheme.inner.step]]\nring = ["101"]\nfor = "4s"\n'
    )
    async with office(tmp_path, scheme=nested) as demo:
        await demo.phone("101")
        await demo.phone("102", TAKES_IT)
        told = await talk(demo, within=8)
        assert told == "rang Anna Nowak 4 s, no answer; talked with Piotr Zieliński for 3 s"


# --- row F23 -----------------------------------------------------------------------------------------------

HIDDEN = """
[[step]]
ring = ["101", "102"]
for = "4s"

[[step]]
ring = ["103"]
for = "4s"

[[step]]
ring = ["+48600999888", "sip:backup@10.77.7.7:5067"]
for = "10s"

[[step]]
voicemail = "sales"
"""


@virtual_time(limit_s=600)
async def test_row_f23_nothing_that_the_caller_gets_tells_where_the_call_went(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=HIDDEN) as demo:
        await demo.phone("101", host="10.66.1.101", name="Yealink-T46")
        await demo.phone("102", Habit(refuses_with=302), host="10.66.1.102", name="Grandstream-1")
        await demo.phone("103", Habit(refuses_with=603, refuses_after=1), host="10.66.1.103", name="Fanvil-2")
        mobiles = await demo.mobiles(Habit(rings_after=1, answers_after=2))
        await demo.softphone("Backup-PBX", 5067, host="10.77.7.7")
        leg = await (await demo.call_in(NUMBER)).answered(within=30)
        await asyncio.sleep(2)
        agreement = mobiles.invitations[0].leg.media.agreement
        assert agreement is not None
        local = str(mobiles.invitations[0].leg.media.address[1])
        mobiles.invitations[0].leg.hang_up()
        await asyncio.sleep(1)
        assert not leg.is_up
        sent = [packet.wire for packet in demo.network.log if packet.destination.port == demo.trunk_ports]
        assert len(sent) >= 4  # 100, 180, 200, BYE
        # The session's id in SDP is a number by chance, which may hold any of the shorter ones.
        everything = re.sub(r"\no=\S+ \d+ ", "\no=", b"\n".join(sent).decode().lower())
        for secret in (
            "600999888",
            "10.66.",
            "10.77.",
            "127.0.0.2",
            f" {local} ",
            *("5101", "5102", "5103", "5090", "5067"),
            *("yealink", "grandstream", "fanvil", "backup", "mobiles", "anna", "nowak", "piotr", "olena"),
            *("diversion", "history-info", "p-asserted-identity", "302", "603"),
        ):
            assert secret not in everything, secret


@virtual_time(limit_s=600)
async def test_row_f9_d5_who_calls_from_a_mobile_does_not_have_it_rung(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("mobile of anna", "101")) as demo:
        await demo.phone("101", TAKES_IT)
        mobiles = await demo.mobiles(TAKES_IT)
        leg = await (await demo.call_in(NUMBER, from_number="600100200")).answered(within=5)
        leg.hang_up()
        assert mobiles.invitations == []
        [call] = await demo.stories()
        said = (
            "Anna Nowak's mobile +48600100200 was not rung: it is the one that calls; talked with Anna Nowak"
        )
        assert story(call).startswith(said)
