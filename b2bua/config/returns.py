"""``[return-call.x]`` read for the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.config.numbers import Know
from b2bua.config.tables.returns import ReturnCall
from b2bua.routing.plan import ReturnSpec

if TYPE_CHECKING:
    from b2bua.config.models import Config


def compile_returns(config: Config, *, known: Know) -> dict[str, ReturnSpec]:
    """Return how missed callers are called back, by key."""
    return {name: _spec(config, name, table, known) for name, table in config.return_calls.items()}


def _spec(config: Config, name: str, table: ReturnCall, known: Know) -> ReturnSpec:
    if table.hours:
        known(("return-call", name, "hours"), table.hours, config.hours, "hours table")
    if table.scheme:
        known(("return-call", name, "scheme"), table.scheme, config.schemes, "scheme")
    return ReturnSpec(
        name=name,
        after_s=table.after_seconds,
        again_s=tuple(sorted(table.again)),
        hours=table.hours,
        greeting=table.greeting,
        is_confirmed=table.confirm,
        scheme=table.scheme,
        ring_s=table.ring_seconds,
        calls_abroad=table.abroad,
        ignore_s=table.ignore_seconds,
    )
