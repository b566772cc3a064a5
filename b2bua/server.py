"""Builds everything, owns every task, and takes it all down again in order."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from b2bua import __version__
from b2bua.almanac import keep_calendars
from b2bua.attendance import Attendance
from b2bua.background import Background
from b2bua.call.lines import Lines
from b2bua.config.models import Config
from b2bua.edition import Edition, Editions
from b2bua.http.client import HttpClient
from b2bua.inbound.numbers import calls_for_help
from b2bua.inbound.outside import Outside
from b2bua.inbound.requests import OtherRequests
from b2bua.inbound.sounds import Sounds
from b2bua.inbound.weekly import WeeklyReports
from b2bua.interface import Interface
from b2bua.lamps.desk import LampDesk
from b2bua.listening import listen, resolver
from b2bua.people.occupancy import Occupancy
from b2bua.preparing import Preparation
from b2bua.recording.build import build_keeper, build_studio
from b2bua.recovering import recover
from b2bua.registrar import register
from b2bua.registrar.authentication import Authentication
from b2bua.registrar.bindings import Bindings, PresenceChange
from b2bua.registrar.identify import Identifier
from b2bua.registrar.keeping import BindingKeeper, watch_expiries
from b2bua.registrar.qualify import Qualification
from b2bua.registrar.register import Registrar
from b2bua.reloading import Reloader
from b2bua.routing.plan import Plan
from b2bua.running_calls import RunningCalls
from b2bua.serving import Premises, Serving
from b2bua.sip.digest import NonceIssuer
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.named_servers import NamedServers
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session import IncomingInvite
from b2bua.sip.session_timers import SessionTimers
from b2bua.sip.trace import Trace
from b2bua.sip.transport.tls import Tls
from b2bua.store.callbacks import NewCallback
from b2bua.store.running import running
from b2bua.store.store import Store
from b2bua.surroundings import Surroundings
from b2bua.trace.keeper import TraceKeeper
from b2bua.trunk.channels import Channels
from b2bua.trunk.names import TrunkNames
from b2bua.trunk.selection import TrunkSelection
from b2bua.trunk.spending import Spending
from b2bua.trunk.watch import TrunkWatch
from media.client import MediaEngine

log = structlog.get_logger("office")

NONCE_LIFETIME_S = 300.0
STOPPING = "Shutting down"
START_S = 10.0
"""A program that is started again takes calls after so long at the latest."""


class Server:
    """One running office. Make it by ``async with Server.running(config)``."""

    def __init__(
        self, edition: Edition, store: Store, engine: MediaEngine, surroundings: Surroundings
    ) -> None:
        self.editions = Editions(edition)
        config = edition.config
        self.store = store
        self._surroundings = surroundings
        self._random = surroundings.randomness or random.Random(secrets.randbits(64))
        self.calls, self.background = RunningCalls(), Background()
        self.tls: Tls | None = None
        self.engine = engine
        self.endpoint = SipEndpoint(
            user_agent=f"b2bua/{__version__}",
            session_timers=SessionTimers(interval_s=int(config.sip.session_timer_s) or None),
            random=surroundings.randomness,
        )
        self.endpoint.trace = Trace()
        self._traces = TraceKeeper(self.endpoint.trace, config.office.data)
        self.resolver = resolver(config, self.endpoint, self._random)
        self.occupancy, self.lines, self.channels = Occupancy(), Lines(), Channels()
        self.attendance = Attendance(self.editions, store, surroundings.clock)
        self.bindings = Bindings(on_change=self._presence_changed)
        self.qualification = Qualification(self.bindings, self.endpoint, every_s=config.sip.qualify_every_s)
        self.trunks = TrunkWatch(
            config.trunks.values(),
            self.endpoint,
            random=self._random,
            resolve=self.resolver.resolve,
            kept=store.trunk_states,
            clock=surroundings.clock,
        )
        self.trunk_names = TrunkNames(lambda: self.config.trunks, self.resolver.resolve)
        self.spending = Spending(store.costs, surroundings.clock)
        self.http = HttpClient(f"b2bua/{__version__}", transport=surroundings.http)
        self.calendars = keep_calendars(self.editions, self.http, surroundings.clock)
        self.outside = Outside(self.editions, store, self.http, surroundings.clock)
        self.calendars.on_change.append(self.attendance.news)
        self.reloader = Reloader(self, config.origin.file)
        self.recordings = build_keeper(config, store, surroundings.clock)
        self._preparation = Preparation(engine, lambda: self.editions.current)
        self.interface = Interface(self)
        self._build_registrar()
        self.attendance.on_look = self._look
        self.serving = Serving(self._premises())
        self._adopt(edition)

    @property
    def config(self) -> Config:
        """Return the configuration in force."""
        return self.editions.current.config

    @property
    def plan(self) -> Plan:
        """Return the office in force, as routing sees it."""
        return self.editions.current.plan

    def _adopt(self, edition: Edition) -> None:
        """Put ``edition`` in force, with what is made of its trunks and recordings."""
        config = edition.config
        studio = build_studio(config, self.recordings, Sounds(lambda: edition.book).prompt)
        self.editions.put_in_force(replace(edition, studio=studio, calendars=self.calendars.known))
        self.spending.adopt(edition.plan)
        self.selection = TrunkSelection(
            config.trunks.values(),
            default=config.office.default_trunk,
            channels=self.channels,
            is_usable=self.trunks.is_usable,
            current=self.trunks.current,
            service_route=self.trunks.service_route,
            is_spent=self.spending.obstacle,
            country=config.office.country,
        )
        self._identifier = Identifier(
            people=self.editions,
            bindings=self.bindings,
            authentication=self._authentication,
            trunks=config.trunks.values(),
            registrations=self.trunks.registrations,
        )

    def change(self, edition: Edition) -> None:
        """Serve whatever comes from now on by ``edition``; calls that are up go on as they began.

        What ``config.difference`` says needs a restart must be in it as it is.
        """
        before, config, now = self.plan, edition.config, asyncio.get_running_loop().time()
        former = self.editions.current.directory
        inherited = [
            replace(phone, person=heir)
            for phone in self.bindings.all(now)
            if (heir := former.heir(phone.person, phone.login, edition.directory))
        ]
        self.bindings.remove_people(edition.directory.may_register, now)
        self.trunks.change(config.trunks.values())
        self.background.start(self.trunk_names.look_up(), name="new trunk names")
        self.calendars.change(config)
        self._adopt(edition)
        for phone in inherited:
            self.bindings.put(phone, now)
        self.recordings.format, self.recordings.keep_s = config.recording.format, config.recording.keep_s
        self.serving.mail_worker.delivery = self.serving.mails.delivery()
        self.outside.adopt(self.background.start)
        self.serving.queues.plan_changed(self.plan.queues)
        self.attendance.news()
        self.interface.changed()
        self.lamps.plan_changed(before, self.plan)
        self._preparation.ask()

    def _premises(self) -> Premises:
        """Return what serving callers works on."""
        return Premises(
            editions=self.editions,
            store=self.store,
            engine=self.engine,
            endpoint=self.endpoint,
            bindings=self.bindings,
            vigil=self.qualification.vigil,
            attendance=self.attendance,
            occupancy=self.occupancy,
            lines=self.lines,
            channels=self.channels,
            spending=self.spending,
            outside=self.outside,
            http=self.http,
            background=self.background,
            traces=self._traces,
            resolve=self.resolver.resolve_soon,
            trunks=lambda: self.selection,
            identifier=lambda: self._identifier,
            clock=self._surroundings.clock,
            randomness=self._random,
            calls=self.calls,
        )

    def _build_registrar(self) -> None:
        config = self.config
        self._authentication = Authentication(
            people=self.editions,
            realm=config.sip.domain or config.sip.host,
            nonces=NonceIssuer(secrets.token_bytes(32), NONCE_LIFETIME_S),
            is_known_flow=self.bindings.has_flow,
            algorithms=config.sip.digest,
            has_left=self.editions.has_left,
        )
        self.registrar = Registrar(
            people=self.editions,
            bindings=self.bindings,
            authentication=self._authentication,
            wall_clock=self._surroundings.clock,
        )
        self.lamps = LampDesk(
            self.endpoint,
            self._authentication,
            plan=lambda: self.plan,
            messages=self.store.messages,
            lines=self.lines,
            shows_callers=lambda: self.config.office.lamps_show_callers,
        )

    # --- life ----------------------------------------------------------------------------------------------

    @classmethod
    @asynccontextmanager
    async def running(cls, config: Config, surroundings: Surroundings | None = None) -> AsyncIterator[Server]:
        """Run an office for as long as the block runs.

        Raises:
            OSError: an address is taken.
            UnusableDatabaseError: the journal cannot be opened.
            AlreadyRunningError: another office runs on the same folder.
            MediaError: the media engine does not start.
        """
        around = surroundings or Surroundings()
        async with AsyncExitStack() as stack:
            edition = await asyncio.to_thread(Edition.of, config)
            store, engine = await around.open(config)
            await stack.enter_async_context(store)
            stack.push_async_callback(engine.close)
            stack.enter_context(running(config.office.data))
            server = cls(edition, store, engine, around)
            await recover(store, at=around.clock(), mails_for=server.serving.mails.for_interrupted)
            await server.lamps.load()
            await server.spending.load()
            await server.calendars.load()
            keeper = BindingKeeper(server.bindings, store.bindings, clock=around.clock)
            await stack.enter_async_context(keeper.keeping(is_known=edition.directory.may_register))
            await stack.enter_async_context(server.attendance.open())
            stack.push_async_callback(server._traces.close)
            stack.push_async_callback(server.http.close)
            stack.push_async_callback(server.endpoint.close)
            await server._listen()
            await stack.enter_async_context(server.background)
            server._start_tasks()
            await stack.enter_async_context(server.interface.open())
            stack.push_async_callback(server.calls.end)
            yield server

    def _start_tasks(self) -> None:
        start = self.background.start
        self.attendance.start(self.background)
        start(self.serving.mail_worker.run(), name="mail")
        start(self.serving.return_calls.run(), name="call backs")
        weekly = WeeklyReports(lambda: self.config, self.store, self._surroundings.clock)
        start(weekly.run(), name="reports of the week")
        start(self.recordings.run(), name="recordings")
        start(self._preparation.run(), name="sounds")
        start(self.calendars.run(), name="calendars")
        self.trunks.start(start)
        start(self.trunk_names.run(), name="trunk names")
        start(watch_expiries(self.bindings), name="expiries")
        start(self.lamps.run(), name="lamps")
        if self.tls is not None:
            start(self.tls.watch(), name="certificates")
        start(self.qualification.run(), name="qualify")
        self.outside.adopt(start)

    async def _listen(self) -> None:
        self.endpoint.on_invite = self._invited
        self._requests = OtherRequests(self.registrar, self.lamps.notifier)
        self.endpoint.on_request = self._asked
        self.endpoint.understood = {"REGISTER": register.UNDERSTOOD}
        self.endpoint.on_connection_lost = self.trunks.connection_lost
        self.endpoint.servers = NamedServers(
            self.resolver, lambda work: self.background.start(work, name="server of a call")
        )
        self.endpoint.current_flow = lambda contact: self.bindings.flow_to(contact, self.endpoint.now())
        self.endpoint.on_heard = lambda source: self.bindings.heard(source, self.endpoint.now())
        for transport in self._surroundings.transports:
            self.endpoint.attach(transport)
        if self._surroundings.transports:
            return
        self.tls = await listen(self.endpoint, self.config)

    # --- requests ------------------------------------------------------------------------------------------

    def _invited(self, invite: IncomingInvite) -> None:
        if self.calls.is_closing and not calls_for_help(invite.request, country=self.plan.country):
            invite.reject(503, STOPPING, headers=self._come_back())
            return
        self.calls.start(self._take(invite), call_id=invite.call_id)

    async def _take(self, invite: IncomingInvite) -> None:
        self.editions.keep()
        await self.serving.reception.take(invite)

    def call_now(self, new: NewCallback, scheme: str) -> None:
        """Ring our people for somebody who asked on the web to be called, unless the office is stopping."""

        async def run() -> None:
            self.editions.keep()
            await self.serving.ring_now(new, scheme)

        if not self.calls.is_closing:
            self.calls.start(run(), call_id=new.call.call_id)

    async def wind_down(self, hurry: asyncio.Event) -> None:
        """Take no more calls and end those in which nobody talks; talks go on for ``stop-waits`` at most.

        So long, calls for help are placed, and those that ring go on. Whoever waited is owed a call.
        ``hurry`` ends all at once.
        """
        for_s = self.config.office.stop_waits_s
        talks = self.serving.roll.engaged if for_s > 0 else frozenset()
        if talks:
            log.info(f"calls that may go on for {for_s:.0f} s: {len(talks)}; stop again to end them at once")
        await self.calls.end(but=talks)
        await self.calls.let_go_on(for_s=for_s, hurry=hurry)

    def _come_back(self) -> tuple[tuple[str, str], ...]:
        return (("Retry-After", f"{self.config.office.stop_waits_s + START_S:.0f}"),)

    def _asked(self, server: ServerRequest) -> None:
        """Answer a request outside of calls; who asks whether calls are taken is told when they are not."""
        if self.calls.is_closing and server.request.method == "OPTIONS":
            server.respond(503, STOPPING, headers=self._come_back())
        else:
            self._requests.take(server)

    async def calls_over(self) -> None:
        """Wait until every call that is up now has its outcome in the journal."""
        await self.calls.over()

    def _look(self) -> None:
        """See what another program changed in the database."""
        self.lamps.look()
        self.outside.over()

    def _presence_changed(self, change: PresenceChange) -> None:
        log.info(change.in_words(self.editions.person(change.binding.person).title))
        self.serving.queues.phone_changed(change.binding.person)
