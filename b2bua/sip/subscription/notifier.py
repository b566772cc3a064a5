"""Takes SUBSCRIBE and knows who watches what, so that a change is told to them all (RFC 6665 §4.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from b2bua.errors import MalformedMessage
from b2bua.sip.core import Core
from b2bua.sip.dialog import Dialog
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.subscription.event import Event, EventPackage, Watched, accepts, asked_seconds
from b2bua.sip.subscription.subscription import LEAST_S, LONGEST_S, Admit, Subscription
from b2bua.sip.uri import SipUri

MOST_OF_A_WATCHER = 250
"""Subscriptions of one account: a desk with three panels of sixty keys each, and room for restarts."""


class Notifier:
    """The subscriptions of everybody."""

    def __init__(
        self,
        core: Core,
        packages: Iterable[EventPackage],
        *,
        admit: Admit,
        most_of_a_watcher: int = MOST_OF_A_WATCHER,
    ) -> None:
        """``admit`` tells who sent a request, or answers it: first ones and refreshes."""
        self._core = core
        self._packages = {package.name: package for package in packages}
        self._admit = admit
        self._most = most_of_a_watcher
        self._watching: dict[tuple[str, str], set[Subscription]] = {}
        self._of_watcher: Counter[str] = Counter()

    @property
    def allow_events(self) -> tuple[str, str]:
        """The header that says what can be watched (§8.2.2)."""
        return "Allow-Events", ", ".join(sorted(self._packages))

    def __len__(self) -> int:
        return sum(self._of_watcher.values())

    def has_watchers(self, package: str) -> bool:
        """Return whether anybody watches anything of that kind."""
        return any(name == package for name, _ in self._watching)

    def changed(self, package: str, resource: str) -> None:
        """Tell everybody who watches ``resource`` how it is now."""
        for subscription in tuple(self._watching.get((package, resource), ())):
            subscription.changed()

    def end(self, why: Callable[[str, str, str], str | None]) -> None:
        """End the subscriptions of which ``why`` gives a reason, as in Subscription-State (§4.1.3).

        It is asked with watcher, package and resource, and returns None for those that go on.
        """
        for (package, resource), watching in tuple(self._watching.items()):
            for subscription in tuple(watching):
                reason = why(subscription.watcher, package, resource)
                if reason is not None:
                    subscription.end(reason)

    def take(self, server: ServerRequest) -> None:
        """Answer a SUBSCRIBE outside of dialogs: it opens one, or is told why not (§4.2.1)."""
        watcher = self._admit(server)
        if watcher is None:
            return
        try:
            event = Event.of(server.request)
            package = self._packages.get(event.package)
            if package is None:
                raise MalformedMessage(f"no event package {event.package[:40]}", status=489)
            self._take(server, watcher, event, package)
        except MalformedMessage as error:
            is_unknown = error.status == 489
            server.respond(
                error.status,
                None if is_unknown else error.why,
                headers=(self.allow_events,) if is_unknown else (),
            )

    def _take(self, server: ServerRequest, watcher: str, event: Event, package: EventPackage) -> None:
        request = server.request
        seconds = asked_seconds(request, most=LONGEST_S)
        if request.contact is None:
            raise MalformedMessage("Contact is missing")
        if not accepts(request, package.content_type):
            server.respond(406, headers=(("Accept", package.content_type),))
        elif 0 < seconds < LEAST_S:
            server.respond(423, headers=(("Min-Expires", str(LEAST_S)),))
        elif self._of_watcher[watcher] >= self._most:
            server.respond(403, "Too Many Subscriptions")
        else:
            watched = package.watch(watcher, request.target)
            self._open(server, watcher, event, package, watched).accept(server, seconds)

    def _open(
        self, server: ServerRequest, watcher: str, event: Event, package: EventPackage, watched: Watched
    ) -> Subscription:
        subscription = Subscription(
            self._core,
            self._dialog(server),
            watcher=watcher,
            event=event,
            package=package,
            watched=watched,
            admit=self._admit,
            on_over=self._forget,
        )
        self._of_watcher[watcher] += 1
        self._watching.setdefault((package.name, watched.resource), set()).add(subscription)
        return subscription

    def _dialog(self, server: ServerRequest) -> Dialog:
        target = server.request.target
        user, is_secure = (target.user, target.is_secure) if isinstance(target, SipUri) else (None, False)
        contact = self._core.contact(server.source, user, is_secure=is_secure)
        return Dialog.from_request(
            server.request, local_tag=server.local_tag, source=server.source, contact=contact
        )

    def _forget(self, subscription: Subscription) -> None:
        key = subscription.package.name, subscription.watched.resource
        watching = self._watching[key]
        watching.discard(subscription)
        if not watching:
            del self._watching[key]
        self._of_watcher[subscription.watcher] -= 1
