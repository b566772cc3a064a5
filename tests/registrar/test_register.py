"""REGISTER, row D3 and RFC 3261 §10.3."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from b2bua.registrar.authentication import COMPATIBLE, Refused
from b2bua.registrar.bindings import Binding, Bindings, PresenceChange
from b2bua.registrar.register import Answer, Registrar
from b2bua.sip.digest import Credentials
from b2bua.sip.digest import answer as answer_challenge
from b2bua.sip.message import Request
from b2bua.sip.transport.hop import Hop
from tests.registrar.desk import DIRECTORY, FLOW, Desk, challenge_of, gate

CONTACT = ("Contact", "<sip:101@192.0.2.10:5060>")


class Office:
    """A registrar, its bindings and the news they made."""

    def __init__(self, *, lifetime_s: float = 300.0, limit: int = 10) -> None:
        self.changes: list[PresenceChange] = []
        self.bindings = Bindings(on_change=self.changes.append)
        self.registrar = Registrar(
            people=DIRECTORY,
            bindings=self.bindings,
            authentication=gate(self.bindings, lifetime_s=lifetime_s, limit=limit),
            wall_clock=lambda: datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        )

    def answer(self, desk: Desk, request: Request, now: float = 0.0) -> Answer:
        return self.registrar.answer(request, desk.source, now)

    def register(self, desk: Desk, *headers: tuple[str, str], now: float = 0.0) -> Answer:
        """Return the answer after the challenge was met."""
        request = desk.request("REGISTER", *headers)
        return self.answer(desk, desk.answered(request, self.answer(desk, request, now)), now)

    def live(self, person: str = "anna", now: float = 0.0) -> list[str]:
        return [binding.contact_uri for binding in self.bindings.live(person, now)]


def contacts(answer: Answer) -> list[str]:
    return [value for name, value in answer.headers if name == "Contact"]


def test_rfc8760_2_3_the_challenge_offers_sha_256_before_md5() -> None:
    refusal = Office().answer(Desk(), Desk().request("REGISTER", CONTACT))
    algorithms = [value for name, value in refusal.headers if name == "WWW-Authenticate"]
    assert refusal.status == 401
    assert len(algorithms) == 2
    assert "SHA-256" in algorithms[0]
    assert "MD5" in algorithms[1]
    assert all('realm="office.example"' in challenge for challenge in algorithms)


def test_phones_that_choke_on_sha_256_get_one_challenge_unless_the_office_wants_more() -> None:
    bindings = Bindings()
    refusal = gate(bindings, algorithms=COMPATIBLE).check(Desk().request("REGISTER", CONTACT), FLOW, 0.0)
    assert isinstance(refusal, Refused)
    assert ["MD5" in value for _, value in refusal.headers] == [True]


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_the_right_password_binds_the_contact_to_the_flow_it_came_over(algorithm: str) -> None:
    office, desk = Office(), Desk()
    request = desk.request("REGISTER", CONTACT, ("User-Agent", "Linphone/5.2"), ("Expires", "600"))
    refusal = office.answer(desk, request)
    granted = office.answer(desk, desk.answered(request, refusal, algorithm=algorithm))
    assert granted.status == 200
    assert contacts(granted) == ["<sip:101@192.0.2.10:5060>;expires=600"]
    assert ("Date", "Mon, 05 Jan 2026 09:00:00 GMT") in granted.headers
    (binding,) = office.bindings.live("anna", 0.0)
    assert binding.hop == Hop("udp", "198.51.100.1", 40000)
    assert binding.expires_at == 600.0
    assert [change.in_words("Anna") for change in office.changes] == [
        "Anna's phone is online (Linphone, 198.51.100.1:40000)"
    ]


def test_d3_every_device_of_a_person_is_bound_and_each_answer_lists_them_all() -> None:
    office = Office()
    for number in (1, 2, 3):
        desk = Desk(source=Hop("udp", f"198.51.100.{number}", 5060), call_id=f"device-{number}")
        answer = office.register(desk, ("Contact", f"<sip:101@192.0.2.{number}>"), now=float(number))
    assert office.live(now=3.0) == ["sip:101@192.0.2.3", "sip:101@192.0.2.2", "sip:101@192.0.2.1"]
    assert len(contacts(answer)) == 3


def test_rfc3261_10_3_a_query_changes_nothing_and_lists_the_bindings() -> None:
    office, desk = Office(), Desk()
    office.register(desk, CONTACT, ("Expires", "600"))
    answer = office.register(desk, now=100.0)
    assert contacts(answer) == ["<sip:101@192.0.2.10:5060>;expires=500"]


@pytest.mark.parametrize("mistake", ["unknown user", "wrong password"])
def test_a_wrong_password_and_an_unknown_user_look_the_same(mistake: str) -> None:
    office = Office()
    desk = Desk(user="999") if mistake == "unknown user" else Desk(password="guess")
    answer = office.register(desk, CONTACT)
    assert (answer.status, answer.reason, len(answer.headers)) == (401, None, 2)
    assert not challenge_of(answer).is_stale
    assert office.live() == []


def test_whoever_has_no_password_cannot_register_with_an_empty_one() -> None:
    assert Office().register(Desk(user="104", password=""), CONTACT).status == 401


def test_guessing_is_refused_after_some_failures_even_with_the_right_password_then() -> None:
    office = Office(limit=3)
    for _ in range(3):
        assert office.register(Desk(password="guess"), CONTACT).status == 401
    assert office.answer(Desk(), Desk().request("REGISTER", CONTACT), now=1.0).status == 403
    assert office.register(Desk(), CONTACT, now=61.0).status == 200


def test_one_phone_with_a_wrong_password_does_not_lock_out_its_neighbours_behind_the_same_address() -> None:
    office, neighbour = Office(limit=3), Desk(source=Hop("udp", "198.51.100.1", 40001))
    office.register(neighbour, CONTACT)
    for _ in range(5):
        request = Desk().request("REGISTER", CONTACT)
        refusal = office.answer(Desk(), request, now=1.0)
        if refusal.status == 401:
            office.answer(Desk(), Desk(password="guess").answered(request, refusal), now=1.0)
    assert office.answer(Desk(), Desk().request(), now=2.0).status == 403
    assert office.register(neighbour, CONTACT, now=2.0).status == 200


def test_rfc7616_3_3_an_old_nonce_is_called_stale_so_that_the_phone_asks_nobody_for_the_password() -> None:
    office, desk = Office(lifetime_s=30.0), Desk()
    request = desk.request("REGISTER", CONTACT)
    late = desk.answered(request, office.answer(desk, request, now=0.0))
    refusal = office.answer(desk, late, now=100.0)
    assert challenge_of(refusal).is_stale
    assert office.answer(desk, desk.answered(request, refusal), now=100.0).status == 200


def test_nobody_registers_for_somebody_else() -> None:
    office, desk = Office(), Desk()
    request = desk.request("REGISTER", CONTACT)
    request.headers.put("To", "<sip:102@office.example>")
    answer = office.answer(desk, desk.answered(request, office.answer(desk, request)))
    assert answer.status == 403
    assert office.live("piotr") == []


@pytest.mark.parametrize(
    ("asked", "granted"), [("60", 60), ("3600", 3600), ("7200", 3600), ("99999999999", 3600), ("soon", 3600)]
)
def test_the_expiry_is_granted_as_asked_up_to_an_hour(asked: str, granted: int) -> None:
    office = Office()
    office.register(Desk(), CONTACT, ("Expires", asked))
    (binding,) = office.bindings.live("anna", 0.0)
    assert binding.expires_at == granted


@pytest.mark.parametrize("now", [0.0, 696.448, 2263.162, 8134.9382])
def test_rfc3261_10_3_no_second_more_than_asked_is_granted_at_any_time(now: float) -> None:
    answer = Office().register(Desk(), CONTACT, ("Expires", "3600"), now=now)
    assert contacts(answer)[0].endswith(";expires=3600")


def test_rfc3261_10_3_the_contacts_own_expiry_wins_over_the_header() -> None:
    office = Office()
    office.register(Desk(), ("Contact", "<sip:101@192.0.2.10>;expires=90"), ("Expires", "600"))
    assert office.bindings.next_expiry == 90.0


def test_rfc3261_10_3_too_short_an_expiry_is_answered_423_with_the_least() -> None:
    office = Office()
    answer = office.register(Desk(), CONTACT, ("Expires", "59"))
    assert (answer.status, answer.headers) == (423, (("Min-Expires", "60"),))
    assert office.live() == []


def test_expires_0_removes_that_contact_only() -> None:
    office, desk = Office(), Desk()
    office.register(desk, ("Contact", "<sip:101@192.0.2.1>, <sip:101@192.0.2.2>"))
    answer = office.register(desk, ("Contact", "<sip:101@192.0.2.1>;expires=0"))
    assert contacts(answer) == ["<sip:101@192.0.2.2>;expires=3600"]
    assert office.live() == ["sip:101@192.0.2.2"]


def test_rfc3261_10_2_2_a_star_removes_every_contact() -> None:
    office, desk = Office(), Desk()
    office.register(desk, ("Contact", "<sip:101@192.0.2.1>, <sip:101@192.0.2.2>"))
    answer = office.register(desk, ("Contact", "*"), ("Expires", "0"))
    assert (answer.status, contacts(answer)) == (200, [])
    assert office.live() == []


@pytest.mark.parametrize(
    "headers",
    [
        (("Contact", "*"),),
        (("Contact", "*"), ("Expires", "60")),
        (("Contact", "*"), CONTACT, ("Expires", "0")),
        (("Contact", "<mailto:anna@office.example>"),),
    ],
)
def test_rfc3261_10_3_nonsense_is_400_and_changes_nothing(
    headers: tuple[tuple[str, str], ...],
) -> None:
    office, desk = Office(), Desk()
    office.register(desk, CONTACT)
    assert office.register(desk, *headers).status == 400
    assert len(office.live()) == 1


def test_rfc3261_10_3_a_register_that_was_overtaken_fails_as_a_whole() -> None:
    office, desk = Office(), Desk()
    request = desk.request("REGISTER", ("Contact", "<sip:101@192.0.2.9>"), CONTACT)
    late = desk.answered(request, office.answer(desk, request))
    office.register(desk, CONTACT)
    assert office.answer(desk, late).status == 500
    assert office.live() == ["sip:101@192.0.2.10:5060"]


def test_a_phone_that_restarted_comes_with_a_new_call_id_and_may_count_from_one_again() -> None:
    office = Office()
    first = Desk()
    for _ in range(3):
        office.register(first, CONTACT)
    assert office.register(Desk(call_id="after the restart"), CONTACT).status == 200


def test_a_renewal_over_another_flow_moves_the_binding_there() -> None:
    office = Office()
    office.register(Desk(), CONTACT)
    moved = Desk(source=Hop("udp", "198.51.100.1", 50000), call_id="moved")
    office.register(moved, CONTACT, now=1.0)
    (binding,) = office.bindings.live("anna", 1.0)
    assert binding.hop == moved.source
    assert len(office.changes) == 1


def test_q_and_instance_are_kept_and_repeated() -> None:
    contact = '<sip:101@192.0.2.10>;q=0.7;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
    answer = Office().register(Desk(), ("Contact", contact))
    assert "q=0.7" in contacts(answer)[0]
    assert '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"' in contacts(answer)[0]


def test_more_contacts_than_anybody_has_devices_are_refused() -> None:
    many = ", ".join(f"<sip:101@192.0.2.{number}>" for number in range(11))
    assert Office().register(Desk(), ("Contact", many)).status == 403


def test_what_a_contact_says_cannot_break_the_answer() -> None:
    office = Office()
    answer = office.register(Desk(), ("Contact", '<sip:101@192.0.2.10;x=1>;q=1;weird="a,b"'))
    assert contacts(answer) == ["<sip:101@192.0.2.10;x=1>;expires=3600;q=1"]
    assert isinstance(office.bindings.live("anna", 0.0)[0], Binding)


def test_rfc3261_10_3_a_register_with_the_same_cseq_is_as_late_as_one_with_a_lower() -> None:
    office, desk = Office(), Desk()
    office.register(desk, CONTACT)
    (binding,) = office.bindings.live("anna", 0.0)
    request = desk.request("REGISTER", CONTACT)
    again = desk.answered(request, office.answer(desk, request))
    again.headers.put("CSeq", f"{binding.cseq} REGISTER")
    assert office.answer(desk, again).status == 500


def test_rfc7616_3_4_an_answer_that_was_overheard_is_worth_nothing() -> None:
    office, desk = Office(), Desk()
    request = desk.request("REGISTER", CONTACT)
    proven = desk.answered(request, office.answer(desk, request))
    assert office.answer(desk, proven).status == 200
    replayed = office.answer(Desk(source=Hop("udp", "198.18.0.1", 5060)), proven)
    assert challenge_of(replayed).is_stale


def test_rfc7616_3_4_where_nothing_counts_the_answers_each_is_for_one_uri_only() -> None:
    office, desk = Office(limit=1), Desk()
    request = desk.request("REGISTER", CONTACT)
    old = replace(challenge_of(office.answer(desk, request)), qop=())
    credentials = Credentials("101", "demo-101")
    for uri, status in (("sip:elsewhere.example", 400), (request.uri, 200)):
        proof = answer_challenge(old, credentials, method="REGISTER", uri=uri, cnonce="")
        request.headers.put("Authorization", proof)
        assert office.answer(desk, request).status == status  # 400 is no wrong password either


def test_credentials_for_another_realm_are_no_wrong_password() -> None:
    office, desk = Office(limit=1), Desk()
    request = desk.request("REGISTER", CONTACT)
    foreign = replace(challenge_of(office.answer(desk, request)), realm="elsewhere.example")
    credentials = Credentials("101", "demo-101")
    proof = answer_challenge(foreign, credentials, method="REGISTER", uri=request.uri, cnonce="c")
    request.headers.put("Authorization", proof)
    for _ in range(3):
        assert office.answer(desk, request).status == 401


@pytest.mark.parametrize("nonsense", ["Basic abc", "Digest", 'Digest username="101"', "Digest algorithm=X"])
def test_credentials_that_cannot_be_read_are_none(nonsense: str) -> None:
    assert Office().answer(Desk(), Desk().request("REGISTER", ("Authorization", nonsense))).status == 401


def test_what_a_phone_calls_itself_can_be_logged_whatever_it_is() -> None:
    office = Office()
    raw = b"Ph\xffone\x1b[31m" + b"x" * 500
    office.register(Desk(), CONTACT, ("User-Agent", raw.decode("utf-8", "surrogateescape")))
    words = office.changes[0].in_words("Anna")
    assert words.isprintable()
    assert len(words.encode()) < 200


def test_rfc3327_5_3_the_path_is_kept_and_said_back() -> None:
    office, desk = Office(), Desk()
    edge, inner = "<sip:edge@198.51.100.1;lr>", "<sip:10.9.9.9:5080;lr>"
    answer = office.register(desk, CONTACT, ("Path", f"{edge}, {inner}"), ("Supported", "path"))
    assert [value for name, value in answer.headers if name == "Path"] == [f"{edge}, {inner}"]
    [binding] = office.bindings.live("anna", 0.0)
    assert binding.path == (edge, inner)
    assert office.register(desk, CONTACT).status == 200
    assert office.bindings.live("anna", 0.0)[0].path == (), "the way is that of the last REGISTER"


def test_rfc3327_5_3_a_phone_that_knows_no_path_is_bound_by_it_and_told_nothing_of_it() -> None:
    office = Office()
    answer = office.register(Desk(), CONTACT, ("Path", "<sip:192.0.2.8;lr>"))
    assert (answer.status, [value for name, value in answer.headers if name == "Path"]) == (200, [])
    assert office.bindings.live("anna", 0.0)[0].path == ("<sip:192.0.2.8;lr>",)


@pytest.mark.parametrize("to", ["<isbn:2983792873>", "<tel:+48221230001>"])
def test_rfc3261_10_2_rfc4475_3_3_4_only_a_sip_address_can_be_registered(to: str) -> None:
    office = Office()
    request = Desk().request("REGISTER", CONTACT)
    request.headers.put("To", to)
    assert office.registrar.answer(request, FLOW, 0.0).status == 400


@pytest.mark.parametrize("path", ["<tel:+48221234567>", "nonsense", ", ".join(["<sip:192.0.2.1;lr>"] * 6)])
def test_rfc3327_a_path_that_cannot_be_gone_binds_nothing(path: str) -> None:
    office = Office()
    assert office.register(Desk(), CONTACT, ("Path", path)).status == 400
    assert office.live() == []
