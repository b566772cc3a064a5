"""Calendars that others keep (iCalendar, RFC 5545): read again and again, and known when nobody answers."""
