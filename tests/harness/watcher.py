"""A phone that watches something: subscribes, answers NOTIFYs, remembers what they said."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from b2bua.demo.softphone import Softphone
from b2bua.sip.authorization import Authorizer
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.asking import DialogRequest
from tests.harness.office import SERVER, Office

NAMESPACE = "{urn:ietf:params:xml:ns:dialog-info}"


@dataclass(frozen=True)
class Told:
    """One NOTIFY."""

    at: float
    request: Request

    @property
    def state(self) -> str:
        """Return Subscription-State."""
        return self.request.headers.get("Subscription-State") or ""

    @property
    def messages(self) -> tuple[int, int]:
        """Return new and old messages of a message summary."""
        found = re.search(rb"^Voice-Message: (\d+)/(\d+)", self.request.body, re.MULTILINE)
        assert found is not None, self.request.body
        return int(found[1]), int(found[2])

    @property
    def is_lit(self) -> bool:
        """Return whether the lamp is to be on."""
        return b"Messages-Waiting: yes\r\n" in self.request.body

    @property
    def document(self) -> ElementTree.Element:
        """Return the root of a dialog-info document."""
        return ElementTree.fromstring(self.request.body)

    @property
    def dialogs(self) -> list[ElementTree.Element]:
        """Return its dialogs that are not over."""
        found = self.document.findall(f"{NAMESPACE}dialog")
        return [one for one in found if one.findtext(f"{NAMESPACE}state") != "terminated"]

    @property
    def states(self) -> list[str]:
        """Return the states of its dialogs that are not over."""
        return [one.findtext(f"{NAMESPACE}state") or "" for one in self.dialogs]


class Watching:
    """One subscription, the subscriber's side."""

    def __init__(self, phone: Softphone, credentials: Credentials | None, event: str) -> None:
        self.told: list[Told] = []
        self.answers_with: int | None = 200
        """To each NOTIFY; None: not at all."""
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._phone = phone
        self._credentials = credentials
        self._event = event
        self._dialog: Dialog | None = None
        self._heard = asyncio.Event()

    def start(self, target: str, lines: tuple[tuple[str, str], ...]) -> None:
        endpoint = self._phone.endpoint
        authorizer = Authorizer(self._credentials, endpoint.new_token)
        user = self._credentials.username if self._credentials is not None else "stranger"
        contact = endpoint.contact(SERVER, user)
        headers = Headers(
            [
                ("Max-Forwards", "70"),
                ("From", f"<sip:{user}@{SERVER.host}>;tag={endpoint.new_token()}"),
                ("To", f"<{target}>"),
                ("Call-ID", endpoint.new_token()),
                ("CSeq", "1 SUBSCRIBE"),
                ("Contact", contact),
                ("Event", self._event),
                *lines,
            ]
        )

        def send(request: Request) -> None:
            endpoint.send_request(request, SERVER, lambda response: take(request, response))

        def take(request: Request, response: Response) -> None:
            again = authorizer.retry(request, response)
            if again is not None:
                send(again)
            elif response.status >= 200:
                if response.status < 300:
                    self._dialog = Dialog.from_response(request, response, hop=SERVER, contact=contact)
                    endpoint.open_dialog(self._dialog, self)
                self.response.set_result(response)

        send(Request("SUBSCRIBE", target, headers))

    async def refresh(self, *lines: tuple[str, str]) -> Response:
        """Send another SUBSCRIBE in the dialog and return the answer."""
        assert self._dialog is not None
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(_: Request, response: Response) -> None:
            if response.status >= 200 and not answer.done():
                answer.set_result(response)

        asking = DialogRequest(
            self._phone.endpoint, self._dialog, credentials=self._credentials, on_response=take
        )
        headers = (("Event", self._event), ("Contact", self._dialog.contact), *lines)
        asking.send("SUBSCRIBE", headers=headers)
        return await answer

    async def stop(self) -> None:
        """Unsubscribe, and wait for the last NOTIFY."""
        count = len(self.told)
        await self.refresh(("Expires", "0"))
        await self.until(lambda: len(self.told) > count, within=5)

    async def until(self, condition: object, *, within: float) -> Told:
        """Return the latest NOTIFY once ``condition()`` holds."""
        assert callable(condition)
        async with asyncio.timeout(within):
            while not condition():
                self._heard.clear()
                await self._heard.wait()
        return self.told[-1]

    async def next(self, *, within: float) -> Told:
        """Return the NOTIFY after those that came by now."""
        count = len(self.told)
        await self.until(lambda: len(self.told) > count, within=within)
        return self.told[count]

    @property
    def last(self) -> Told:
        """Return the latest NOTIFY."""
        return self.told[-1]

    def on_request(self, server: ServerRequest) -> None:
        if self.answers_with is None:
            return
        server.respond(self.answers_with)
        self.told.append(Told(asyncio.get_running_loop().time(), server.request))
        self._heard.set()

    def on_ack(self, _request: Request) -> None: ...

    def on_late_answer(self, _response: Response) -> None: ...

    def close(self) -> None: ...


async def watch(
    phone: Softphone,
    extension: str,
    event: str,
    *lines: tuple[str, str],
    target: str = "",
    password: str | None = None,
) -> Watching:
    """Let ``phone``, which belongs to ``extension``, subscribe to itself or ``target``."""
    credentials = Credentials(extension, password or f"demo-{extension}")
    watching = Watching(phone, credentials, event)
    watching.start(f"sip:{target or extension}@{SERVER.host}", lines)
    await watching.response
    return watching


async def lamp(demo: Office, extension: str, event: str, target: str = "") -> Watching:
    """Return the running subscription of the registered phone ``extension``, its first NOTIFY come."""
    watching = await watch(demo.phones[extension], extension, event, target=target)
    assert watching.response.result().status == 200
    await watching.until(lambda: watching.told, within=5)
    return watching
