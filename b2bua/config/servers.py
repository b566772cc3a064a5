"""What is unwise about the servers outside that are asked about calls."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from b2bua.config.models import Config
from b2bua.config.origin import Fault, warning
from b2bua.config.written import written_destinations

LEAST_RING_S, LONGEST_RING_S = 30.0, 60.0
"""Of whoever a webhook names."""
LONGEST_BUDGET_S = 3.0


def warnings_about_servers(config: Config) -> Iterator[Fault]:
    """Yield what is unwise in ``[webhook.x]`` and ``[crm]``."""
    for name, webhook in config.webhooks.items():
        yield from _server(webhook.url, webhook.budget_s, "webhook", name)
        if not LEAST_RING_S <= webhook.for_seconds <= LONGEST_RING_S:
            usual = f"{LEAST_RING_S:g} to {LONGEST_RING_S:g} s are recommended"
            yield warning("webhook", name, "for", because=f"{webhook.for_seconds:g} s is unusual, {usual}")
        if not any(step.webhook == name for _, step in written_destinations(config)):
            yield warning("webhook", name, because="no step asks it")
    if config.crm is not None:
        yield from _server(config.crm.url, config.crm.budget_s, "crm")
        if not any(person.crm_user or person.email for person in config.people.values()):
            why = "nobody has a crm-user or an email: whomever it names is nobody here"
            yield warning("crm", because=why)


def _server(url: str, budget_s: float, *path: str) -> Iterator[Fault]:
    if budget_s > LONGEST_BUDGET_S:
        why = f"callers hear ringing for {budget_s:g} s in which nobody is rung; 1.5 s is usual"
        yield warning(*path, "budget", because=why)
    why = "whoever is on the way reads who calls, and can send your callers elsewhere"
    yield from unencrypted(url, *path, because=why)


def unencrypted(url: str, *path: str, because: str) -> Iterator[Fault]:
    """Yield what is unwise about the address of a server to which not only our own network leads."""
    if url.startswith("http:") and not _is_near(url):
        yield warning(*path, "url", because=f"is not encrypted: {because}")


def _is_near(url: str) -> bool:
    """Return whether a server is this machine or in a private network."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(".local")
