"""Rows R6-R13 in real time: SIPp is trunk, phones and mobiles; CRM and webhooks have sockets, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness.ports import HOST, free_port
from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import HANGS, WebServer, web_server
from tests.interop.carrier import placed_calls

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
BUSY_MACHINE_S = 0.5
BUDGET_S = 1.5
LONGEST_S = 150
RINGS, LEAVES_MESSAGE = "phone-rings-cancelled.xml", "trunk-leaves-voicemail.xml"
REGION, BACKUP = "+48600111222", "+48600999888"
RESPONSIBLE, MANAGERS = "901", ("902", "903")
FAILURES = {
    "status": ("/status", 0.0, "answered 500"),
    "timeout": ("/hangs", BUDGET_S, "did not answer within 1.5 s"),
    "garbage": ("/garbage", 0.0, "which is no number, extension, person or scheme"),
    "no answer": ("/nothing", 0.0, "named nobody"),
    "refused": ("", 0.0, "refuses connections"),
    "tls": ("https", 0.0, "TLS"),
}
ROUNDS = {30: "+48600111230", 60: "+48600111260"}
"""Seconds that a region rings, and its number."""
KINDS = {
    "login": '{"sip": "904"}',
    "scheme": '{"scheme": "city"}',
    "plain": "905",
    "circle": '{"scheme": "circle"}',
}
"""What is answered, by kind; a circle leads back to the same question."""
NAMED = ("904", "905", "906", "907")
"""Who is reached by these answers, and by the backup."""
FIRST_ROUND, FIRST_KIND, ORDERED = 8, 10, 14
KINDS_OF_RECORD = {"deal": 21, "contact": 22, "company": 23, "lead": 24}
"""In the order in which they are asked for, and who owns all of a kind."""
OWNERS = dict(zip(KINDS_OF_RECORD, ("911", "912", "913", "914"), strict=True))
KNOWN = {kind: f"4850070000{index}" for index, kind in enumerate(KINDS_OF_RECORD)}
"""Callers whom the CRM knows by a record of that kind, and of all that come after it in the order."""
RECORDS = {
    f"/crm/{record}s/{caller}": f'{{"owner": {{"id": {owner}}}}}'
    for index, caller in enumerate(KNOWN.values())
    for record, owner in list(KINDS_OF_RECORD.items())[index:]
}
SAYS: dict[str, str | int] = {
    **RECORDS,
    **{f"/round-{seconds}": region for seconds, region in ROUNDS.items()},
    **{f"/kind-{kind}": said for kind, said in KINDS.items()},
    "/region": f'{{"number": "{REGION}"}}',
    "/status": 500,
    "/hangs": HANGS,
    "/garbage": "<html>It works!</html>",
    "/nothing": "",
    "/crm/contacts/48500600700": '{"owner": {"id": 17}}',
}


def number(index: int) -> str:
    """Return a number of the office."""
    return f"+482212405{index:02d}"


def backup(index: int) -> str:
    """Return the mobile that is the backup of one failing webhook."""
    return f"+4860099970{index}"


def step(scheme: str, *keys: str) -> str:
    return "\n".join((f"[[scheme.{scheme}.step]]", *keys, ""))


def configuration(server: WebServer) -> str:
    """Return the schemes of row R8, of rows R11 to R13, and one for each failure of row R12."""
    people = "".join(
        f'[person.phone-{each}]\nextension = "{each}"\npassword = "demo-{each}"\nmobile = "+48600100{each}"\n'
        + ("crm-user = 17\n" if each == RESPONSIBLE else "")
        for each in (RESPONSIBLE, *MANAGERS)
    )
    people += "".join(
        f'[person.phone-{each}]\nextension = "{each}"\npassword = "demo-{each}"\ncrm-user = {owner}\n'
        for each, owner in zip(OWNERS.values(), KINDS_OF_RECORD.values(), strict=True)
    )
    crm = f'[crm]\nkind = "http"\nurl = "{server.url}/crm"\norder = {json.dumps(list(KINDS_OF_RECORD))}\n'
    crm += "".join(
        f'[crm.find.{kind}]\npath = "/{kind}s/{{digits}}"\nuser = "owner.id"\n' for kind in KINDS_OF_RECORD
    )
    mobiles = ", ".join(f'"mobile of phone-{each}"' for each in MANAGERS)
    chain = step("chain", 'crm = "responsible"') + step("chain", f"ring = {list(MANAGERS)}".replace("'", '"'))
    chain += step("chain", f"ring = [{mobiles}]") + step("chain", 'voicemail = "sales"')
    routed = step("routed", 'webhook = "region"') + step("routed", f'ring = ["{BACKUP}"]', 'for = "30s"')
    routed += step("routed", 'voicemail = "sales"')
    numbers = "".join(
        f'[number."{number(index)}"]\nscheme = "{scheme}"\n'
        for index, scheme in ((0, "chain"), (1, "routed"), (ORDERED, "chain"))
    )
    failing = "".join(_failing(server, index, path) for index, (path, _, _) in enumerate(FAILURES.values()))
    webhook = f'[webhook.region]\nurl = "{server.url}/region"\n'
    rounds = "".join(_round(server, index, seconds) for index, seconds in enumerate(ROUNDS))
    kinds = "".join(_kind(server, index, kind) for index, kind in enumerate(KINDS))
    return people + crm + chain + routed + numbers + failing + webhook + rounds + kinds


def _round(server: WebServer, index: int, seconds: int) -> str:
    """Return a webhook whose region rings so long, and a backup for 2 s."""
    name = f"round-{seconds}"
    steps = step(name, f'webhook = "{name}"') + step(name, f'ring = ["{backup(index + 8)}"]', 'for = "2s"')
    steps += step(name, 'voicemail = "sales"')
    url = f'[webhook.{name}]\nurl = "{server.url}/{name}"\nfor = "{seconds}s"\n'
    return f'[number."{number(FIRST_ROUND + index)}"]\nscheme = "{name}"\n{url}{steps}'


def _kind(server: WebServer, index: int, kind: str) -> str:
    """Return a webhook that names somebody in that way; phone 906 is rung when it fails."""
    extension = {"login": "904", "scheme": "907", "plain": "905"}.get(kind, "906")
    scheme = "circle" if kind == "circle" else f"kind-{kind}"
    steps = step(scheme, f'webhook = "kind-{kind}"') + step(scheme, 'ring = ["906"]')
    steps += step(scheme, 'voicemail = "sales"')
    if kind == "scheme":
        steps += step("city", 'ring = ["907"]')
    person = f'[person.phone-{extension}]\nextension = "{extension}"\npassword = "demo-{extension}"\n'
    url = f'[webhook.kind-{kind}]\nurl = "{server.url}/kind-{kind}"\n'
    return f'[number."{number(FIRST_KIND + index)}"]\nscheme = "{scheme}"\n{url}{steps}{person}'


def _failing(server: WebServer, index: int, path: str) -> str:
    url = f"http://{HOST}:{free_port()}" if not path else f"{server.url}{path}"
    if path == "https":
        url = server.url.replace("http:", "https:")
    scheme = f"failing-{index}"
    steps = step(scheme, f'webhook = "{scheme}"') + step(scheme, f'ring = ["{backup(index)}"]', 'for = "4s"')
    steps += step(scheme, 'voicemail = "sales"')
    return f'[number."{number(index + 2)}"]\nscheme = "{scheme}"\n[webhook.{scheme}]\nurl = "{url}"\n{steps}'


@dataclass(frozen=True, slots=True)
class Played:
    """What is left when all calls are over."""

    callers: list[Sipp]
    outside: Sipp
    calls: dict[str, CallLine]
    owners: Sipp
    """The phone of everybody who owns a record."""
    phones: dict[str, Sipp] = field(default_factory=dict)

    def invited(self, index: int) -> float:
        """Return when a caller called."""
        return self.callers[index].times("INVITE", kind="sent")[0]

    def answered(self, index: int) -> float:
        return self.callers[index].times("SIP/2.0 200")[0] - self.invited(index)

    def rung(self, index: int, of: str) -> float:
        """Return when a number outside was called, after the call came."""
        return self.outside.times(f"INVITE sip:{of}")[0] - self.invited(index)

    def given_up(self, index: int, of: str) -> float:
        return self.outside.times(f"CANCEL sip:{of}")[0] - self.invited(index)


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let all the calls come in within some seconds; return what waits for their end."""
    server = stack.enter_context(web_server(lambda path: SAYS.get(path.partition("?")[0], 404)))
    office = stack.enter_context(Product.running(folder, extra=configuration(server), change=_patient))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    outside = cast.carrier(RINGS, office.outside_port, "-m", str(4 + len(FAILURES) + 2 * len(ROUNDS)))
    phones = {each: cast.phone(RINGS, each) for each in (RESPONSIBLE, *MANAGERS)}
    phones |= {each: cast.phone("phone-answers.xml", each, "-d", "300") for each in NAMED}
    first, *others = OWNERS.values()
    owners = cast.phone("phone-answers.xml", first, "-d", "300", calls=len(OWNERS), also=others)
    known = cast.many_callers([(f"+{caller}", number(ORDERED)) for caller in KNOWN.values()])
    callers: list[Sipp] = []
    for upto, rung_outside in ((2, 1), (FIRST_ROUND, 1 + len(FAILURES)), (FIRST_KIND, 9)):
        callers += [cast.trunk(LEAVES_MESSAGE, number(index)) for index in range(len(callers), upto)]
        _until_rung(
            phones[RESPONSIBLE], outside, rung_outside
        )  # a dozen in the same instant wait for one another
    callers += [
        cast.trunk("trunk-calls-answered.xml", number(FIRST_KIND + index)) for index in range(len(KINDS))
    ]

    def end() -> Played:
        for each in (*callers, *phones.values(), outside, known, owners):
            each.wait()
        calls = {call.dialled: call for call in office.finished_calls(at_least=len(callers) + len(KNOWN))}
        office.assert_log_is_clean()
        return Played(callers, outside, calls, owners, phones)

    return end


def _until_rung(responsible: Sipp, outside: Sipp, count: int) -> None:
    """Wait until somebody is rung for every call so far."""
    until(
        lambda: responsible.times("INVITE") and len(outside.times("INVITE")) >= count,
        within=20,
        what="the callers so far have somebody rung",
    )


def _patient(office: str) -> str:
    """Return the office on a trunk that lets calls ring for long."""
    return office.replace('max-unanswered = "5s"', 'max-unanswered = "120s"')


def test_row_r6_r8_responsible_30_s_managers_20_s_mobiles_20_s_then_voicemail(played: Played) -> None:
    began = played.invited(0)
    responsible = played.phones[RESPONSIBLE]
    assert responsible.times("INVITE")[0] - began < EXACT_S
    assert responsible.times("CANCEL")[0] - began == pytest.approx(30, abs=EXACT_S)
    for extension in MANAGERS:
        phone, mobile = played.phones[extension], f"+48600100{extension}"
        assert phone.times("INVITE")[0] - began == pytest.approx(30, abs=EXACT_S)
        assert phone.times("CANCEL")[0] - began == pytest.approx(50, abs=EXACT_S)
        assert played.rung(0, mobile) == pytest.approx(50, abs=EXACT_S)
        assert played.given_up(0, mobile) == pytest.approx(70, abs=EXACT_S)
    assert played.answered(0) == pytest.approx(70, abs=EXACT_S)
    call = played.calls[number(0)]
    assert call.outcome == "message"
    assert call.story.startswith("the CRM named Phone-901; rang Phone-901 30 s, no answer; ")


@pytest.mark.parametrize("kind", KINDS_OF_RECORD)
def test_row_r7_the_first_record_in_the_order_says_who_is_rung(played: Played, kind: str) -> None:
    [rung] = [
        re.findall(r"^INVITE sip:(\d+)@", invite)
        for _, invite in played.owners.traced("INVITE")
        if f"sip:+{KNOWN[kind]}@" in invite
    ]
    assert rung == [OWNERS[kind]]


def test_row_r10_r11_r13_the_region_rings_45_s_the_backup_30_s_then_voicemail(played: Played) -> None:
    assert played.rung(1, REGION) < EXACT_S
    assert played.given_up(1, REGION) == pytest.approx(45, abs=EXACT_S)
    assert played.rung(1, BACKUP) == pytest.approx(45, abs=EXACT_S)
    assert played.given_up(1, BACKUP) == pytest.approx(75, abs=EXACT_S)
    assert played.answered(1) == pytest.approx(75, abs=EXACT_S)
    assert played.calls[number(1)].outcome == "message"


@pytest.mark.parametrize("seconds", ROUNDS)
def test_row_r11_the_region_is_cancelled_at_the_configured_second(played: Played, seconds: int) -> None:
    index = FIRST_ROUND + list(ROUNDS).index(seconds)
    assert played.rung(index, ROUNDS[seconds]) < EXACT_S
    assert played.given_up(index, ROUNDS[seconds]) == pytest.approx(seconds, abs=EXACT_S)
    assert played.rung(index, backup(index)) == pytest.approx(seconds, abs=EXACT_S)
    assert played.answered(index) == pytest.approx(seconds + 2, abs=EXACT_S)


@pytest.mark.parametrize(
    ("kind", "extension", "words"),
    [
        ("login", "904", "the webhook kind-login named Phone-904"),
        ("plain", "905", "the webhook kind-plain named Phone-905"),
        ("scheme", "907", "the webhook kind-scheme named the scheme city"),
        ("circle", "906", "the webhook sent the caller round in a circle"),
    ],
)
def test_row_r10_a_login_a_scheme_and_a_circle(played: Played, kind: str, extension: str, words: str) -> None:
    index = FIRST_KIND + list(KINDS).index(kind)
    assert played.phones[extension].times("INVITE")[0] - played.invited(index) < EXACT_S + BUSY_MACHINE_S
    call = played.calls[number(index)]
    assert (call.outcome, words in call.story) == ("talked", True), call.story


def test_row_d1_who_is_rung_for_longer_than_a_minute_is_told_so_again_within_60_s(played: Played) -> None:
    for index in (0, 1):
        told = played.callers[index].times("SIP/2.0 180", with_repetitions=True)
        instants = [played.invited(index), *told, played.callers[index].times("SIP/2.0 200")[0]]
        assert len(told) > 1
        assert max(later - earlier for earlier, later in pairwise(instants)) <= 60


@pytest.mark.parametrize("failure", FAILURES)
def test_row_r12_each_way_to_fail_reaches_the_backup_within_the_budget(played: Played, failure: str) -> None:
    index = list(FAILURES).index(failure)
    _, after, words = FAILURES[failure]
    assert played.rung(index + 2, backup(index)) == pytest.approx(after + 0.2, abs=EXACT_S)
    call = played.calls[number(index + 2)]
    assert call.outcome == "message"
    assert words in call.story


# --- many at once ------------------------------------------------------------------------------------------

CALLS = 40
HANGING = """
[number."+48221240520"]
scheme = "hanging"
[[scheme.hanging.step]]
webhook = "hanging"
[[scheme.hanging.step]]
echo = true
"""


async def test_row_r12_40_calls_at_once_to_a_server_that_hangs_wait_for_the_budget_alone(
    tmp_path: Path,
) -> None:
    with web_server(lambda _: HANGS) as server:
        webhook = f'[webhook.hanging]\nurl = "{server.url}"\n'
        with Product.running(tmp_path, extra=HANGING + webhook) as office:
            async with placed_calls(office, "+48221240520", CALLS) as placed:
                for call in placed:
                    await call.answered(within=20)
                waited = [call.statuses[-1][0] - call.statuses[0][0] for call in placed]
            assert {call.statuses[0][1] for call in placed} == {180}
            assert BUDGET_S - BUSY_MACHINE_S < min(waited) <= max(waited) < BUDGET_S + BUSY_MACHINE_S
            assert len(server.asked) == CALLS
            office.finished_calls(of="+48221240520", at_least=CALLS)
            office.assert_log_is_clean()
