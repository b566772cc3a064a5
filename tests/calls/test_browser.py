"""A phone in a browser, which registers by WebSocket from a host that does not exist (RFC 7118)."""

from __future__ import annotations

from pathlib import Path

from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.stream import StreamTransport
from tests.harness.office import office

NOWHERE = "d93jslq0.invalid"


async def test_rfc7118_5_a_browser_is_a_phone_like_any_other_until_its_page_is_closed(tmp_path: Path) -> None:
    async with office(tmp_path) as story:
        server = await story.server.endpoint.listen_stream("ws", "127.0.0.1", 0)
        endpoint = SipEndpoint(user_agent="browser")
        local = endpoint.attach(StreamTransport("ws", local=Hop("ws", NOWHERE, 5060)))
        browser = Softphone("browser", endpoint, story.peers, local)
        browser.habit = Habit(answers_after=0.05)
        contact = f"<sip:k3j2@{NOWHERE};transport=ws>"
        assert (await browser.register(server, "101", "demo-101", contact=contact)).status == 200

        piotr = await story.phone("102", Habit(answers_after=0.05))
        inward = await story.call_from(piotr, "102", "101")
        await inward.answered(within=5)
        invite = (await browser.invited(within=1)).invite.request
        assert invite.uri == f"sip:k3j2@{NOWHERE};transport=ws"
        assert invite.via.transport == "WS"
        await inward.close()

        outward = await browser.call(
            server, "102", from_number="101", credentials=Credentials("101", "demo-101")
        )
        await outward.answered(within=5)
        await outward.close()

        await browser.close()
        await endpoint.close()
        started = story.now
        voicemail = await story.call_from(piotr, "102", "101")
        await voicemail.answered(within=5)
        assert story.now - started < 1
        await voicemail.close()
        rang = (await story.stories())[-1].events[0]
        assert (rang.who, rang.detail) == ("Anna Nowak", "did not respond")
