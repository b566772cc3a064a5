"""Codecs that are ready to be used where packets move."""

from __future__ import annotations

from functools import partial

from media import codecs
from media.background import Background


class CodecShelf:
    """Which codecs are loaded. FFmpeg's take a tenth of a second, in which no packet of any call moved."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._loaded: dict[str, bool] = {}
        """False: being loaded."""

    def has(self, *names: str) -> bool:
        """Return whether all of these codecs can be made at once; those that cannot are being loaded now."""
        for name in names:
            if name not in self._loaded:
                self._loaded[name] = False
                self._background.submit(partial(codecs.by_name, name), partial(self._put, name))
        return all(self._loaded[name] for name in names)

    def _put(self, name: str, _codec: object) -> None:
        self._loaded[name] = True
