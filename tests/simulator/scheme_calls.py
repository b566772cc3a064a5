"""Patient callers in any office, while anything fails: each must end with somebody, a voicemail or a promise.

A caller here never hangs up before the office does, so whatever ends the call is the office's doing: no 4xx,
5xx, 6xx and no BYE may come before somebody has talked with them or a mailbox has asked them (row F15).
"""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

import httpx

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.proof import prove
from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.sip.session import IncomingInvite
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.store.calls import CallOutcome, CallStory, EventKind
from tests.harness.office import MOBILES, MONDAY_NOON, SERVER
from tests.simulator.any_office import NUMBERS, OUTSIDE, PEOPLE, UNLISTED, any_office
from tests.simulator.office_days import _check_story
from tests.simulator.people import EXPECTED, REFUSALS, VOICE, press
from tests.simulator.playing import play_seed
from tests.simulator.town import Town, town

LONGEST_CALL_S = 900.0
"""No scheme of ``any_office`` lasts so long."""
TIMERS_S = 80.0
"""After that the timers of a call have run out at the latest."""
DESK, STREET = "127.0.1.{}", "127.0.2.{}"
SERVED = {EventKind.TALKED, EventKind.VOICEMAIL, EventKind.MESSAGE}


def play(seed: int) -> None:
    """Play the calls of ``seed``.

    Raises:
        BaseException: an invariant does not hold; a note names the seed.
    """
    play_seed(_play, seed)


async def _play(seed: int) -> None:
    random = Random(seed)
    network = MemoryNetwork(Random(seed + 1), latency_s=0.001, loss=random.choice((0.0, 0.0, 0.0, 0.05)))
    handler = _some_handler(random)
    async with town(network, random, any_office(random), http=handler) as place:
        _is_proven(place)
        phones = await _open(place, random)
        calls = await _call(place, random)
        await _settled(place)
        stories = await place.server.store.journal.calls(limit=1000)
        promised = {promise.call_id for promise in await place.server.store.promises.latest(1000)}
        await place.stop()
        for phone in phones:
            await phone.close()
        for story in stories:
            _check_story(story, promised)
        for call in calls:
            _check(call, [story for story in stories if story.call.caller == call.number])


def _is_proven(place: Town) -> None:
    """Check that the checker takes the office and says what the calls are to show."""
    config = load_config(place.folder / "office.toml")
    assert not [problem for problem in lint(config) if not problem.is_warning]
    assert prove(config, config.plan(), MONDAY_NOON).drops_nobody


# --- who is there -------------------------------------------------------------------------------------------


class Colleague(Softphone):
    """A phone, or a mobile behind the trunk, with habits by chance: talks for a while and hangs up."""

    random: Random

    async def _behave(self, invite: IncomingInvite) -> None:
        with contextlib.suppress(*EXPECTED):
            await super()._behave(invite)
        for invitation in self.invitations:
            leg = invitation.leg
            if invitation.invite is invite and leg.is_answered and leg.is_up:
                with contextlib.suppress(*EXPECTED):
                    await asyncio.wait({leg.ended}, timeout=self.random.choice((0.2, 3.0, 8.0)))
                    leg.media.send_digits(self.random.choice(("1", "1", "2", "7")))
                    await asyncio.wait({leg.ended}, timeout=self.random.choice((0.5, 4.0)))
                await leg.close()


def _some_habit(random: Random) -> Habit:
    match random.randrange(6):
        case 0:
            return Habit(refuses_with=random.choice(REFUSALS), refuses_after=random.choice((0.0, 0.5)))
        case 1:
            return Habit(refuses_with=random.choice((486, 480, 503, 600, 603)))
        case 2:
            return Habit(rings=False)
        case 3 | 4:
            return Habit()
    return Habit(answers_after=random.choice((0.0, 1.0, 4.0, 12.0)))


async def _open(place: Town, random: Random) -> list[Colleague]:
    """Let some phones register, of which some die at once; the outside is there or not."""
    phones = []
    for extension in PEOPLE.values():
        if random.random() < 0.6:
            phone = await _colleague(place, f"phone {extension}", DESK.format(extension), 5060, random)
            await phone.register(SERVER, extension, f"demo-{extension}")
            phones.append(phone)
            if random.random() < 0.2:
                place.network.blackhole(DESK.format(extension))
    if random.random() < 0.7:
        phones.append(await _colleague(place, "outside", *MOBILES, random))
    return phones


async def _colleague(place: Town, name: str, host: str, port: int, random: Random) -> Colleague:
    endpoint, local = place.address(name, host, port)
    phone = Colleague(name, endpoint, place.peers, local)
    phone.random = random
    phone.choose_habit = lambda _: _some_habit(random)
    place.stack.push_async_callback(phone.close)
    return phone


def _some_handler(random: Random) -> httpx.MockTransport:
    """Return a customer's server that answers something else each time, or fails."""

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(random.choice((0.0, 0.1, 1.0, 60.0)))
        said = random.choice(("101", OUTSIDE[0], "s0", "s3", "anna", "nonsense", "", "\0" * 100, None, None))
        if said is None:
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(random.choice((200, 200, 200, 404, 500)), text=said)

    return httpx.MockTransport(answer)


# --- who calls ----------------------------------------------------------------------------------------------


class PatientCaller:
    """Somebody outside who waits until the office ends the call."""

    def __init__(self, number: str, phone: Softphone, random: Random) -> None:
        self.number = number
        self.phone = phone
        self.placed: PlacedCall | None = None
        self._random = random

    async def live(self, dialled: str) -> None:
        """Call, press keys now and then, speak or not, and wait."""
        random = self._random
        self.placed = placed = await self.phone.call(SERVER, dialled, from_number=self.number)
        with contextlib.suppress(*EXPECTED):
            await placed.answered(within=LONGEST_CALL_S)
        leg = placed.leg
        if random.random() < 0.3:
            leg.loop(VOICE)
        for _ in range(random.choice((0, 1, 3))):
            await asyncio.wait({leg.ended}, timeout=random.choice((0.1, 2.0, 7.0)))
            if leg.is_answered and leg.is_up:
                press(leg, random)
        if leg.is_answered:
            await asyncio.wait({leg.ended}, timeout=LONGEST_CALL_S)
        assert leg.ended.done() or not leg.is_answered, "the office never ended the call"

    @property
    def statuses(self) -> list[int]:
        """What the office answered, from 180 on."""
        return [] if self.placed is None else [status for _, status in self.placed.statuses]


async def _call(place: Town, random: Random) -> list[PatientCaller]:
    calls = []
    async with asyncio.TaskGroup() as group:
        for index in range(random.choice((1, 1, 2, 3))):
            phone = await place.outsider(STREET.format(index + 1))
            caller = PatientCaller(f"+4850060070{index}", phone, random)
            calls.append(caller)
            dialled = random.choice((*NUMBERS, *NUMBERS, UNLISTED))
            group.create_task(_later(random.choice((0.0, 1.0, 20.0)), caller, dialled))
    return calls


async def _later(seconds: float, caller: PatientCaller, dialled: str) -> None:
    await asyncio.sleep(seconds)
    await caller.live(dialled)


async def _settled(place: Town) -> None:
    """Wait until nothing is left of any call."""
    for _ in range(int(TIMERS_S / 5)):
        await asyncio.sleep(5.0)
        if not place.leftovers():
            return
    raise AssertionError(place.leftovers())


def _check(caller: PatientCaller, stories: list[CallStory]) -> None:
    """Check that nobody was refused or let go before they were served."""
    [story] = stories
    assert not [status for status in caller.statuses if status >= 300], (caller.statuses, story)
    assert 200 in caller.statuses, story
    assert any(event.kind in SERVED for event in story.events), story
    assert story.outcome in (CallOutcome.TALKED, CallOutcome.MESSAGE, CallOutcome.PROMISE), story
