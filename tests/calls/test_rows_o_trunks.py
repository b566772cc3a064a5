"""Rows O7, O8 and the echo number: trunks by address and by registration, outward and inward."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import requires
from itertools import pairwise
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.sip.digest import Authorization, Challenge, verify
from b2bua.sip.endpoint import ServerRequest
from b2bua.sip.message import Request
from b2bua.sip.session import IncomingInvite
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from b2bua.trunk.registration import RegistrationState
from media.client import Tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import CALLER, NUMBER, SERVER, Office, office
from tests.harness.prompts import marked_office, names

PROVIDER = Hop("udp", "203.0.113.9", 5060)
ACCOUNT = "48221230001"
PASSWORD = "carrier-secret"
REALM = "carrier.example"
OUR_NUMBER = "+48221230001"
MOBILE = "+48600100200"
VOICE_HZ = 700.0
REGISTERED = f"""
[trunk.provider]
registrar = "{PROVIDER.host}:{PROVIDER.port}"
username = "{ACCOUNT}"
password = "{PASSWORD}"
number = "{OUR_NUMBER}"
expires = "60s"
"""


class Provider:
    """A carrier that knows its customers by digest alone."""

    def __init__(self, phone: Softphone, account: str = ACCOUNT) -> None:
        self.phone = phone
        self.account = account
        self.contact = ""
        self.service_route = ""
        self.registered_at: list[float] = []
        self.refused: list[str] = []
        self._take = phone.endpoint.on_invite
        self._count = 0
        phone.endpoint.on_request = self._registered
        phone.endpoint.on_invite = self._invited

    def _challenge(self) -> str:
        self._count += 1
        return str(Challenge(realm=REALM, nonce=f"nonce-{self._count}"))

    def _is_proven(self, request: Request, header: str) -> bool:
        text = request.headers.get(header)
        if text is None:
            self.refused.append(request.method)
            return False
        authorization = Authorization.parse(text)
        assert authorization.username == self.account
        return authorization.nonce == f"nonce-{self._count}" and verify(
            authorization, request.method, password=PASSWORD
        )

    def _registered(self, server: ServerRequest) -> None:
        request = server.request
        if not self._is_proven(request, "Authorization"):
            server.respond(401, headers=(("WWW-Authenticate", self._challenge()),))
            return
        assert request.contact is not None
        self.contact = str(request.contact.uri)
        self.registered_at.append(asyncio.get_running_loop().time())
        granted = request.headers.get("Expires") or "60"
        lines = [("Contact", f"<{self.contact}>;expires={granted}")]
        if self.service_route:
            lines.append(("Service-Route", self.service_route))
        server.respond(200, headers=lines)

    def _invited(self, invite: IncomingInvite) -> None:
        if self._is_proven(invite.request, "Proxy-Authorization"):
            assert self._take is not None
            self._take(invite)
        else:
            invite.reject(407, headers=(("Proxy-Authenticate", self._challenge()),))


@asynccontextmanager
async def office_at_a_provider(
    folder: Path, *, account: str = ACCOUNT
) -> AsyncIterator[tuple[Office, Provider]]:
    """Run the demo office as a customer of a provider, through which its outward calls go too."""

    def change(text: str) -> str:
        registered = REGISTERED.replace(f'username = "{ACCOUNT}"', f'username = "{account}"')
        return text.replace('default-trunk = "demo-out"', 'default-trunk = "provider"') + registered

    async with office(folder, change=change) as demo:
        provider = Provider(await demo.softphone("provider", PROVIDER.port, host=PROVIDER.host), account)
        await demo.until(lambda: bool(provider.contact), within=90)
        yield demo, provider


@virtual_time(limit_s=900)
async def test_row_o8_registers_by_digest_and_goes_on_registering(tmp_path: Path) -> None:
    async with office_at_a_provider(tmp_path) as (demo, provider):
        (registration,) = demo.server.trunks.registrations
        await demo.until(lambda: registration.state is RegistrationState.REGISTERED, within=1)
        await asyncio.sleep(300)
        assert 5 <= len(provider.registered_at) <= 8
        assert all(40 <= later - earlier < 60 for earlier, later in pairwise(provider.registered_at))
        assert OUR_NUMBER not in provider.contact


@virtual_time(limit_s=900)
@pytest.mark.parametrize("to", [OUR_NUMBER, ACCOUNT, "221230001"])
async def test_row_o8_a_call_to_the_registered_contact_arrives_at_the_number_of_its_to(
    to: str, tmp_path: Path
) -> None:
    async with office_at_a_provider(tmp_path) as (demo, provider):
        anna = await demo.phone("101", Habit(answers_after=1.0))
        placed = await provider.phone.call(
            SERVER, to, from_number=CALLER, uri=provider.contact, to=SipUri(to, REALM)
        )
        caller = await placed.answered(within=3)
        assert [status for _, status in placed.statuses] == [180, 200]
        await asyncio.sleep(2)
        assert anna.invitations[0].leg.is_answered
        caller.hang_up()
        (only,) = await demo.stories()
        assert (only.call.trunk, only.call.dialled, only.call.caller) == ("provider", OUR_NUMBER, CALLER)
        assert only.outcome is CallOutcome.TALKED


@virtual_time(limit_s=900)
async def test_row_o8_a_call_out_through_the_provider_answers_its_407(tmp_path: Path) -> None:
    async with office_at_a_provider(tmp_path) as (demo, provider):
        provider.phone.habit = Habit(answers_after=2.0)
        anna = await demo.phone("101", Habit())
        placed = await demo.call_from(anna, "101", MOBILE)
        leg = await placed.answered(within=5)
        assert provider.refused[-1] == "INVITE"
        (taken,) = provider.phone.invitations
        request = taken.invite.request
        assert request.uri == f"sip:{MOBILE}@{PROVIDER.authority}"
        assert request.from_.uri.user == OUR_NUMBER
        await asyncio.sleep(0.5)
        recording = taken.leg.media.record(tmp_path / "carrier.wav")
        await leg.play([Tone((VOICE_HZ,), 2.0)])
        hearing = Hearing.of_file((await recording.stop()).path)
        assert [span.seconds for span in hearing.spans_of(VOICE_HZ)] == [pytest.approx(2.0, abs=0.1)]
        assert hearing.clipping() == []
        leg.hang_up()
        await demo.stories()


@virtual_time(limit_s=900)
async def test_row_o8_rfc3608_5_a_call_out_goes_by_the_service_route_of_the_registrar_while_it_names_one(
    tmp_path: Path,
) -> None:
    async with office_at_a_provider(tmp_path) as (demo, provider):
        edge = await demo.softphone("edge", 5070, host="203.0.113.10")
        edge.habit = provider.phone.habit = Habit(answers_after=0.5)
        anna = await demo.phone("101", Habit())
        for route, taken_by in (("<sip:orig@203.0.113.10:5070;lr>", edge), ("", provider.phone)):
            provider.service_route = route
            renewed = len(provider.registered_at)
            await demo.until(lambda count=renewed: len(provider.registered_at) > count, within=70)
            await asyncio.sleep(0.1)
            leg = await (await demo.call_from(anna, "101", MOBILE)).answered(within=5)
            request = taken_by.invitations[-1].invite.request
            assert request.uri == f"sip:{MOBILE}@{PROVIDER.authority}"
            assert request.headers.all("Route") == ([route] if route else [])
            leg.hang_up()
            await demo.stories()
        assert (len(edge.invitations), len(provider.phone.invitations)) == (1, 1)


@virtual_time(limit_s=900)
async def test_row_o8_a_backup_number_rings_through_the_provider(tmp_path: Path) -> None:
    async with office_at_a_provider(tmp_path) as (demo, provider):
        provider.phone.habit = Habit(answers_after=2.0)
        began = demo.now
        placed = await provider.phone.call(
            SERVER, OUR_NUMBER, from_number=CALLER, uri=provider.contact, to=SipUri(OUR_NUMBER, REALM)
        )
        caller = await placed.answered(within=5)
        assert demo.now - began < 3, "nobody is registered: the mobile rings at once"
        await asyncio.sleep(2)
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.TALKED


@virtual_time(limit_s=900)
async def test_row_o8_a_provider_who_calls_us_by_the_name_of_our_account_means_our_number(
    tmp_path: Path,
) -> None:
    async with office_at_a_provider(tmp_path, account="acme-7") as (demo, provider):
        await demo.phone("101", Habit(answers_after=1.0))
        for to in (SipUri("acme-7", REALM), SipUri(OUR_NUMBER, REALM), SipUri.parse(str(provider.contact))):
            placed = await provider.phone.call(
                SERVER, OUR_NUMBER, from_number=CALLER, uri=provider.contact, to=to
            )
            caller = await placed.answered(within=5)
            caller.hang_up()
            await demo.stories()
        stories = await demo.stories()
        assert [one.call.dialled for one in stories] == [OUR_NUMBER] * 3
        assert all("talked with Anna Nowak" in story(one) for one in stories)


OTHER_PBX = f"sip:201@{PROVIDER.authority}"
AT_ANOTHER_PBX = REGISTERED.replace("number =", "# number =").replace("provider]", "other-pbx]")
OTHER_PBX_THEN_BACKUP = f"""
[[step]]
ring = ["{OTHER_PBX}"]
for = "30s"

[[step]]
ring = ["+48600999888"]
for = "30s"

[[step]]
voicemail = "sales"
"""


@asynccontextmanager
async def office_with_another_pbx(folder: Path, more: str = "") -> AsyncIterator[tuple[Office, Provider]]:
    """Run the demo office with an account in another PBX, of which ``more`` says more."""
    scheme, change = OTHER_PBX_THEN_BACKUP, lambda text: text + AT_ANOTHER_PBX + more
    async with office(folder, scheme=scheme, change=change) as demo:
        pbx = Provider(await demo.softphone("another PBX", PROVIDER.port, host=PROVIDER.host))
        await demo.until(lambda: bool(pbx.contact), within=90)
        yield demo, pbx


@virtual_time(limit_s=900)
async def test_row_f10_an_account_in_another_pbx_is_a_step_which_meets_its_challenge(tmp_path: Path) -> None:
    async with office_with_another_pbx(tmp_path) as (demo, pbx):
        pbx.phone.habit = Habit(answers_after=2.0)
        caller = await (await demo.call_in(NUMBER)).answered(within=4)
        assert pbx.refused[-1] == "INVITE"
        (taken,) = pbx.phone.invitations
        request = taken.invite.request
        assert (request.uri, request.from_.uri.user) == (OTHER_PBX, ACCOUNT)
        assert request.from_.display == CALLER
        caller.hang_up()
        (only,) = await demo.stories()
        assert story(only).startswith(f"talked with {OTHER_PBX} for ")


@virtual_time(limit_s=900)
async def test_row_f10_another_pbx_that_has_no_codec_of_ours_leads_on_to_the_backup(
    tmp_path: Path,
) -> None:
    async with office_with_another_pbx(tmp_path) as (demo, pbx):
        pbx.phone.habit = Habit(refuses_with=488)
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        began = demo.now
        await (await demo.call_in(NUMBER)).answered(within=4)
        assert mobiles.invitations[0].at - began < 1


@virtual_time(limit_s=900)
async def test_row_f10_another_pbx_that_is_off_leads_on_to_the_backup_at_once(tmp_path: Path) -> None:
    async with office_with_another_pbx(tmp_path) as (demo, pbx):
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        await pbx.phone.close()
        began = demo.now
        await (await demo.call_in(NUMBER)).answered(within=4)
        assert mobiles.invitations[0].at - began < 1


@virtual_time(limit_s=900)
async def test_row_f10_another_pbx_is_called_as_its_trunk_says_with_its_codecs_its_keys_and_recorded(
    tmp_path: Path,
) -> None:
    more = 'codecs = ["PCMU"]\ndtmf = "inband"\n[recording]\nannouncement = ""\ntrunks = ["other-pbx"]\n'
    async with office_with_another_pbx(tmp_path, more) as (demo, pbx):
        pbx.phone.habit = Habit(answers_after=1.0)
        caller = await (await demo.call_in(NUMBER)).answered(within=4)
        (taken,) = pbx.phone.invitations
        assert b" RTP/AVP 0 101\r\n" in taken.invite.request.body
        recording = taken.leg.media.record(tmp_path / "pbx.wav")
        caller.media.send_digits("5")
        await asyncio.sleep(2)
        assert Hearing.of_file((await recording.stop()).path).keys() == "5"
        caller.hang_up()
        (only,) = await demo.stories()
        assert len(await demo.server.store.recordings.of_call(only.call.call_id)) == 1


@virtual_time(limit_s=900)
async def test_row_f11_another_pbx_that_nobody_answers_is_cancelled_at_30_s_and_the_backup_rings(
    tmp_path: Path,
) -> None:
    async with office_with_another_pbx(tmp_path) as (demo, pbx):
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        began = demo.now
        await demo.call_in(NUMBER)
        backup = await mobiles.invited(within=35)
        (rung,) = pbx.phone.invitations
        assert rung.at - began < 0.5
        assert demo.times("CANCEL", to_port=PROVIDER.port, since=began) == [pytest.approx(30.0, abs=0.5)]
        assert backup.at - began == pytest.approx(30.0, abs=0.7)


@virtual_time(limit_s=900)
@pytest.mark.parametrize(("host", "is_ours"), [("127.9.8.7", True), ("198.51.100.4", False)])
async def test_row_o8_a_trunk_by_address_and_strangers(host: str, is_ours: bool, tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        trunk = await demo.softphone("carrier", 5060, host=host)
        placed = await trunk.call(SERVER, "+48221230005", from_number=CALLER)
        if is_ours:
            (await placed.answered(within=1)).hang_up()
            await demo.stories()
            return
        with pytest.raises(CallRefused, match="403"):
            await placed.answered(within=1)
        assert await demo.server.store.journal.calls(limit=10) == []


def test_row_o7_needs_no_other_telephone_system() -> None:
    others = {"asterisk", "ari", "panoramisk", "pjsua2", "pjsua", "aiosip", "sippy", "ESL", "freeswitch"}
    assert not others & set(sys.modules)
    wanted = {line.split()[0].partition("[")[0].partition(">")[0] for line in requires("b2bua") or ()}
    assert not others & wanted


@virtual_time(limit_s=300)
async def test_the_echo_number_says_connected_and_then_returns_the_voice(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await (await demo.call_in("+48221230007")).answered(within=0.5)
        await ears.until_prompt(caller.media, "connected", within=0.5)
        await asyncio.sleep(6)
        spoke = demo.now
        assert ears.tone(caller.media, VOICE_HZ) == []
        await caller.play([Tone((VOICE_HZ,), 3.0)])
        await asyncio.sleep(0.5)
        returned = ears.tone(caller.media, VOICE_HZ)
        assert returned[0] - spoke < 0.1
        assert len(returned) * 0.02 == pytest.approx(3.0, abs=0.1)
        assert names(ears.heard(caller.media)) == ["connected"]
        caller.hang_up()
        (told,) = await demo.stories()
        assert told.outcome is CallOutcome.SELF_SERVED
