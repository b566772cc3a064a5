"""Rows Q1-Q3, Q5, Q6, Q16-Q18 and D6: the queue of the demo office, in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.demo.softphone import Habit, Invitation, PlacedCall, Softphone
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, SERVER, Office, office
from tests.harness.prompts import Heard, marked_office, names

QUEUE = "+48221230004"
AGENTS = ("101", "102", "103")
VOICE_HZ = 700.0


def takes(seconds: float = 1.0) -> Habit:
    """Return the habit of a phone that answers."""
    return Habit(answers_after=seconds)


def queue_with(**settings: str) -> Callable[[str], str]:
    """Return what changes settings of the queue ``sales``."""

    def change(text: str) -> str:
        head, tail = text.split("[queue.sales]\n")
        kept = [line for line in tail.splitlines() if line.partition(" =")[0] not in settings]
        return "\n".join(
            [head, "[queue.sales]", *(f"{key} = {value}" for key, value in settings.items()), *kept]
        )

    return change


async def agents(demo: Office, habit: Habit | None = None) -> dict[str, Softphone]:
    """Return the three phones of the queue."""
    return {extension: await demo.phone(extension, habit or takes()) for extension in AGENTS}


async def waiting(demo: Office, index: int = 0) -> CalleeLeg:
    """Return a caller who is in the queue, known by ``index``."""
    return await (await demo.call_in(QUEUE, from_number=number(index))).answered(within=0.3)


def number(index: int) -> str:
    """Return the number of the ``index``-th caller."""
    return f"+485006000{index:02d}"


def caller_of(invitation: Invitation) -> str:
    """Return who is calling a phone."""
    return str(invitation.invite.request.from_.uri.user)


def positions(heard: list[Heard]) -> list[tuple[float, int]]:
    """Return when a caller was told which position."""
    told = []
    for each, after in pairwise([*heard, Heard("", 0.0, 0.0)]):
        if each.prompt == "position-next":
            told.append((each.at, 1))
        elif each.prompt == "position-number":
            told.append((each.at, int(after.prompt.removeprefix("number-"))))
    return told


async def everybody_talks(demo: Office) -> dict[str, Invitation]:
    """Let three callers occupy the three agents; return the calls as their phones see them."""
    phones = await agents(demo)
    for index, phone in enumerate(phones.values()):
        await waiting(demo, 90 + index)
        await phone.invited(within=1)
    await asyncio.sleep(3)
    assert all(phone.invitations[0].leg.is_answered for phone in phones.values())
    return {extension: phone.invitations[0] for extension, phone in phones.items()}


async def unplug(demo: Office, *extensions: str) -> None:
    """Let phones unregister."""
    for extension in extensions:
        await demo.phones[extension].register(SERVER, extension, f"demo-{extension}", expires=0)


# --- answered at once, served in order --------------------------------------------------------------------


@virtual_time(limit_s=900)
async def test_row_q1_all_agents_busy_the_caller_is_answered_and_hears_sound_within_300_ms(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        await everybody_talks(demo)
        began = demo.now
        placed = await demo.call_in(QUEUE)
        caller = await placed.answered(within=0.3)
        await asyncio.sleep(10)
        assert [status for _, status in placed.statuses] == [200]
        assert ears.first_packet(caller.media) - began < 0.3
        assert names(ears.heard(caller.media))[0] == "queue-welcome"
        assert ears.longest_gap(caller.media, since=began + 0.3, until=demo.now) < 0.05
        assert ears.music(caller.media)
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q2_the_freed_agent_gets_the_longest_waiting_call_within_200_ms(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        talks = await everybody_talks(demo)
        for index in range(3):
            await waiting(demo, index)
            await asyncio.sleep(1)
        for index, extension in enumerate(("102", "101", "103")):
            await asyncio.sleep(2)
            freed = demo.now
            talks[extension].leg.hang_up()
            offered = await demo.phones[extension].invited(2, within=0.2)
            assert offered.at - freed < 0.2
            assert caller_of(offered) == number(index)
        await asyncio.sleep(3)


@virtual_time(limit_s=900)
async def test_row_q2_fifty_callers_are_served_in_the_order_they_came(tmp_path: Path) -> None:
    async with office(tmp_path, change=queue_with(**{"max-wait": '"20m"'})) as demo:
        phones = await agents(demo, takes(0.2))
        offers: list[tuple[float, str]] = []
        expected = []

        async def work(phone: Softphone) -> None:
            for count in range(1, 60):
                invitation = await phone.invited(count, within=600)
                offers.append((invitation.at, caller_of(invitation)))
                await asyncio.sleep(1.5)
                invitation.leg.hang_up()

        working = [asyncio.create_task(work(phone)) for phone in phones.values()]
        for index in range(50):
            await demo.call_in(QUEUE, from_number=number(index))
            expected.append(number(index))
            await asyncio.sleep(0.05)
        await demo.until(lambda: len(offers) == 50, within=600)
        assert [caller for _, caller in sorted(offers)] == expected
        await asyncio.sleep(2)
        for task in working:
            task.cancel()
        stories = await demo.stories()
        assert Counter(each.outcome for each in stories) == {CallOutcome.TALKED: 50}
        await demo.people_leave()
        await demo.settled()


# --- who is rung ------------------------------------------------------------------------------------------


@virtual_time(limit_s=900)
async def test_row_q3_ringall_rings_every_free_agent_at_once_and_frees_those_who_lose(tmp_path: Path) -> None:
    async with office(tmp_path, change=queue_with(strategy='"ringall"')) as demo:
        phones = await agents(demo, Habit())
        phones["102"].habit = takes(2.0)
        first = await waiting(demo, 1)
        rung = [await phone.invited(within=0.2) for phone in phones.values()]
        assert max(each.at for each in rung) - min(each.at for each in rung) < 0.1
        second = await waiting(demo, 2)
        await asyncio.sleep(1)
        assert [len(phone.invitations) for phone in phones.values()] == [1, 1, 1]
        again = [await phones[extension].invited(2, within=2) for extension in ("101", "103")]
        assert {caller_of(each) for each in again} == {number(2)}
        assert len(phones["102"].invitations) == 1, "talks already"
        for caller in (first, second):
            caller.hang_up()
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_q5_roundrobin_spreads_60_calls_evenly(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phones = await agents(demo, takes(0.1))
        for index in range(60):
            caller = await waiting(demo, index)
            await asyncio.sleep(0.3)
            caller.hang_up()
            await asyncio.sleep(0.2)
        counts = [len(phone.invitations) for phone in phones.values()]
        assert sum(counts) == 60
        assert max(counts) - min(counts) <= 1
        order = sorted((each.at, name) for name, phone in phones.items() for each in phone.invitations)
        assert [name for _, name in order[:6]] == [*AGENTS, *AGENTS]


@virtual_time(limit_s=900)
async def test_row_q5_an_agent_who_does_not_answer_20_s_is_followed_by_the_next(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phones = await agents(demo, Habit())
        phones["102"].habit = takes(3.0)
        began = demo.now
        caller = await waiting(demo)
        await asyncio.sleep(30)
        assert demo.times("INVITE", to_port=5101, since=began) == [pytest.approx(0, abs=0.1)]
        assert demo.times("CANCEL", to_port=5101, since=began) == [pytest.approx(20, abs=0.2)]
        assert demo.times("INVITE", to_port=5102, since=began) == [pytest.approx(20, abs=0.3)]
        assert demo.times("INVITE", to_port=5103, since=began) == []
        caller.hang_up()
        (only,) = await demo.stories()
        assert "rang Anna Nowak 20 s, no answer" in story(only)
        assert only.outcome is CallOutcome.TALKED


@virtual_time(limit_s=900)
async def test_row_q5_who_declines_is_left_alone_while_the_next_caller_in_line_keeps_their_place(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit(refuses_with=486, refuses_after=1.0))
        began = demo.now
        await waiting(demo, 1)
        await waiting(demo, 2)
        await asyncio.sleep(14)
        assert {caller_of(each) for each in anna.invitations} == {number(1)}
        assert [each.at - began for each in anna.invitations] == [
            pytest.approx(0, abs=0.1),
            pytest.approx(6, abs=0.2),
            pytest.approx(12, abs=0.3),
        ]


@virtual_time(limit_s=900)
async def test_row_q5_wrap_up_is_honoured_and_ends_on_time(tmp_path: Path) -> None:
    async with office(tmp_path, change=queue_with(**{"wrap-up": '"10s"'})) as demo:
        anna = await demo.phone("101", takes())
        first = await waiting(demo, 1)
        await asyncio.sleep(5)
        await waiting(demo, 2)
        ended = demo.now
        first.hang_up()
        offered = await anna.invited(2, within=12)
        assert offered.at - ended == pytest.approx(10.0, abs=0.2)
        await asyncio.sleep(2)


@virtual_time(limit_s=900)
async def test_row_q5_an_agent_who_calls_out_is_busy_for_the_queue_until_they_hang_up(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.mobiles(takes())
        anna = await demo.phone("101", takes())
        own = await demo.call_from(anna, "101", "+48600100201")
        outside = await own.answered(within=5)
        caller = await waiting(demo)
        await asyncio.sleep(10)
        assert anna.invitations == []
        ended = demo.now
        outside.hang_up()
        assert (await anna.invited(within=0.2)).at - ended < 0.2
        await asyncio.sleep(2)
        caller.hang_up()
        await asyncio.sleep(1)


# --- what the caller hears --------------------------------------------------------------------------------


@virtual_time(limit_s=900)
async def test_row_q6_hears_position_three_then_two_every_15_s(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        talks = await everybody_talks(demo)
        await waiting(demo, 1)
        await waiting(demo, 2)
        joined = demo.now
        third = await waiting(demo, 3)
        await asyncio.sleep(20)
        talks["101"].leg.hang_up()
        await asyncio.sleep(30)
        heard = ears.heard(third.media)
        assert [place for at, place in positions(heard)] == [3, 3, 2, 2]
        assert [at - joined for at, _ in positions(heard)][1:] == [
            pytest.approx(15 * n, abs=0.5) for n in (1, 2, 3)
        ]
        assert ears.longest_gap(third.media, since=joined + 0.3, until=demo.now) < 0.05
        third.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q6_with_nothing_to_announce_the_music_goes_on(tmp_path: Path) -> None:
    quiet = {"announce-position": "false", "announce-wait": "false"}
    async with marked_office(tmp_path, change=queue_with(**quiet)) as (demo, ears):
        await everybody_talks(demo)
        caller = await waiting(demo)
        await asyncio.sleep(40)
        assert names(ears.heard(caller.media)) == ["queue-welcome"]
        assert ears.music(caller.media)[-1].until == pytest.approx(demo.now, abs=0.1)
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
@pytest.mark.parametrize("cut_after", [0.5, 1.0, 3.0])
async def test_row_d6_the_answer_cuts_an_announcement_within_100_ms(cut_after: float, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        talks = await everybody_talks(demo)
        demo.phones["102"].habit = takes(cut_after)
        caller = await waiting(demo)
        talks["102"].leg.hang_up()
        await asyncio.sleep(cut_after - 0.5)
        offered = await demo.phones["102"].invited(2, within=0.5)
        await demo.until(lambda: offered.leg.is_answered, within=5)
        answered = demo.now
        offered.leg.loop([Tone((VOICE_HZ,), 1.0)])
        assert await ears.until_tone(caller.media, VOICE_HZ, within=1) - answered < 0.1
        await asyncio.sleep(20)
        assert ears.heard(caller.media, since=answered + 0.1) == []
        assert ears.music(caller.media, since=answered + 0.1) == []
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_d6_an_answer_in_the_middle_of_the_periodic_announcement(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        talks = await everybody_talks(demo)
        demo.phones["101"].habit = takes(1.0)
        caller = await waiting(demo)
        await asyncio.sleep(14.5)
        talks["101"].leg.hang_up()
        offered = await demo.phones["101"].invited(2, within=0.5)
        await demo.until(lambda: offered.leg.is_answered, within=2)
        answered = demo.now
        assert ears.heard(caller.media, since=answered - 0.2), "an announcement is under way"
        await asyncio.sleep(5)
        assert ears.heard(caller.media, since=answered + 0.1) == []
        caller.hang_up()
        await asyncio.sleep(1)


# --- nobody comes -----------------------------------------------------------------------------------------


@virtual_time(limit_s=900)
async def test_row_q16_q18_after_60_s_the_caller_is_handed_to_voicemail(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        mobiles = await demo.mobiles()
        await agents(demo, Habit())
        began = demo.now
        caller = await waiting(demo)
        await asyncio.sleep(58)
        greeted = await ears.until_prompt(caller.media, "voicemail-greeting-working", within=3)
        assert greeted - began == pytest.approx(60.0, abs=0.5)
        assert [demo.times("INVITE", to_port=5000 + int(agent), since=began) for agent in AGENTS] == [
            [pytest.approx(0, abs=0.1)],
            [pytest.approx(20, abs=0.3)],
            [pytest.approx(40, abs=0.5)],
        ]
        await ears.until_tone(caller.media, 1000.0, within=31)
        await caller.play([Tone((VOICE_HZ,), 4.0)])
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        assert mobiles.invitations == [], "the backup is for the case that all phones are offline"
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_q17_all_phones_go_offline_while_waiting_the_backup_rings_within_5_s(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        mobiles = await demo.mobiles(takes())
        await everybody_talks(demo)
        callers = [await waiting(demo, index) for index in range(2)]
        await asyncio.sleep(20)
        gone = demo.now
        await unplug(demo, *AGENTS)
        rung = [await mobiles.invited(count, within=5) for count in (1, 2)]
        assert all(each.at - gone < 5 for each in rung)
        await asyncio.sleep(3)
        rung[0].leg.loop([Tone((VOICE_HZ,), 1.0)])
        await ears.until_tone(callers[0].media, VOICE_HZ, within=1)
        assert all(caller.is_up for caller in callers)
        for caller in callers:
            caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q17_the_phone_that_is_being_rung_goes_offline(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        mobiles = await demo.mobiles(takes())
        await demo.phone("101", Habit())
        await waiting(demo)
        await asyncio.sleep(5)
        gone = demo.now
        await unplug(demo, "101")
        assert (await mobiles.invited(within=5)).at - gone < 5
        await asyncio.sleep(2)


@virtual_time(limit_s=900)
async def test_row_q17_lines_are_looked_at_again_while_a_phone_that_is_gone_stops_ringing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(tmp_path) as demo:
        mobiles = await demo.mobiles(takes())
        await demo.phone("101", Habit())
        callers = [await waiting(demo, index) for index in range(2)]
        await asyncio.sleep(5)
        await unplug(demo, "101")
        for _ in range(20):  # turns of the loop, in which others come and go
            demo.server.serving.queues.hall.dispatch()
            await asyncio.sleep(0)
        rung = [await mobiles.invited(count, within=5) for count in (1, 2)]
        await asyncio.sleep(2)
        assert all(leg.is_up for leg in (*callers, *(each.leg for each in rung)))
    assert "a step failed" not in capsys.readouterr().out


@virtual_time(limit_s=900)
async def test_row_q17_phones_that_are_there_but_dead_silent(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        mobiles = await demo.mobiles(takes())
        for extension in AGENTS:
            await demo.phone(extension, host=f"127.0.1.{extension}")
            demo.network.blackhole(f"127.0.1.{extension}")
        began = demo.now
        await waiting(demo)
        rung = await mobiles.invited(within=9)
        assert rung.at - began < 8.5, "one after another, each with its 4 s, would take 12"
        await asyncio.sleep(3)


@virtual_time(limit_s=900)
async def test_row_q17_one_agent_stays_online_the_backup_is_never_rung(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        mobiles = await demo.mobiles()
        await everybody_talks(demo)
        caller = await waiting(demo)
        await asyncio.sleep(10)
        await unplug(demo, "101", "102")
        await asyncio.sleep(80)
        assert mobiles.invitations == []
        assert caller.is_up
        await demo.people_leave()
        stories = await demo.stories_of(4)
        assert "waited 1 min in the queue sales, waited long enough; was asked to leave a message" in story(
            stories[3]
        )


@virtual_time(limit_s=900)
async def test_row_q17_a_phone_that_registers_anew_at_once_is_not_gone(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        mobiles = await demo.mobiles()
        anna = await demo.phone("101", takes())
        first = await waiting(demo, 1)
        await asyncio.sleep(3)
        caller = await waiting(demo, 2)
        await unplug(demo, "101")
        await asyncio.sleep(0.5)
        await anna.register(SERVER, "101", "demo-101")
        await asyncio.sleep(5)
        assert mobiles.invitations == []
        first.hang_up()
        assert caller_of(await anna.invited(2, within=0.2)) == number(2)
        await asyncio.sleep(2)
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q17_all_phones_offline_at_once_the_backup_rings_without_an_answer_before(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        await demo.mobiles(Habit(refuses_with=486))
        began = demo.now
        placed = await demo.call_in(QUEUE)
        await placed.answered(within=5)
        assert demo.times("INVITE", to_port=MOBILES[1], since=began)[0] < 1
        assert placed.statuses[0][1] == 180


@virtual_time(limit_s=900)
async def test_row_c12_a_caller_who_hangs_up_in_the_queue_becomes_a_promise(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        talks = await everybody_talks(demo)
        caller = await waiting(demo)
        await asyncio.sleep(25)
        caller.hang_up()
        await asyncio.sleep(1)
        for talk in talks.values():
            talk.leg.hang_up()
        stories = await demo.stories_of(4)
        assert stories[3].outcome is CallOutcome.PROMISE
        assert "hung up while waiting in the queue" in story(stories[3])
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=900)
@pytest.mark.parametrize("instant", [0.0, 0.001, 0.002, 0.003, 0.01, 0.5])
async def test_row_c12_hanging_up_in_the_instant_of_an_offer_frees_the_agent(
    instant: float, tmp_path: Path
) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit())
        placed: list[PlacedCall] = []
        for index in range(3):
            placed.append(await demo.call_in(QUEUE, from_number=number(index)))
            await asyncio.sleep(0.01)
        first = await placed[0].answered(within=1)
        await asyncio.sleep(instant)
        first.hang_up()
        await anna.invited(within=1)
        await demo.until(lambda: caller_of(anna.invitations[-1]) == number(1), within=1)
        await demo.people_leave()
        await demo.settled()
