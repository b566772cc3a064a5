"""Calendars as others write them (RFC 5545)."""

from __future__ import annotations


def event(title: str, start: str, end: str = "", *lines: str, uid: str = "") -> str:
    """Return one event; a start such as ``20261224`` is a whole day, ``…T090000`` a time in Warsaw."""
    begins = [_property("DTSTART", start)]
    ends = [_property("DTEND", end)] if end else []
    head = [f"UID:{uid or title + start}", "DTSTAMP:20261101T000000Z", f"SUMMARY:{title}"]
    return "\r\n".join(["BEGIN:VEVENT", *head, *begins, *ends, *lines, "END:VEVENT"])


def ics(*events: str) -> str:
    """Return a calendar with these events."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    return "\r\n".join([*head, *events, "END:VCALENDAR", ""])


def _property(name: str, moment: str) -> str:
    if "T" not in moment:
        return f"{name};VALUE=DATE:{moment}"
    return f"{name}:{moment}" if moment.endswith("Z") else f"{name};TZID=Europe/Warsaw:{moment}"
