"""Rows F13, F15 and F17: whatever phones and trunks do wrong, the caller goes on to the next step at once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.sip.transport.hop import Hop
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, Office, office

PHONE_THEN_BACKUP = """
[[step]]
ring = ["101"]
for = "20s"

[[step]]
ring = ["+48600999888"]
for = "30s"

[[step]]
voicemail = "sales"
"""


async def backup_rings(demo: Office, mobiles: Softphone) -> float:
    """Place a call and return after how many seconds the backup number rings."""
    began = demo.now
    await demo.call_in(NUMBER)
    return (await mobiles.invited(within=30)).at - began


@virtual_time(limit_s=600)
async def test_row_f13_a_phone_that_is_not_registered_costs_no_ring_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1))
        assert await backup_rings(demo, mobiles) < 0.2
        await asyncio.sleep(3)
        await demo.people_leave()
        [call_story] = await demo.stories()
        assert story(call_story) == "Anna Nowak's phone was off; talked with +48600999888 for 2 s"


@virtual_time(limit_s=600)
async def test_row_f13_a_phone_whose_socket_is_closed_costs_no_ring_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles()
        demo.network.release(Hop("udp", "127.0.0.1", 5101))  # ICMP "port unreachable" from now on
        assert await backup_rings(demo, mobiles) < 1
        await demo.people_leave()
        [call_story] = await demo.stories()
        assert story(call_story).startswith("rang Anna Nowak under 1 s, did not respond; ")


@virtual_time(limit_s=600)
async def test_row_f13_a_phone_that_vanished_costs_less_than_5_s(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        await demo.phone("101", host="10.1.1.101")
        mobiles = await demo.mobiles()
        demo.network.blackhole("10.1.1.101")
        assert 3.9 < await backup_rings(demo, mobiles) < 5
        await demo.people_leave()
        [call_story] = await demo.stories()
        assert story(call_story).startswith("rang Anna Nowak 4 s, did not respond; ")
        await demo.settled()


THREE_IN_TURN_THEN_BACKUP = PHONE_THEN_BACKUP.replace('"101"', '"101", "102", "103"').replace(
    'for = "20s"', 'for = "20s"\nmode = "in-turn"', 1
)
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"


@virtual_time(limit_s=600)
async def test_row_f13_only_the_first_caller_waits_for_a_silent_phone_until_it_is_heard_again(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        anna = await demo.phone("101", host="10.1.1.101")
        mobiles = await demo.mobiles()
        demo.network.blackhole("10.1.1.101")
        assert await backup_rings(demo, mobiles) < 5
        began = demo.now
        await demo.call_in(NUMBER)
        assert (await mobiles.invited(2, within=5)).at - began < 0.2
        demo.network.blackhole("10.1.1.101", on=False)
        await asyncio.sleep(5.1)  # it is asked by OPTIONS meanwhile
        heard_of_before = len(anna.invitations)
        await demo.call_in(NUMBER)
        await anna.invited(heard_of_before + 1, within=0.2)
        await demo.people_leave()
        stories = await demo.stories()
        assert [story(one).split(";")[0] for one in stories[:2]] == [
            "rang Anna Nowak 4 s, did not respond",
            "Anna Nowak's phone was off",
        ]


@virtual_time(limit_s=600)
async def test_row_f14_three_phones_without_power_cost_less_than_5_s_together(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=THREE_IN_TURN_THEN_BACKUP) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension, host=f"10.1.1.{extension}", allow=ALLOW)
            demo.network.blackhole(f"10.1.1.{extension}")
        assert 3.9 < await backup_rings(demo, await demo.mobiles()) < 5
        await demo.people_leave()
        [call_story] = await demo.stories()
        assert story(call_story).startswith(
            "rang Anna Nowak 4 s, did not respond; "
            "Piotr Zieliński's phone was off; Olena Kovalenko's phone was off; "
        )


@virtual_time(limit_s=600)
async def test_row_f14_one_phone_without_power_keeps_nobody_from_the_next_that_has_some(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=THREE_IN_TURN_THEN_BACKUP) as demo:
        for extension in ("101", "103"):
            await demo.phone(extension, host=f"10.1.1.{extension}", allow=ALLOW)
            demo.network.blackhole(f"10.1.1.{extension}")
        piotr = await demo.phone("102", allow=ALLOW)
        began = demo.now
        await demo.call_in(NUMBER)
        assert (await piotr.invited(within=10)).at - began < 5


@virtual_time(limit_s=600)
async def test_row_f13_a_phone_that_comes_back_too_late_is_cancelled(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        anna = await demo.phone("101", host="10.1.1.101")
        mobiles = await demo.mobiles()
        demo.network.blackhole("10.1.1.101")
        await backup_rings(demo, mobiles)
        demo.network.blackhole("10.1.1.101", on=False)
        invitation = await anna.invited(within=10)  # the INVITE is repeated until the transaction times out
        await asyncio.sleep(1)
        assert not invitation.leg.is_up
        assert demo.times("CANCEL", to_port=5101) == [pytest.approx(invitation.at, abs=0.05)]
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f13_a_phone_that_only_tries_is_alive_and_rings_to_the_end(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        await demo.phone("101", Habit(rings_after=6, answers_after=3))  # 100 at once, 180 late
        mobiles = await demo.mobiles()
        await (await demo.call_in(NUMBER)).answered(within=10)
        assert mobiles.invitations == []


@virtual_time(limit_s=600)
async def test_row_f13_a_trunk_that_is_gone_leads_on_to_voicemail(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
        (await demo.mobiles())
        demo.network.release(Hop("udp", *MOBILES))
        began = demo.now
        await (await demo.call_in(NUMBER)).answered(within=2)
        assert demo.now - began < 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "their phone forwards to nobody"),
        (404, "phone was off or unreachable"),
        (408, "phone was off or unreachable"),
        (480, "phone takes no calls now (do not disturb?)"),
        (486, "busy"),
        (487, "no answer"),
        (488, "could not take the call (SIP 488)"),
        (500, "could not take the call (SIP 500)"),
        (503, "phone was off or unreachable"),
        (600, "busy"),
        (603, "declined"),
    ],
)
def test_row_f17_any_refusal_leads_to_the_next_step_at_once(tmp_path: Path, status: int, words: str) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=PHONE_THEN_BACKUP) as demo:
            await demo.phone("101", Habit(refuses_with=status))
            mobiles = await demo.mobiles(Habit(answers_after=2))
            assert await backup_rings(demo, mobiles) < 0.2
            assert len(demo.packets("ACK", to_port=5101)) == 1
            await asyncio.sleep(5)
            await demo.people_leave()
            [call_story] = await demo.stories()
            assert call_story.outcome is CallOutcome.TALKED
            assert story(call_story).startswith(
                f"rang Anna Nowak under 1 s, {words}; talked with +48600999888"
            )
            await demo.settled()

    tell()


# --- row F15: fuzz ----------------------------------------------------------------------------------------

FUZZED = """
[[step]]
ring = ["101", "102"]
for = "6s"

[[step]]
ring = ["103", "+48600999888"]
mode = "in-turn"
for = "4s"

[[step]]
scheme = "nested"

[[step]]
voicemail = "sales"

[[scheme.nested.step]]
ring = ["104", "sip:backup@10.7.7.7", "mobile of anna"]
mode = "staggered"
stagger = "2s"
for = "5s"
"""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "the line sends the call elsewhere, and follow-redirects is off"),
        (402, "the line wants to be paid first"),
        (404, "the line knows no such number"),
        (407, "the line does not accept our user name and password"),
        (480, "phone was off or unreachable"),
        (486, "busy"),
        (503, "the line could not put the call through"),
        (603, "declined"),
    ],
)
def test_row_f17_a_line_that_refuses_a_number_is_told_apart_from_a_phone_that_does(
    tmp_path: Path, status: int, words: str
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        scheme = PHONE_THEN_BACKUP.replace('ring = ["101"]', 'ring = ["+48700800900"]')
        async with office(tmp_path, scheme=scheme) as demo:
            mobiles = await demo.mobiles()
            mobiles.choose_habit = lambda invite: (
                Habit(refuses_with=status) if "700800900" in invite.request.uri else Habit(answers_after=1)
            )
            (await (await demo.call_in(NUMBER)).answered(within=5)).hang_up()
            [call_story] = await demo.stories()
            assert story(call_story).startswith(f"rang +48700800900 under 1 s, {words}; talked with")

    tell()


STATUSES = (302, 400, 404, 408, 480, 486, 487, 488, 500, 503, 600, 603)
CALLS = 150


def any_habit(chance: random.Random) -> Habit:
    """Return some way of not taking a call."""
    kind = chance.randrange(4)
    if kind == 0:
        return Habit(rings=False)
    if kind == 1:
        return Habit(rings_after=chance.random() * 8)
    return Habit(
        refuses_with=chance.choice(STATUSES), refuses_after=chance.choice((0.0, chance.random() * 6))
    )


async def trouble(demo: Office, chance: random.Random) -> None:
    """Let phones and the trunk vanish and come back for as long as the calls go on."""
    hosts = ("10.1.1.101", "10.1.1.102", "10.1.1.103", "10.1.1.104", MOBILES_HOST)
    while True:
        host = chance.choice(hosts)
        demo.network.blackhole(host)
        await asyncio.sleep(chance.random() * 5)
        demo.network.blackhole(host, on=False)
        await asyncio.sleep(chance.random() * 2)


MOBILES_HOST = "10.9.9.9"


async def call_until_voicemail(demo: Office, number: int, chance: random.Random) -> PlacedCall:
    await asyncio.sleep(chance.random() * 60)
    call = await demo.call_in(NUMBER, from_number=f"+4850060{number:04}")
    leg = await call.answered(within=80)
    await asyncio.sleep(0.5)
    leg.hang_up()
    return call


@virtual_time(limit_s=600)
async def test_row_f15_no_mix_of_failures_keeps_a_caller_from_voicemail(tmp_path: Path) -> None:
    chance = random.Random(15)
    trunk = ('host = "127.0.0.1"\nport = 5090', f'host = "{MOBILES_HOST}"\nport = 5090')
    async with office(tmp_path, scheme=FUZZED, change=lambda text: text.replace(*trunk)) as demo:
        demo.network.loss = 0.03
        phones = [await demo.phone(each, host=f"10.1.1.{each}") for each in ("101", "102", "103", "104")]
        phones.append(await demo.softphone("mobiles", 5090, host=MOBILES_HOST))
        for phone in phones:
            phone.choose_habit = lambda _: any_habit(chance)
        weather = asyncio.create_task(trouble(demo, chance))
        calls = await asyncio.gather(*(call_until_voicemail(demo, each, chance) for each in range(CALLS)))
        weather.cancel()
        for call in calls:
            statuses = [status for _, status in call.statuses]
            assert statuses[-1] == 200
            assert set(statuses[:-1]) <= {180}
        to_callers = [packet for packet in demo.network.log if packet.destination.port > 6000]
        assert not [packet for packet in to_callers if packet.start_line.startswith("BYE")]
        stories = await demo.stories()
        assert len(stories) == CALLS
        for each in stories:
            assert [event.kind for event in each.events].count(EventKind.VOICEMAIL) == 1
            assert each.outcome is CallOutcome.PROMISE
        demo.network.loss = 0.0
        await demo.people_leave()
        await demo.settled()
