"""A call in one line of plain words, for people who do not know what a SIP status is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal

from b2bua.money import money
from b2bua.store.calls import CallEvent, CallOutcome, CallStory, Cost, EventKind

PHONE_IS_OFF = "no phone is registered"
"""Why somebody of ours could not be rung, most of the time."""
ASKED = "asked to be called back"
"""Why a call ended of somebody who would not wait."""
STOPPED = "the office was stopped"
CUT_SHORT = "cut short"
"""A message that something of ours ended before the caller did."""
SOUND_LOST = "the sound was lost"
"""Why a talk ended that nobody hung up."""
_MINUTE = 60
_HOUR = 3600
_OFTEN = 3
"""Who was rung so often with the same result is told of once."""
_TOGETHER_S = 0.5
"""Rings that ended no further apart, after as long, were one ring of several phones."""


def story(call: CallStory) -> str:
    """Return what happened: "rang Anna 20 s, no answer; Piotr's phone was off; left a message of 14 s"."""
    parts = [phrase for phrase in _phrases(_told(call)) if phrase]
    if not parts and call.why:
        parts.append(call.why)
    parts.extend(_closing(call))
    return "; ".join(parts)


def event_in_words(event: CallEvent) -> str:
    """Return one event as it happens, for the log."""
    return _PHRASES[event.kind](event, event.who) or event.detail or event.kind.value


def duration(seconds: float) -> str:
    """Return ``seconds`` as people say them: "14 s", "2 min 5 s", "1 h 3 min"."""
    whole = round(seconds)
    if whole >= _HOUR:
        return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    if whole >= _MINUTE:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    return f"{whole} s" if whole else "under 1 s"


def _two(great: int, great_unit: str, small: int, small_unit: str) -> str:
    return f"{great} {great_unit} {small} {small_unit}" if small else f"{great} {great_unit}"


def sums(costs: Iterable[Cost]) -> list[str]:
    """Return what these cost together, for each currency: "1.20 UAH"."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for cost in costs:
        totals[cost.currency] += cost.amount
    return [money(total, currency) for currency, total in totals.items()]


def cost_in_words(cost: Cost) -> str:
    """Return one line such as "+48600100200: 2 min by trunk provider, 1.20 UAH"."""
    counted = "" if round(cost.seconds) == cost.billed_seconds else f", counts as {cost.billed_seconds} s"
    price = money(cost.amount, cost.currency)
    return f"{cost.who}: {duration(cost.seconds)} by trunk {cost.trunk}{counted}, {price}"


def _told(call: CallStory) -> Iterable[CallEvent]:
    """Leave out what a later event says better."""
    talked = {event.who for event in call.events if event.kind is EventKind.TALKED}
    picked_up = talked | {event.who for event in call.events if event.kind is EventKind.ANSWERED}
    left_queues = {event.who for event in call.events if event.kind is EventKind.LEFT_QUEUE}
    has_message = any(event.kind is EventKind.MESSAGE for event in call.events)
    excused: set[str] = set()
    for event in call.events:
        match event.kind:
            case EventKind.EXCUSED if event.who in excused:
                continue
            case EventKind.EXCUSED:
                excused.add(event.who)
                yield event
            case EventKind.RANG if event.who in picked_up and event.detail in {"", "answered"}:
                continue
            case EventKind.ANSWERED if event.who in talked:
                continue
            case EventKind.QUEUED if event.who in left_queues:
                continue
            case EventKind.VOICEMAIL if has_message:
                continue
            case _:
                yield event


def _phrases(events: Iterable[CallEvent]) -> Iterable[str]:
    groups = _grouped(events)
    alike = defaultdict(list)
    for group in groups:
        alike[_kind_of_ring(group)].append(group)
    for group in groups:
        kind, names = group[0].kind, _names(_called(group))
        rings = alike[_kind_of_ring(group)] if kind is EventKind.RANG else [group]
        if len(rings) < _OFTEN:
            yield _PHRASES[kind](group[0], names)
        elif group is rings[0]:
            yield _rang_often(rings, names)


def _called(group: list[CallEvent]) -> list[str]:
    return list(dict.fromkeys(event.who for event in group))  # a person may have several phones


def _kind_of_ring(group: list[CallEvent]) -> tuple[str, ...]:
    return *_called(group), group[0].detail


def _rang_often(rings: list[list[CallEvent]], names: str) -> str:
    """Tell in one phrase of those who were rung again and again with the same result, as in a queue."""
    seconds = sum(group[0].seconds or 0.0 for group in rings)
    in_all = f", {duration(seconds)} in all" if round(seconds) else ""
    return f"rang {names} {len(rings)} times{in_all}{_detail(rings[0][0])}"


def _grouped(events: Iterable[CallEvent]) -> list[list[CallEvent]]:
    """Put those together who were rung together with the same result; all else stands alone."""
    groups: list[list[CallEvent]] = []
    for event in events:
        if groups and _rang_together(groups[-1][-1], event):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _rang_together(one: CallEvent, other: CallEvent) -> bool:
    if not one.kind is other.kind is EventKind.RANG or one.detail != other.detail:
        return False
    is_as_long = abs((one.seconds or 0) - (other.seconds or 0)) < _TOGETHER_S
    return is_as_long and abs(one.at - other.at) < timedelta(seconds=_TOGETHER_S)


def _names(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _rang(event: CallEvent, who: str) -> str:
    return f"rang {who}{_for(event, ' {}')}{_detail(event)}"


def _offline(event: CallEvent, who: str) -> str:
    if event.detail in ("", PHONE_IS_OFF):
        return f"{who}'s phone was off"
    return f"{who} was not rung: {event.detail}"


def _talked(event: CallEvent, who: str) -> str:
    stopped = f", until {event.detail}" if event.detail in (STOPPED, SOUND_LOST) else ""
    return f"talked with {who}{_for(event, ' for {}')}{stopped}"


def _queued(event: CallEvent, who: str) -> str:
    return f"waited in the queue {who}{_detail(event)}"


def _left_queue(event: CallEvent, who: str) -> str:
    return f"waited {_for(event, '{} ')}in the queue {who}{_detail(event)}"


def _menu(event: CallEvent, who: str) -> str:
    return f"pressed {event.detail or 'nothing'} in the menu {who}"


def _message(event: CallEvent, _who: str) -> str:
    adjective = "silent message" if event.detail == "silence" else "message"
    ending = f", {CUT_SHORT}" if event.detail == CUT_SHORT else ""
    return f"left a {adjective}{_for(event, ' of {}')}{ending}"


def _hung_up(event: CallEvent, _who: str) -> str:
    detail = f" {event.detail}" if event.detail else ""
    return f"hung up{detail}{_for(event, ' after {}')}"


def _extension(event: CallEvent, who: str) -> str:
    return f"dialled the extension {event.detail}" + (f" in the menu {who}" if who else "")


def _for(event: CallEvent, words: str) -> str:
    return "" if event.seconds is None else words.format(duration(event.seconds))


def _detail(event: CallEvent) -> str:
    return f", {event.detail}" if event.detail else ""


_PHRASES: dict[EventKind, Callable[[CallEvent, str], str]] = {
    EventKind.RANG: _rang,
    EventKind.OFFLINE: _offline,
    EventKind.EXCUSED: lambda event, who: f"{who} was {event.detail}",
    EventKind.ANSWERED: lambda _event, who: f"{who} answered",
    EventKind.PICKED_UP: lambda event, who: f"{who} picked up what rang for {event.detail}",
    EventKind.DIALLED_ON: lambda event, who: f"pressed {event.detail} behind the number of {who}",
    EventKind.TALKED: _talked,
    EventKind.QUEUED: _queued,
    EventKind.LEFT_QUEUE: _left_queue,
    EventKind.MENU: _menu,
    EventKind.EXTENSION: _extension,
    EventKind.VOICEMAIL: lambda _event, who: f"was asked to leave a message ({who})",
    EventKind.MESSAGE: _message,
    EventKind.LISTENED: lambda event, who: f"{event.detail or 'heard'} the message of {who}",
    EventKind.ASKED: lambda event, who: f"{who} {event.detail}",
    EventKind.DECLARED: lambda event, who: f"said: {who} is {event.detail}",
    EventKind.DECIDED: lambda event, who: f"said: {who} {event.detail}",
    EventKind.TOLD: lambda event, _who: f"heard that {event.detail}",
    EventKind.PROMISED: lambda _event, who: f"{who} promised to call back",
    EventKind.REQUESTED: lambda event, _who: f"asked on the web to be called back{_detail(event)}",
    EventKind.PROMPT: lambda _event, _who: "",
    EventKind.BACKUP: lambda _event, _who: "",
    EventKind.LOAD: lambda event, _who: f"as {event.detail}",
    EventKind.HELD: lambda _event, _who: "",
    EventKind.HUNG_UP: _hung_up,
    EventKind.INTERRUPTED: lambda _event, _who: "we were interrupted",
    EventKind.ERROR: lambda event, who: f"{who}: {event.detail}" if who else event.detail,
}


def _closing(call: CallStory) -> Iterable[str]:
    if call.costs:
        yield f"cost {' and '.join(sums(call.costs))}"
    match call.outcome:
        case CallOutcome.PROMISE:
            yield "call back"
        case CallOutcome.REFUSED:
            yield "refused"
        case None:
            yield "not ended yet"
        case _:
            return
