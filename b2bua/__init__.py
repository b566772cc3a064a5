"""A standalone SIP B2BUA for small offices that never loses a call."""

__version__ = "0.1.0"
