"""Row S2: scenarios by how busy the office is, beside those by time and weekday."""

from __future__ import annotations

import asyncio
from pathlib import Path

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.store.story import story
from tests.calls.test_rows_q_queue import agents, everybody_talks, number, waiting
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, Office, office

BACKUP = "+48600999888"
VOICEMAIL = '[[step]]\nvoicemail = "sales"\n'


def overflow(when: str) -> str:
    """Return a scheme that rings the backup at that load, and else leads into the queue."""
    backup = f'[[step]]\nring = ["{BACKUP}"]\nfor = "20s"\nwhen = "{when}"\n'
    return f'{backup}[[step]]\nqueue = "sales"\nfor = "30s"\n{VOICEMAIL}'


async def goes_to_backup(demo: Office, index: int) -> bool:
    """Return whether the next caller is served by the backup; they stay there, or in the queue."""
    before = len(demo.packets("INVITE", to_port=MOBILES[1]))
    call = await demo.call_in(NUMBER, from_number=number(index))
    await call.answered(within=3)
    rung = demo.packets("INVITE", to_port=MOBILES[1])[before:]
    callers = [parse_message(packet.wire).from_.display for packet in rung]
    assert len(callers) <= 1
    return bool(callers)


@virtual_time(limit_s=600)
async def test_row_s2_from_the_third_who_waits_on_callers_go_to_the_backup_and_back_when_they_are_fewer(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=overflow("waiting in sales >= 2")) as demo:
        await demo.mobiles(Habit(answers_after=1))
        await everybody_talks(demo)
        first = await waiting(demo, 1)
        assert not await goes_to_backup(demo, 2)
        assert await goes_to_backup(demo, 3)
        first.hang_up()
        assert "as waiting in sales >= 2; " in story((await demo.server.store.journal.calls(limit=1))[0])
        await asyncio.sleep(0.2)
        assert not await goes_to_backup(demo, 4)
        assert await goes_to_backup(demo, 5)


@virtual_time(limit_s=600)
async def test_row_s2_a_caller_goes_to_the_backup_while_fewer_than_two_are_free(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=overflow("free in sales < 2")) as demo:
        await demo.mobiles(Habit(answers_after=1))
        phones = await agents(demo)
        assert not await goes_to_backup(demo, 1)  # one of three talks now
        assert not await goes_to_backup(demo, 2)  # two were free
        assert await goes_to_backup(demo, 3)
        talk = next(iter(phones.values())).invitations[0]
        talk.leg.hang_up()
        await asyncio.sleep(0.2)
        assert not await goes_to_backup(demo, 4)


@virtual_time(limit_s=600)
async def test_row_s2_phones_that_are_off_and_people_who_are_rung_are_not_free(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=overflow("free in sales < 2")) as demo:
        await demo.mobiles(Habit(answers_after=1))
        await demo.phone("101")
        await demo.phone("102")
        await demo.call_in("+48221230001", from_number=number(1))  # rings Anna
        await asyncio.sleep(0.5)
        assert await goes_to_backup(demo, 2)


@virtual_time(limit_s=600)
async def test_row_s2_a_share_counts_those_who_are_there(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=overflow("talking in sales >= 50%")) as demo:
        await demo.mobiles(Habit(answers_after=1))
        for extension in ("101", "102"):
            await demo.phone(extension, Habit(answers_after=1))
        assert not await goes_to_backup(demo, 1)
        await asyncio.sleep(2)
        assert await goes_to_backup(demo, 2)  # one of the two who have a phone talks


@virtual_time(limit_s=600)
async def test_row_s2_another_scheme_is_in_force_while_too_many_wait(tmp_path: Path) -> None:
    schemes = (
        '[scheme.tested]\nwhen = "waiting in sales < 1"\notherwise = "crowd"\n'
        '[[scheme.tested.step]]\nqueue = "sales"\n[[scheme.tested.step]]\nvoicemail = "sales"\n'
        f'[[scheme.crowd.step]]\nring = ["{BACKUP}"]\nfor = "20s"\n'
        '[[scheme.crowd.step]]\nvoicemail = "sales"\n'
        f'[number."{NUMBER}"]\nscheme = "tested"\n'
    )
    async with office(tmp_path, change=lambda text: text + schemes) as demo:
        await demo.mobiles(Habit(answers_after=1))
        await everybody_talks(demo)
        assert not await goes_to_backup(demo, 1)
        assert await goes_to_backup(demo, 2)


@virtual_time(limit_s=600)
async def test_row_s2_a_condition_that_is_written_while_the_office_runs_holds_for_the_next_call(
    tmp_path: Path,
) -> None:
    plain = overflow("waiting in sales >= 9").replace(
        'when = "waiting in sales >= 9"\n', 'after = ["busy"]\n'
    )
    async with office(tmp_path, scheme=plain) as demo:
        await demo.mobiles(Habit(answers_after=1))
        await everybody_talks(demo)
        assert not await goes_to_backup(demo, 1)
        await demo.edit(lambda text: text.replace('after = ["busy"]', 'when = "waiting in sales > 0"'))
        assert await goes_to_backup(demo, 2)
