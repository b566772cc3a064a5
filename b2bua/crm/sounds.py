"""Where the sound of a call is heard, as the CRM is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from b2bua.config.models import Config
from b2bua.notify.links import Links
from b2bua.store.calls import CallStory
from b2bua.store.links import Kept
from b2bua.store.messages import Message
from b2bua.store.recordings import KeptRecording


@dataclass(frozen=True, slots=True)
class Sounds:
    """What was kept of a call."""

    kept_recordings: Sequence[KeptRecording]
    """Of what was talked, also deleted ones."""
    kept_messages: Sequence[Message]
    """Of what was left in a mailbox, also what is nothing but silence."""
    links: Links
    """By which they are heard."""

    def recordings(self, call: CallStory, config: Config) -> Iterator[str]:
        """Yield where what was talked is heard, in the order of the recordings."""
        for recording in self.kept_recordings:
            is_empty = recording.ended_at is not None and not recording.seconds
            if recording.deleted_at is None and not is_empty:
                file = recording.path.with_suffix(f".{config.recording.format}")  # soon so called
                yield self._where(call, config, Kept.RECORDING, recording.id, file)

    def messages(self, call: CallStory, config: Config) -> Iterator[str]:
        """Yield where messages are heard."""
        for message in self.kept_messages:
            if message.seconds and not message.is_silent and message.deleted_at is None:
                yield self._where(call, config, Kept.MESSAGE, message.id, message.path)

    def _where(self, call: CallStory, config: Config, kind: Kept, row: int, file: Path) -> str:
        crm = config.crm
        assert crm is not None
        if crm.recording_url is not None:
            return crm.recording_url.format(call_id=quote(call.call.call_id), file=quote(file.name))
        since, lifetime_s = call.ended_at or call.call.at, crm.link_lifetime_s
        link = self.links.to(kind, row, since=since, lifetime_s=lifetime_s)
        return link.url if link is not None else str(file)
