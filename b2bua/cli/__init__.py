"""The command line: run an office, check and explain its configuration, read its journal."""
