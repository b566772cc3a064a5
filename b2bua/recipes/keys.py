"""How people are named in the file of an office: in plain letters, and as nobody and nothing else there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

GROUPS = frozenset({"sales", "backup"})
"""Names that recipes give to groups."""
_ONE_BY_ONE = ("абвгґдезиіїйклмнопрстуфыэłđøı", "abvhgdezyiiyklmnoprstufyeldoi")
_LONGER = {
    "є": "ye",
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ю": "yu",
    "я": "ya",
    "ё": "yo",
    "ь": "",
    "ъ": "",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
}
PLAIN = str.maketrans(*_ONE_BY_ONE) | str.maketrans(_LONGER)
"""Letters that no decomposition makes plain; Cyrillic ones as in Ukraine."""
RUSSIAN_G = str.maketrans({"г": "g", "и": "i"})
"""Where a name is not Ukrainian."""


def key_of(name: str, extension: str, taken: Container[str], *, is_ukrainian: bool) -> str:
    """Return how the file names somebody: ``olena``, and with the extension where that is taken."""
    first = unicodedata.normalize("NFC", name.split()[0].lower())
    first = first if is_ukrainian else first.translate(RUSSIAN_G)
    plain = unicodedata.normalize("NFKD", first.translate(PLAIN)).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]", "", plain) or f"p{extension}"
    if key.isdecimal():  # else it could be an extension
        key = f"p{extension}"
    return f"{key}{extension}" if key in taken or key in GROUPS else key
