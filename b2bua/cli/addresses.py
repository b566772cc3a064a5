"""Whether this machine has the addresses that the configuration names, found out before the first call."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.errors import Problem


def why_not_here(address: str) -> OSError | None:
    """Return why nothing can be received at the IP address, None where something can."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return error
    return None


def foreign_addresses(config: Config) -> tuple[Problem, ...]:
    """Return a warning for each address that is not of this machine: the office may be meant for another.

    What is no address anywhere is an error.
    """
    return config.origin.problems(tuple(_foreign(config)))


def _foreign(config: Config) -> Iterator[Fault]:
    named = [(("rtp", "address"), address) for address in config.rtp.addresses]
    named += [(("sip", "listen"), host) for host, _ in config.sip.addresses]
    for path, address in named:
        why = why_not_here(address)
        if why is not None:
            said = in_words(why, setting=f"[{path[0]}] {path[1]}")
            is_elsewhere = not isinstance(why, socket.gaierror)
            yield Fault(path, f"cannot receive at {address}: {said}", is_warning=is_elsewhere)


def in_words(error: OSError, *, setting: str) -> str:
    """Return why an address cannot be used, and what to do about it."""
    if isinstance(error, socket.gaierror):
        return f"it is no IP address; change {setting}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"another program listens there (another b2bua? a softphone?); stop it or change {setting}"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no such address; change {setting} (`ip addr` lists its addresses)"
        case errno.EAFNOSUPPORT:
            return f"this machine has no IPv6 switched on; change {setting}"
        case errno.EINVAL:
            return (
                f"a link-local address needs the interface it is on, such as fe80::1%eth0; change {setting}"
            )
        case errno.EACCES:
            return f"ports below 1024 are for root only; change {setting}"
    return error.strerror or str(error)
