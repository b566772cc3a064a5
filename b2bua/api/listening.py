"""``/listen/TICKET``: a recording, for whoever was sent the link to it. No token is asked for."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.office import Office
from b2bua.config.tables.api import LISTENING
from b2bua.store.links import ExpiredTicketError, ForgedTicketError, Kept, Ticket

log = structlog.get_logger("office")

MEDIA_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg", ".mp3": "audio/mpeg"}
"""What recordings are, by their suffix; the table of the operating system does not know all of them."""
HEADERS = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""Whose link it is may listen; nobody on the way keeps it, nor learns of it."""
MOST_STRANGERS = 100
WORDS = {
    403: {
        "en": "This link is not valid. Please copy it again, whole.",
        "uk": "Це посилання недійсне. Скопіюйте його ще раз повністю.",
        "ru": "Эта ссылка недействительна. Скопируйте её ещё раз целиком.",
        "pl": "Ten link jest nieprawidłowy. Skopiuj go jeszcze raz w całości.",
    },
    404: {
        "en": "The recording is not there, or not complete yet.",
        "uk": "Запису немає або він ще не завершений.",
        "ru": "Записи нет, или она ещё не завершена.",
        "pl": "Nagrania nie ma albo nie jest jeszcze gotowe.",
    },
    410: {
        "en": "This link has expired, or the recording was deleted.",
        "uk": "Термін дії посилання минув, або запис видалено.",
        "ru": "Срок действия ссылки истёк, или запись удалена.",
        "pl": "Ten link wygasł albo nagranie zostało usunięte.",
    },
}
"""What a person reads who follows a link in vain, in the language of the office."""


class _CannotBeHeardError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(WORDS[status]["en"])
        self.status = status


@dataclass(frozen=True, slots=True)
class _Sound:
    path: Path
    began_at: datetime
    state: os.stat_result


def listening_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of recordings."""
    return [Route(LISTENING + "{ticket}", _Listening(office).listen)]


class _Listening:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._strangers: set[str] = set()

    async def listen(self, request: Request) -> Response:
        """Answer with the sound, or a part of it (RFC 9110 §14); 403: not our link, 410: it is over."""
        try:
            ticket = self._ticket(request)
            sound = await self._sound(ticket)
        except _CannotBeHeardError as error:
            words = WORDS[error.status]
            said = words.get(self._office.language(), words["en"])
            return PlainTextResponse(said + "\n", error.status, HEADERS)
        if request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
            log.info("somebody listens by a link", what=str(ticket.kind), address=_address(request))
        return FileResponse(
            sound.path,
            headers=HEADERS,
            media_type=MEDIA_TYPES.get(sound.path.suffix, "application/octet-stream"),
            filename=self._name(ticket, sound),
            stat_result=sound.state,
            content_disposition_type="inline",
        )

    def _ticket(self, request: Request) -> Ticket:
        try:
            return self._office.signer.read(request.path_params["ticket"], now=self._office.clock())
        except ForgedTicketError:
            self._tell(_address(request))
            raise _CannotBeHeardError(403) from None
        except ExpiredTicketError:
            raise _CannotBeHeardError(410) from None

    async def _sound(self, ticket: Ticket) -> _Sound:
        """Return the file that the ticket's row names: nothing of a request is ever part of a path."""
        kept = self._office.messages if ticket.kind is Kept.MESSAGE else self._office.recordings
        found = await kept.by_row(ticket.row)
        if found is None or found.seconds is None:
            raise _CannotBeHeardError(404)
        if found.deleted_at is not None:
            raise _CannotBeHeardError(410)
        try:
            state = await asyncio.to_thread(os.stat, found.path)
        except OSError:
            raise _CannotBeHeardError(404) from None
        if not stat.S_ISREG(state.st_mode):
            raise _CannotBeHeardError(404)
        return _Sound(found.path, found.began_at, state)

    def _name(self, ticket: Ticket, sound: _Sound) -> str:
        """Return how the file is called where somebody saves it."""
        at = sound.began_at.astimezone(self._office.zone())
        return f"{ticket.kind}-{at:%Y-%m-%d-%H-%M-%S}{sound.path.suffix}"

    def _tell(self, address: str) -> None:
        """Log each address that tries once, and not more of them than a log bears."""
        if address not in self._strangers and len(self._strangers) < MOST_STRANGERS:
            self._strangers.add(address)
            log.warning("somebody came by a link to a recording that is not ours", address=address)


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"
