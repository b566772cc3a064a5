"""A carrier of several servers, found by SRV: a call goes on at the next one (RFC 3263 §4.3, F13, D11)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call import silence
from b2bua.demo.softphone import Habit
from b2bua.sip.session import IncomingInvite
from tests.harness.dns import nameserver
from tests.harness.office import NUMBER, Office, office

ZONE = {
    ("_sip._udp.carrier.example", "SRV"): [
        "10 0 5090 silent.carrier.example.",
        "20 0 5090 busy.carrier.example.",
        "30 0 5090 works.carrier.example.",
    ],
    ("silent.carrier.example", "A"): ["127.0.0.91"],
    ("busy.carrier.example", "A"): ["127.0.0.92"],
    ("works.carrier.example", "A"): ["127.0.0.93"],
}
MOBILE = """
[[step]]
ring = ["+48600100200"]
for = "20s"
[[step]]
voicemail = "sales"
"""


async def call_answered(story: Office) -> list[str]:
    """Call in, wait for the mobile's answer, hang up; return which servers got the INVITE, in order."""
    since = len(story.network.log)
    call = await story.call_in(NUMBER)
    await call.answered(within=10)
    hosts = [
        packet.destination.host
        for packet in story.network.log[since:]
        if packet.start_line.startswith("INVITE") and packet.destination.port == 5090
    ]
    await call.close()
    return list(dict.fromkeys(hosts))


async def test_rfc3263_4_3_a_call_goes_on_at_the_next_server_after_silence_and_503_and_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENCE_LIMIT_S", 0.3)
    async with nameserver(ZONE) as server:
        host, port = server.address

        def with_carrier(text: str) -> str:
            text = text.replace('host = "127.0.0.1"\nport = 5090', 'host = "carrier.example"')
            return text.replace("[sip]\n", f'[sip]\nnameservers = "{host}:{port}"\n')

        async with office(tmp_path, change=with_carrier, scheme=MOBILE) as story:
            story.network.blackhole("127.0.0.91")
            busy = await story.softphone("busy", 5090, host="127.0.0.92")
            busy.habit = Habit(refuses_with=503)
            works = await story.softphone("works", 5090, host="127.0.0.93")
            works.habit = Habit(answers_after=0.05)
            assert await call_answered(story) == ["127.0.0.91", "127.0.0.92", "127.0.0.93"]
            assert await call_answered(story) == ["127.0.0.93"]
            assert (await story.stories())[-1].outcome == "talked"


async def test_f13_without_dns_the_step_after_a_mobile_begins_within_a_second(tmp_path: Path) -> None:
    async with nameserver(ZONE) as server:
        server.is_silent = True
        host, port = server.address

        def with_carrier(text: str) -> str:
            text = text.replace('host = "127.0.0.1"\nport = 5090', 'host = "carrier.example"')
            return text.replace("[sip]\n", f'[sip]\nnameservers = "{host}:{port}"\n')

        both = MOBILE.replace("]\nfor", ', "+48600100201"]\nfor')
        async with office(tmp_path, change=with_carrier, scheme=both) as story:
            call = await story.call_in(NUMBER)
            async with asyncio.timeout(1.5):  # the second is not looked up again
                await call.answered(within=2)
            await call.close()
            events = (await story.stories())[-1].events
            assert [each.detail for each in events if each.kind == "offline"] == [
                "carrier.example does not resolve: DNS does not answer in time"
            ] * 2


REDIRECTS = (
    ("Contact", "<sip:gone@nowhere.carrier.example:5090>"),
    ("Contact", "<sip:busy@busy.carrier.example:5090>;q=0.9, <sip:works@works.carrier.example:5090>;q=0.8"),
)


@pytest.mark.parametrize("proxy", ["", "127.0.0.94:5090"])
async def test_rfc3261_8_1_3_4_a_302_to_names_is_followed_to_where_dns_says_one_after_another(
    tmp_path: Path, proxy: str
) -> None:
    async with nameserver(ZONE) as server:
        host, port = server.address

        def with_carrier(text: str) -> str:
            by = (
                f'follow-redirects = true\noutbound-proxy = "{proxy}"\n'
                if proxy
                else "follow-redirects = true\n"
            )
            text = text.replace("[trunk.demo-out]\n", f"[trunk.demo-out]\n{by}")
            return text.replace("[sip]\n", f'[sip]\nnameservers = "{host}:{port}"\n')

        async with office(tmp_path, change=with_carrier, scheme=MOBILE) as story:
            seen: list[str] = []

            def send_on(invite: IncomingInvite) -> None:
                seen.append(invite.request.uri)
                refused = invite.request.uri.startswith("sip:busy")
                invite.reject(486) if refused else invite.reject(302, headers=REDIRECTS)

            for at in ("127.0.0.1", "127.0.0.92", "127.0.0.94"):
                (await story.softphone(at, 5090, host=at)).endpoint.on_invite = send_on
            works = await story.softphone("works", 5090, host="127.0.0.93")
            works.habit = Habit(answers_after=0.05)
            call = await story.call_in(NUMBER)
            if not proxy:
                await call.answered(within=10)
                [invite] = story.packets("INVITE", to_port=5090)[-1:]
                assert invite.start_line == "INVITE sip:works@works.carrier.example:5090 SIP/2.0"
                assert len(works.invitations) == 1
                assert seen[1:] == ["sip:busy@busy.carrier.example:5090"]
            else:  # all of it goes by the proxy, not for ever
                await story.until(lambda: len(seen) == 6, within=10)
                assert not works.invitations
            await call.close()
