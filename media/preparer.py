"""Sounds encoded before anybody calls, in a process of its own.

``python -m media.preparer FOLDER``

What takes seconds of a processor and hundreds of megabytes is done beside the calls: a worker that did it
would keep the memory, and a file that breaks a decoder would take its calls along. What is to be encoded
comes by standard input, as `media.orders` writes it; for each that is done a line tells what was wrong.
Where the disk takes nothing it ends: whatever it encoded would be lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec

from media.encoded_files import EncodedFiles
from media.errors import MediaError, in_words
from media.orders import NOT_KEPT, Order, read_orders
from media.payloads import encode_whole

NICENESS = 19
"""Calls first."""


def main() -> None:
    """Encode what is ordered into the folder of the command line."""
    os.nice(NICENESS)
    for number in (signal.SIGINT, signal.SIGTERM):  # which a worker ignores, and so would what it starts
        signal.signal(number, signal.SIG_DFL)
    files = EncodedFiles(Path(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError, msgspec.DecodeError):  # whoever started it was killed
        for order in read_orders(sys.stdin.buffer.read()):
            why = _carry_out(order, files)
            os.write(sys.stdout.fileno(), f"{why}\n".encode())
            if why.startswith(NOT_KEPT):
                break


def _carry_out(order: Order, files: EncodedFiles) -> str:
    """Return what was wrong, if anything."""
    try:
        place = files.place(*order)
        sounds = encode_whole(*order)
    except (OSError, MediaError, ValueError) as error:
        return _in_a_line(error)
    try:
        files.write(place, sounds)
    except OSError as error:
        return NOT_KEPT + _in_a_line(error)
    return ""


def _in_a_line(error: Exception) -> str:
    return " ".join(in_words(error).split())


if __name__ == "__main__":
    main()
