"""Recordings of conversations: where they are, how long, and until when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import statements
from b2bua.store.journal import Journal
from b2bua.store.keys import Keys
from b2bua.store.paths import Paths
from b2bua.store.recording import recorded_seconds
from b2bua.store.statements import Change
from b2bua.store.tables import calls, latest_call, recordings
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """One recording of a conversation."""

    id: int
    """Its row."""
    call_id: str
    """The call."""
    path: Path
    """The file, absolute."""
    began_at: datetime
    """When; aware."""
    ended_at: datetime | None
    """None while it is being written."""
    seconds: float | None
    """How long it is; None while it is being written."""
    error: str
    """Why it ended early, if it did."""
    deleted_at: datetime | None
    """When its file was deleted because its time was over."""


class Recordings:
    """The recordings of all calls."""

    def __init__(
        self, writer: Writer, engine: AsyncEngine, *, journal: Journal, keys: Keys, paths: Paths
    ) -> None:
        self._writer = writer
        self._engine = engine
        self._journal = journal
        self._keys = keys
        self._paths = paths

    def begin(self, call_id: str, path: Path, at: datetime) -> int:
        """Note that a conversation of the call is being recorded to ``path``; return the row.

        Nobody waits for the disk: the two want to talk.

        Raises:
            WrongState: the call was never begun, or has long ended.
        """
        key = self._keys.next()
        call = self._journal.known(call_id).key
        row = {"id": key, "call": call, "path": self._paths.stored(path), "began_at": at}
        self._writer.put([Change(statements.BEGIN_TAPE, row)])
        return key

    async def finish(self, recording: int, seconds: float, at: datetime, error: str = "") -> bool:
        """Note that the file is complete."""
        row = {"_id": recording, "_seconds": seconds, "_at": at, "_error": error}
        return await self._writer.write([Change(statements.FINISH_TAPE, row)])

    async def move(self, recording: int, path: Path) -> bool:
        """Note that the recording is in another file now."""
        row = {"_id": recording, "_path": self._paths.stored(path)}
        return await self._writer.write([Change(statements.MOVE_TAPE, row)])

    async def delete(self, recording: int, at: datetime) -> bool:
        """Note that its file is gone."""
        return await self._writer.write([Change(statements.DELETE_TAPE, {"_id": recording, "_at": at})])

    async def recover(self, at: datetime) -> int:
        """Measure what a dead process was writing; return how many there were. Called at start."""
        cut_off = await self._read(_RECORDINGS.where(recordings.c.ended_at.is_(None)))
        for each in cut_off:
            seconds = await asyncio.to_thread(recorded_seconds, each.path)
            await self.finish(each.id, seconds or 0.0, at, "the program ended meanwhile")
        return len(cut_off)

    async def of_call(self, call_id: str) -> list[KeptRecording]:
        """Return the recordings of the latest call of this id, in their order."""
        return await self._read(_RECORDINGS.where(recordings.c.call == latest_call(call_id)))

    async def by_row(self, row: int) -> KeptRecording | None:
        """Return a recording, None when there is none."""
        return next(iter(await self._read(_RECORDINGS.where(recordings.c.id == row))), None)

    async def ended_before(self, moment: datetime) -> list[KeptRecording]:
        """Return those that are complete, are still there, and ended before ``moment``."""
        return await self._read(_COMPLETE.where(recordings.c.ended_at < moment))

    async def unconverted(self) -> list[KeptRecording]:
        """Return those that are complete and still WAV files."""
        return await self._read(_COMPLETE.where(recordings.c.path.endswith(".wav")))

    async def _read(self, query: Select[Any]) -> list[KeptRecording]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(recordings.c.id))).all()
        return [
            KeptRecording(
                row.id,
                row.call_id,
                self._paths.restored(row.path),
                row.began_at,
                row.ended_at,
                row.seconds,
                row.error,
                row.deleted_at,
            )
            for row in rows
        ]


_RECORDINGS = select(recordings, calls.c.call_id).join(calls, recordings.c.call == calls.c.id)
_COMPLETE = _RECORDINGS.where(recordings.c.ended_at.is_not(None), recordings.c.deleted_at.is_(None))
