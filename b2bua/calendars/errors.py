"""What can be wrong with a calendar."""

from __future__ import annotations

from b2bua.errors import B2buaError


class UnreadableCalendarError(B2buaError):
    """A calendar cannot be had, or what came is none."""
