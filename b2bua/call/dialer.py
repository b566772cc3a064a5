"""Ring many, first wins, and nobody is left ringing behind it."""

from __future__ import annotations

from collections.abc import Sequence

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.fork import Fork
from b2bua.call.leg import Leg
from b2bua.call.lines import Lines
from b2bua.call.rung import Rung, Watch
from b2bua.call.sound import SoundProfile
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.session import OutgoingInvite
from media.client import MediaEngine


class Dialer:
    """Rings targets for callers."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        engine: MediaEngine,
        profile: SoundProfile,
        *,
        lines: Lines | None = None,
    ) -> None:
        """``lines`` are told which phones ring and answer."""
        self._lines = Lines() if lines is None else lines
        self._endpoint = endpoint
        self._engine = engine
        self._profile = profile
        self.forks: list[Fork] = []
        """Who rings now, the first one that began first."""

    def find(self, invite: OutgoingInvite) -> tuple[Fork, CalleeLeg] | None:
        """Return the fork that ``invite`` rings for, and whom it rings; None: it rings for none any more."""
        for fork in self.forks:
            for leg, one in fork.ringing.items():
                if one is invite and fork.is_open:
                    return fork, leg
        return None

    async def ring(
        self,
        dials: Sequence[Dial],
        *,
        seconds: float,
        caller: Leg,
        watch: Watch | None = None,
    ) -> Rung:
        """Return who answered within ``seconds`` of the first INVITE, and what became of the others.

        The first 200 wins; the others are cancelled with a Reason that says so (RFC 3326), so that no phone
        shows a missed call.

        Raises:
            LegEnded: the caller hung up; every branch has been cancelled by then.
        """
        fork = Fork(
            self._endpoint,
            self._engine,
            self._profile,
            seconds=seconds,
            caller=caller,
            watch=watch or Watch(),
            lines=self._lines,
        )
        self.forks.append(fork)
        try:
            async with caller.while_up():
                return await fork.run(dials)
        except BaseException:
            # somebody answered in the very instant in which the caller left or the step was stopped
            await fork.drop_winner()
            raise
        finally:
            self.forks.remove(fork)
