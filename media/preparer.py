"""Sounds encoded before anybody calls, in a process of its own.

``python -m media.preparer FOLDER``

What takes seconds of a processor and hundreds of megabytes is done beside the calls: a worker that did it
would keep the memory, and a file that breaks a decoder would take its calls along. What is to be encoded
comes by standard input, as `media.orders` writes it; for each that is done a line tells what was wrong.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from media.encoded_files import EncodedFiles
from media.errors import MediaError, in_words
from media.orders import read_orders
from media.payloads import encode

NICENESS = 19
"""Calls first."""


def main() -> None:
    """Encode what is ordered into the folder of the command line."""
    os.nice(NICENESS)
    for number in (signal.SIGINT, signal.SIGTERM):  # which a worker ignores, and so would what it starts
        signal.signal(number, signal.SIG_DFL)
    files = EncodedFiles(Path(sys.argv[1]))
    for clip, encoding in read_orders(sys.stdin.buffer.read()):
        why = ""
        try:
            place = files.place(clip, encoding)
            files.keep(place, encode(clip, encoding))
        except (OSError, MediaError, ValueError) as error:
            why = " ".join(in_words(error).split())
        sys.stdout.write(f"{why}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
