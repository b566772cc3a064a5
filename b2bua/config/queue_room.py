"""Says in which queues nobody can wait, because the line carries no more calls."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.models import Config
from b2bua.config.origin import Fault


def queues_without_room(config: Config) -> Iterator[Fault]:
    """Yield queues with as many agents as the line carries calls: whoever calls next hears busy (row Q13)."""
    lines = [trunk.channels for trunk in config.trunks.values() if trunk.accepts_from or trunk.registrar]
    if not lines or None in lines:
        return
    channels = sum(each or 0 for each in lines)
    for name, queue in config.queues.items():
        if len(queue.agents) >= channels:
            why = (
                f"nobody can wait: the trunks carry {channels} calls, and there are {len(queue.agents)} "
                "agents; further callers hear the provider's busy tone"
            )
            yield Fault(("queue", name, "agents"), why, is_warning=True)
