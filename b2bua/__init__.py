"""A standalone SIP B2BUA for small offices that never loses a call."""
