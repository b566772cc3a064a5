"""What the CRM is told of a call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from b2bua.config.models import Config, Person
from b2bua.config.tables.crm import MadeKind
from b2bua.crm.sounds import Sounds
from b2bua.crm.words import TITLES
from b2bua.routing.numbers import significant
from b2bua.routing.schedule import Schedule
from b2bua.routing.scheme import number_spec
from b2bua.store.callbacks import WEB
from b2bua.store.calls import CallOutcome, CallStory, EventKind
from b2bua.store.story import story

MISSED = frozenset({CallOutcome.PROMISE, CallOutcome.MESSAGE})
"""Nobody was there for the caller."""
MOBILE = "mobile of "


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that is over."""

    call: CallStory
    """As the journal has it."""
    title: str
    """For its record and its deal."""
    task: str
    """Title of the task that follows from it."""
    person: Person | None
    """Who talked with the other party last."""
    recordings: tuple[str, ...]
    """Links to what was talked, or its files, in their order; more than one where a disk failed meanwhile."""
    messages: tuple[str, ...]
    """Links to what was left in a mailbox, or its files."""
    due_at: datetime | None = None
    """When somebody should have called back."""

    @property
    def number(self) -> str:
        """Return the number of the person outside, empty when withheld."""
        return self.call.call.other_party

    @property
    def name(self) -> str:
        """Return what is known of their name, else the number."""
        told = self.call.call.caller_name if self.is_incoming else ""
        return told or self.number

    @property
    def recording(self) -> str:
        """Return the one to listen to where a record has room for one: the talk, else the message."""
        return next(reversed((*self.messages, *self.recordings)), "")

    @property
    def is_incoming(self) -> bool:
        """Whether they called us."""
        return self.call.call.direction != "out"

    @property
    def is_missed(self) -> bool:
        """Whether somebody has to call them back, and can."""
        return self.is_incoming and self.call.outcome in MISSED and bool(self.number)

    @property
    def seconds(self) -> int:
        """Return how long was talked."""
        return round(sum(event.seconds or 0 for event in self.call.events if event.kind is EventKind.TALKED))

    @property
    def ended_at(self) -> datetime:
        """Return when it ended."""
        return self.call.ended_at or self.call.call.at

    def key(self, kind: MadeKind) -> str:
        """Return what names a record of it for ever, so that a repeated one is known as such."""
        return f"{self.call.call.call_id}-{kind}"

    def fields(self) -> dict[str, str]:
        """Return what can be filled into records, but for what was made of it before."""
        call = self.call.call
        return {
            "caller": self.number,
            "digits": self.number.lstrip("+"),
            "national": significant(self.number),
            "name": self.name,
            "dialled": call.dialled,
            "source": call.source,
            "direction": call.direction,
            "outcome": self.call.outcome.value if self.call.outcome else "",
            "story": story(self.call),
            "started": moment(call.at),
            "ended": moment(self.ended_at),
            "seconds": str(self.seconds),
            "person": self.person.title if self.person else "",
            "recording": self.recording,
            "message": next(reversed(self.messages), ""),
            "links": "\n".join((*self.recordings, *self.messages)),
            "call_id": call.call_id,
            "due": moment(self.due_at) if self.due_at else "",
        }


def describe(call: CallStory, config: Config, sounds: Sounds) -> CallRecord:
    """Return what is told of a call, but for when a call back is due."""
    titles = TITLES[config.office.language]
    is_incoming = call.call.direction != "out"
    who = call.call.other_party or titles.withheld
    if call.call.source:
        who += f" ({call.call.source})"
    missed = is_incoming and call.outcome in MISSED
    title = titles.call_in if is_incoming else titles.call_out
    return CallRecord(
        call=call,
        title=(titles.call_back if call.call.direction == WEB else title).format(who=who),
        task=(titles.call_back if missed else titles.follow_up).format(who=who),
        person=_who_talked(call, config),
        recordings=tuple(sounds.recordings(call, config)),
        messages=tuple(sounds.messages(call, config)),
    )


def call_back_hours(call: CallStory, config: Config) -> Schedule | None:
    """Return the hours in which people call back: those that are named, else those of the number."""
    assert config.crm is not None
    plan = config.plan()
    name = config.crm.call_back_hours
    if name is None and (spec := number_spec(plan, call.call.dialled)) is not None:
        name = spec.schedule
    return plan.hours[name] if name is not None else None


def moment(at: datetime) -> str:
    """Return a time in UTC as computers write it (RFC 3339), whole seconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _who_talked(call: CallStory, config: Config) -> Person | None:
    parties = [event.party for event in call.events if event.kind is EventKind.TALKED and event.party]
    return config.people.get(parties[-1].removeprefix(MOBILE)) if parties else None
