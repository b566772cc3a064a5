"""A preparer whose decoder breaks down at one file, as a process of its own."""

from __future__ import annotations

import os

from media import preparer
from media.commands import Row
from media.encoding import Encoding
from media.payloads import encode_whole


def _encode(row: Row, encoding: Encoding) -> list[bytes]:
    if "evil" in str(row):
        os.abort()
    return encode_whole(row, encoding)


if __name__ == "__main__":
    preparer.encode_whole = _encode
    preparer.main()
