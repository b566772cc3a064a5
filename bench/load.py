"""Sends RTP of many calls, 50 packets per second each: ``load LEGS FIRST_PORT FIRST_TO_PORT SECONDS``."""

from __future__ import annotations

import struct
import sys
import time

from bench.yardstick import HOST, open_far_ends

SLOTS = 10
"""Parts of 20 ms over which legs are spread, as the clocks of real phones are."""


def main() -> None:
    """Send, then print how many packets went out."""
    legs, first, to, seconds = map(int, sys.argv[1:])
    sockets = open_far_ends(legs, first)
    for index, udp in enumerate(sockets):
        udp.connect((HOST, to + 2 * index))
    slots = [sockets[slot::SLOTS] for slot in range(SLOTS)]
    payload = b"\xd5" * 160
    start = time.monotonic()
    for turn in range(seconds * 50 * SLOTS):
        tick = turn // SLOTS
        packet = struct.pack("!BBHII", 0x80, 8, tick & 0xFFFF, tick * 160, 7) + payload
        for udp in slots[turn % SLOTS]:
            udp.send(packet)
        time.sleep(max(0.0, start + (turn + 1) * 0.02 / SLOTS - time.monotonic()))
    print(seconds * 50 * legs)


if __name__ == "__main__":
    main()
