"""Far ends whose SDP has a name where others have an address (RFC 8866 §5.7)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.sip.transport.hop import Hop
from b2bua.store.calls import CallOutcome
from media.commands import Tone
from tests.calls.offers import again
from tests.harness.dns import DnsServer, nameserver
from tests.harness.office import NUMBER, SERVER, TO_ANNA, Office, office
from tests.harness.prompts import Ears

MEDIA, GROUP, NOWHERE = "media.carrier.example", "group.carrier.example", "nowhere.carrier.example"
ZONE = {(MEDIA, "A"): ["127.0.0.2"], (GROUP, "A"): ["224.0.0.1"]}


def let_far_ends_say(name: str, story: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put ``name`` in the place of the address into each SDP that comes to the office."""
    carry = story.network.carry

    def rename(wire: bytes, source: Hop, destination: Hop) -> None:
        head, blank, body = wire.partition(b"\r\n\r\n")
        if body and destination == SERVER:
            body = re.sub(rb"(?m)^c=IN IP4 127\.0\.0\.2", b"c=IN IP4 " + name.encode(), body)
            assert name.encode() in body
            length = b"Content-Length: %d" % len(body)
            head = re.sub(rb"(?im)^Content-Length: \d+", length, head)
        carry(head + blank + body, source, destination)

    monkeypatch.setattr(story.network, "carry", rename)


@asynccontextmanager
async def office_with_names(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, answers_after: float = 0.05
) -> AsyncIterator[tuple[Office, Softphone, DnsServer]]:
    async with nameserver(ZONE) as dns:

        def ask(text: str) -> str:
            return text.replace("[sip]\n", f'[sip]\nnameservers = "{dns.address[0]}:{dns.address[1]}"\n')

        async with office(folder, change=ask, scheme=TO_ANNA) as story:
            anna = await story.phone("101", Habit(answers_after=answers_after))
            let_far_ends_say(name, story, monkeypatch)
            yield story, anna, dns


async def both_hear(story: Office, anna: Softphone) -> tuple[Leg, Leg]:
    """Return the legs of a caller and of Anna's phone, once they talk."""
    caller = await (await story.call_in(NUMBER)).answered(within=10)
    phone = (await anna.invited(within=5)).leg
    ears = Ears(story.rtp, lambda: story.now)
    for leg in (caller, phone):
        leg.loop([Tone((500.0,), 1.0)])
    for leg in (caller, phone):
        await ears.until_tone(leg.media, 500.0, within=10)
    return caller, phone


async def test_rfc8866_5_7_sound_goes_where_dns_says_that_the_host_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office_with_names(MEDIA, tmp_path, monkeypatch) as (story, anna, dns):
        caller, _ = await both_hear(story, anna)
        assert dns.asked[MEDIA, "A"] == 1
        caller.hang_up()
        (call,) = await story.stories()
        assert call.outcome is CallOutcome.TALKED


async def test_a_caller_whose_talk_ends_as_the_host_of_the_other_is_gone_is_owed_a_call_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office_with_names(MEDIA, tmp_path, monkeypatch) as (story, anna, dns):
        dns.ttl = 0
        _, phone = await both_hear(story, anna)
        dns.zone.clear()
        await again(phone, "sendrecv")
        (call,) = await story.stories()
        assert (call.outcome, call.why) == (CallOutcome.PROMISE, "the sound was lost")


@pytest.mark.parametrize("name", [GROUP, NOWHERE])
async def test_a_caller_whose_sound_cannot_be_sent_anywhere_is_refused_and_owed_a_call_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office_with_names(name, tmp_path, monkeypatch, answers_after=60) as (story, _, _):
        with pytest.raises(CallRefused, match="488"):
            await (await story.call_in(NUMBER)).answered(within=10)
        (call,) = await story.stories()
        assert call.outcome is CallOutcome.PROMISE
