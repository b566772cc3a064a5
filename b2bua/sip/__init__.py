"""SIP (RFC 3261 and friends) by the standard library only; protocol code takes the time as an argument."""
