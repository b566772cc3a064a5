"""When missed callers are called back, and when tried again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from b2bua.routing.numbers import callable_number, is_abroad
from b2bua.routing.plan import Plan, ReturnSpec
from b2bua.routing.schedule import MINUTES_A_DAY, Schedule
from b2bua.routing.scheme import number_spec

FARTHEST = timedelta(days=30)
"""Hours that are closed for longer are no hours to wait for."""
STEP = timedelta(minutes=1)


def return_spec(plan: Plan, dialled: str) -> ReturnSpec | None:
    """Return how missed callers of a number are called back; None: by people alone (row C2)."""
    spec = number_spec(plan, dialled)
    return plan.return_calls.get(spec.return_call) if spec is not None and spec.return_call else None


def can_be_called(plan: Plan, caller: str) -> bool:
    """Return whether somebody can call that number back: it is not withheld, short, costly or our own."""
    try:
        return callable_number(caller, country=plan.country) not in plan.numbers
    except ValueError:
        return False


def first_attempt(
    plan: Plan, caller: str, dialled: str, *, ended: datetime, waited_s: float | None
) -> datetime | None:
    """Return when ``caller`` of ``dialled``, who was not served, is called back; None: never by the office.

    Numbers that cost whoever calls them more than others are not called, those of other countries where that
    is wanted only: strangers could make the office call them by hanging up. Who hung up after ``waited_s``,
    sooner than counts, is not called either; None: they may always be.
    """
    spec = return_spec(plan, dialled)
    if spec is None:
        return None
    if waited_s is not None and 0.0 <= waited_s < spec.ignore_s:  # less: the clock was set back
        return None
    try:
        number = callable_number(caller, country=plan.country)
    except ValueError:
        return None
    if number in plan.numbers or (is_abroad(number, country=plan.country) and not spec.calls_abroad):
        return None
    return open_from(plan, spec, ended + timedelta(seconds=spec.after_s))


def next_attempt(plan: Plan, spec: ReturnSpec, *, attempts: int, now: datetime) -> datetime | None:
    """Return when is called next after so many attempts, the last of them ``now``; None: never."""
    if attempts > len(spec.again_s):
        return None
    offsets = (0.0, *spec.again_s)
    return open_from(plan, spec, now + timedelta(seconds=offsets[attempts] - offsets[attempts - 1]))


def open_from(plan: Plan, spec: ReturnSpec, moment: datetime) -> datetime:
    """Return ``moment``, or the opening after it where the hours are closed then (row C4)."""
    hours = plan.hours.get(spec.hours) if spec.hours else None
    zone = ZoneInfo(plan.timezone)
    if hours is None or hours.is_open(moment.astimezone(zone)):
        return moment
    return _opening(hours, moment, zone) or moment


def _opening(hours: Schedule, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Go from one beginning of a span to the next, and by minutes where calendars decide."""
    at = moment.astimezone(UTC).replace(second=0, microsecond=0) + STEP
    while at < moment + FARTHEST:
        local = at.astimezone(zone)
        if hours.is_open(local):
            return at
        minute, spans = local.hour * 60 + local.minute, hours.spans_on(local.date())
        if hours.open_by or any(span.holds(minute) for span in spans):
            at += STEP
            continue
        midnight = datetime.combine(local.date(), time.min, tzinfo=zone)
        later = min((span.start for span in spans if span.start > minute), default=MINUTES_A_DAY)
        at = max(at + STEP, (midnight + timedelta(minutes=later)).astimezone(UTC))
    return None
