"""Row D5: mobiles whose owners, or mailboxes, answer; shared by the tests of keys and those of voices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.sip.session import IncomingInvite
from b2bua.store.calls import CallStory
from b2bua.store.story import story
from tests.harness.office import NUMBER, Office, office

MOBILE, OTHER = "+48600999888", "+48600999777"
VOICEMAIL = '[[step]]\nvoicemail = "sales"\n'


def one_mobile(confirm: str) -> str:
    """Return a scheme that rings a mobile whose owner confirms by a key (``true``) or by ``"voice"``."""
    return f'[[step]]\nring = ["{MOBILE}"]\nfor = "20s"\nconfirm = {confirm}\n{VOICEMAIL}'


def together(confirm: str) -> str:
    """Return a scheme that rings a phone and two such mobiles."""
    return one_mobile(confirm).replace(f'["{MOBILE}"]', f'["101", "{MOBILE}", "{OTHER}"]')


def dialled(invite: IncomingInvite) -> str:
    return str(invite.request.target).partition(":")[2].partition("@")[0]


def habits(mobiles: Softphone, **answers_after: float) -> None:
    """Let each mobile, ``n48600…`` for its number, answer after so many seconds; others only ring."""
    mobiles.choose_habit = lambda invite: Habit(answers_after=answers_after.get(f"n{dialled(invite)[1:]}"))


async def answering(mobiles: Softphone, count: int) -> Leg:
    """Return the ``count``-th mobile that is rung, once it has answered."""
    invitation = await mobiles.invited(count, within=60)
    while not invitation.leg.is_answered:
        await asyncio.sleep(0.05)
    return invitation.leg


async def press(mobiles: Softphone, keys: str, *, after: float, count: int = 1) -> None:
    """Press ``keys`` on the ``count``-th mobile that is rung, so long after its answer."""
    leg = await answering(mobiles, count)
    await asyncio.sleep(after)
    leg.media.send_digits(keys)


async def told(demo: Office) -> str:
    [call_story] = await demo.stories()
    return story(call_story)


def statuses(call: PlacedCall) -> list[int]:
    return [status for _, status in call.statuses]


async def assert_second_has_the_call(demo: Office, mobiles: Softphone, caller: Leg) -> None:
    """Check that of two mobiles the one rung second talks, and that phone 101 and the other know of it."""
    first, second = (invitation.leg for invitation in mobiles.invitations)
    await asyncio.sleep(0.5)
    assert (first.is_up, second.is_up) == (False, True)
    assert "Call completed elsewhere" in (demo.reasons("CANCEL", to_port=5101)[0] or "")
    caller.hang_up()
    assert f"talked with {OTHER}" in await told(demo)
    await demo.settled()


async def many_calls(
    folder: Path,
    *,
    chance: Random,
    confirm: str,
    count: int,
    within: float,
    loss: float,
    phone_after: float,
    patience: Callable[[], float],
    owner: Callable[[Leg], object],
    decides_after: Callable[[], float],
) -> list[CallStory]:
    """Let ``count`` callers come within so many seconds; return the journal when nothing is left of them.

    A phone would answer ``phone_after`` seconds, the mobiles do after two, of which each ``owner`` does
    something so long after it was rung; each caller has some ``patience``.
    """

    async def call(demo: Office, number: int) -> None:
        await asyncio.sleep(chance.random() * within)
        placed = await demo.call_in(NUMBER, from_number=f"+4850060{number:04}")
        await asyncio.sleep(patience())
        await placed.close()

    async def decide(leg: Leg) -> None:
        await asyncio.wait({leg.ended}, timeout=decides_after())
        if leg.is_up and leg.is_answered:
            owner(leg)

    async with office(folder, scheme=together(confirm)) as demo:
        await demo.phone("101", Habit(answers_after=phone_after))
        mobiles = await demo.mobiles(Habit(answers_after=2.0))
        demo.network.jitter_s, demo.network.loss = 0.002, loss
        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(call(demo, number)) for number in range(count)]
            seen = 0
            while not all(caller.done() for caller in callers):
                for invitation in mobiles.invitations[seen:]:
                    group.create_task(decide(invitation.leg))
                seen = len(mobiles.invitations)
                await asyncio.sleep(0.05)
        demo.network.loss = 0.0
        await demo.settled()
        assert not [each for each in mobiles.invitations if each.leg.is_up]
        return await demo.stories_of(count)
