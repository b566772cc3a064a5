"""All that serves a caller, from the INVITE to the outcome: the steps, and who runs them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from b2bua.attendance import Attendance
from b2bua.background import Background
from b2bua.call.callee import Vigil
from b2bua.call.dialer import Dialer
from b2bua.call.lines import Lines
from b2bua.call.sound import SoundProfile
from b2bua.call_queue.hall import Hall
from b2bua.call_queue.step import QueueSounds, QueueStep
from b2bua.edition import Editions
from b2bua.http.client import HttpClient
from b2bua.inbound.alerts import Alerts
from b2bua.inbound.call_backs import CallBackStep
from b2bua.inbound.custody import Custody
from b2bua.inbound.forwarding import Forwarding
from b2bua.inbound.mails import Mails
from b2bua.inbound.outside import Outside
from b2bua.inbound.pickup import Pickups
from b2bua.inbound.reach import Reach
from b2bua.inbound.reception import Reception
from b2bua.inbound.return_calls import Calls, ReturnCalls
from b2bua.inbound.ring_now import RingNow
from b2bua.inbound.simple_steps import SayStep, echo
from b2bua.inbound.sounds import Sounds
from b2bua.inbound.transfer import Transfers
from b2bua.inbound.unlisted import UnlistedNumbers
from b2bua.ivr.step import MenuStep
from b2bua.moment import Moment
from b2bua.notify.links import Links
from b2bua.people.occupancy import Occupancy
from b2bua.registrar.bindings import Binding, Bindings
from b2bua.registrar.identify import Identifier
from b2bua.ringing.again import RingAgainStep
from b2bua.ringing.last_chance import LastChance
from b2bua.ringing.step import Ringing, RingSounds
from b2bua.routing import destination
from b2bua.routing.returning import can_be_called
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import Uri
from b2bua.sounding import sound_profile
from b2bua.store.store import Store
from b2bua.trace.keeper import TraceKeeper
from b2bua.trunk.channels import Channels
from b2bua.trunk.selection import TrunkSelection
from b2bua.trunk.spending import Spending
from b2bua.voicemail.listen import ListenSounds, ListenStep
from b2bua.voicemail.step import VoicemailStep
from media.client import MediaEngine


@dataclass(frozen=True, slots=True)
class Premises:
    """What stands before any call: who serves callers works on it."""

    editions: Editions
    """The configuration in force."""
    store: Store
    """Where calls are journaled."""
    engine: MediaEngine
    """Where callers get their sound."""
    endpoint: SipEndpoint
    """Our SIP."""
    bindings: Bindings
    """Registered phones."""
    vigil: Callable[[Binding], Vigil]
    """Returns what watches over a phone."""
    attendance: Attendance
    """Who takes calls."""
    occupancy: Occupancy
    """Who talks."""
    lines: Lines
    """What each phone does."""
    channels: Channels
    """Calls on each trunk."""
    spending: Spending
    """Counts what calls to the outside cost."""
    outside: Outside
    """Servers that are asked and told of calls."""
    http: HttpClient
    """The way to them."""
    background: Background
    """Owns what goes on beside the calls."""
    traces: TraceKeeper
    """Keeps each call's SIP."""
    resolve: Callable[[Uri], Awaitable[list[Hop]]]
    """Finds the addresses of a trunk or of a SIP address."""
    trunks: Callable[[], TrunkSelection]
    """The trunks in force."""
    identifier: Callable[[], Identifier]
    """Tells phones, trunks and strangers apart."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    randomness: random.Random
    """For choices by chance."""
    calls: Calls
    """Own the calls that are up."""


class Serving:
    """Serves callers."""

    def __init__(self, on: Premises) -> None:
        self._on = on
        self.moment = Moment(
            on.editions,
            on.attendance,
            on.occupancy,
            on.bindings,
            on.clock,
            lambda: self.queues.waiting,
        )
        self._build_steps()

    def _build_steps(self) -> None:
        on, sounds = self._on, Sounds(lambda: self._on.editions.own.book)
        profile = sound_profile(on.editions.current.config, on.endpoint)
        dialer = Dialer(on.endpoint, on.engine, profile, lines=on.lines)
        reach = self._build_reach(sounds)
        self.queues = QueueStep(
            spec=on.editions.queue,
            dialer=dialer,
            reach=reach,
            hall=Hall(
                on.occupancy,
                self.moment.is_online,
                today=lambda: on.clock().astimezone(on.editions.current.zone).date(),
                randomness=on.randomness,
            ),
            sounds=QueueSounds(sounds.prompt, sounds.music, sounds.standing, sounds.waited),
            may_be_called=lambda call: can_be_called(on.editions.own_plan(), call.identity.number),
        )
        on.attendance.on_change = self.queues.phone_changed
        transfers = self._build_transfers(sounds)
        ringing = Ringing(dialer, reach, on.occupancy, RingSounds(sounds.prompt, sounds.music, sounds.offer))
        custody = self._build_custody(sounds, transfers, ringing, profile)
        self.roll = custody.roll
        self.ring_now = self._build_ring_now(ringing, profile)
        custody.meet = self.ring_now.meet
        self.return_calls = self._build_return_calls(custody, ringing, sounds, profile)
        self.reception = self._build_reception(
            custody, self._build_pickups(dialer, transfers, profile), profile
        )

    def _build_custody(
        self, sounds: Sounds, transfers: Transfers, ringing: Ringing, profile: SoundProfile
    ) -> Custody:
        plan = self._on.editions.own_plan
        return Custody(
            transfers=transfers,
            steps={
                destination.Ring: ringing,
                destination.RingAgain: RingAgainStep(
                    self._on.store.journal, self.moment.facts, plan, ringing
                ),
                destination.Queue: self.queues,
                destination.Menu: MenuStep(plan, sounds.prompt),
                destination.Voicemail: self._build_voicemail(sounds, ringing),
                destination.Listen: self._build_listening(sounds),
                destination.Feature: self._build_codes(sounds),
                destination.Say: SayStep(sounds.prompt),
                destination.Echo: echo,
                **self._on.outside.steps(),
            },
            facts=self.moment.facts,
            tones=profile.tones,
            studio=lambda: self._on.editions.own.studio,
        )

    def _build_ring_now(self, ringing: Ringing, profile: SoundProfile) -> RingNow:
        return RingNow(
            plan=self._on.editions.own_plan,
            facts=self.moment.facts,
            engine=self._on.engine,
            dialer=ringing.dialer,
            reach=ringing.reach,
            occupancy=self._on.occupancy,
            sounds=ringing.sounds,
            profile=profile,
            journal=self._on.store.journal,
            outside=self._on.outside,
            roll=self.roll,
            studio=lambda: self._on.editions.own.studio,
            clock=self._on.clock,
        )

    def _build_return_calls(
        self, custody: Custody, ringing: Ringing, sounds: Sounds, profile: SoundProfile
    ) -> ReturnCalls:
        on = self._on
        return_calls = ReturnCalls(
            plan=on.editions.own_plan,
            current=lambda: on.editions.current.plan,
            keep=on.editions.keep,
            facts=self.moment.facts,
            engine=on.engine,
            dialer=ringing.dialer,
            reach=ringing.reach,
            custody=custody,
            prompt=sounds.prompt,
            profile=profile,
            journal=on.store.journal,
            promises=on.store.promises,
            outside=on.outside,
            calls=on.calls,
            clock=on.clock,
        )
        on.store.journal.call_back_at = return_calls.first_at
        custody.roll.on_come = return_calls.came
        return return_calls

    def _build_reach(self, sounds: Sounds) -> Reach:
        on = self._on
        forwarding = Forwarding(
            lambda target, call: reach(target, call),  # noqa: PLW0108 - which is built below
            on.editions.own_plan,
            on.occupancy,
            sounds.offer,
        )
        reach = Reach(
            endpoint=self._on.endpoint,
            bindings=self._on.bindings,
            vigil=self._on.vigil,
            person=self._on.editions.person,
            excuse=self._on.attendance.excuse,
            plan=self._on.editions.own_plan,
            trunks=self._on.trunks,
            channels=self._on.channels,
            spending=self._on.spending,
            resolve=self._on.resolve,
            forwarding=forwarding,
        )
        return reach

    def _build_transfers(self, sounds: Sounds) -> Transfers:
        return Transfers(
            endpoint=self._on.endpoint,
            occupancy=self._on.occupancy,
            start_of=lambda target: self.reception.start_of(target),  # noqa: PLW0108 - which is built later
            music=sounds.usual_music,
            lines=self._on.lines,
        )

    def _build_pickups(self, dialer: Dialer, transfers: Transfers, profile: SoundProfile) -> Pickups:
        return Pickups(
            endpoint=self._on.endpoint,
            dialer=dialer,
            transfers=transfers,
            occupancy=self._on.occupancy,
            lines=self._on.lines,
            engine=self._on.engine,
            profile=profile,
        )

    def _build_codes(self, sounds: Sounds) -> CallBackStep:
        return CallBackStep(
            plan=self._on.editions.own_plan,
            promises=self._on.store.promises,
            prompt=sounds.prompt,
            noted=sounds.call_back,
            clock=self._on.clock,
            others=self._on.attendance.features(sounds.prompt),
        )

    def _build_voicemail(self, sounds: Sounds, ringing: Ringing) -> VoicemailStep:
        self.mails = Mails(
            lambda: self._on.editions.own.config,
            self._on.clock,
            self._on.http,
            Links(lambda: self._on.editions.current.config, self._on.store.signer),
        )
        self._on.store.journal.news_of = Alerts(lambda: self._on.editions.own.config).news_of
        self.mail_worker = self.mails.worker(self._on.store)
        self._on.outside.crm_delivery.mails = self.mails.for_refused_record
        return VoicemailStep(
            plan=self._on.editions.own_plan,
            store=self._on.store,
            prompts=sounds.prompt,
            folder=self._on.editions.current.config.office.data / "voicemail",
            mails=self.mails.for_message,
            clock=self._on.clock,
            facts=self.moment.facts,
            last_chance=LastChance(ringing.dialer, ringing.reach, ringing.occupancy, sounds.usual_music),
        )

    def _build_listening(self, sounds: Sounds) -> ListenStep:
        return ListenStep(
            plan=self._on.editions.own_plan,
            store=self._on.store,
            sounds=ListenSounds(sounds.prompt, sounds.messages, sounds.left_by, sounds.ago),
            clock=self._on.clock,
        )

    def _build_reception(self, custody: Custody, pickups: Pickups, profile: SoundProfile) -> Reception:
        return Reception(
            plan=self._on.editions.own_plan,
            directory=lambda: self._on.editions.own.directory,
            identifier=self._on.identifier,
            custody=custody,
            pickups=pickups,
            store=self._on.store,
            engine=self._on.engine,
            occupancy=self._on.occupancy,
            lines=self._on.lines,
            channels=self._on.channels,
            profile=profile,
            clock=self._on.clock,
            traces=self._on.traces,
            unlisted=UnlistedNumbers(
                self._on.store.outbox, self.mails.for_unlisted, self.moment.facts, self._on.background
            ),
            outside=self._on.outside,
        )
