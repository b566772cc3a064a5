"""The lines to the outside: registrations with providers, outbound routes, caller id and channels."""
