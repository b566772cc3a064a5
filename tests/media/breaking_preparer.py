"""A preparer whose decoder breaks down at one file, as a process of its own."""

from __future__ import annotations

import os

from media import preparer
from media.commands import PlayItem
from media.encoding import Encoding
from media.payloads import encode


def _encode(item: PlayItem, encoding: Encoding) -> bytes:
    if "evil" in str(item):
        os.abort()
    return encode(item, encoding)


if __name__ == "__main__":
    preparer.encode = _encode
    preparer.main()
