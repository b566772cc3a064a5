"""``python -m bench [PART...]``: measure all, or the parts named, and print one table."""

from __future__ import annotations

import argparse
import time

from bench import (
    answerers,
    calls,
    delay,
    floor,
    machine,
    memory,
    messages,
    playback,
    recording,
    relay,
    routing,
    transcode,
    warm,
)
from bench.table import HEAD, show

PARTS = {
    "messages": messages.rows,
    "routing": routing.rows,
    "calls": calls.rows,
    "floor": floor.rows,
    "relay": relay.rows,
    "warm": warm.rows,
    "delay": delay.rows,
    "playback": playback.rows,
    "recording": recording.rows,
    "transcode": transcode.rows,
    "memory": memory.rows,
    "answerers": answerers.rows,
}


def main() -> None:
    """Print machine, table and how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    started = time.monotonic()
    print(machine.description(), HEAD, sep="\n\n", flush=True)
    for part in arguments.parts or PARTS:
        show(PARTS[part]())
    print(f"\nmeasured in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
