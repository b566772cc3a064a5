"""Contacts of people: several each, ending by time, news about who is online."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2bua.registrar.bindings import MAX_CONTACTS, Binding, Bindings, PresenceChange, Why, contact_key
from b2bua.sip.transport.hop import Hop

DESK = Binding(
    person="anna",
    contact_uri="sip:101@192.0.2.10:5060",
    hop=Hop("udp", "198.51.100.1", 40000),
    registered_at=0.0,
    expires_at=3600.0,
    call_id="desk",
    cseq=1,
    user_agent="Linphone/5.2 (Debian)",
)
SOFT = replace(DESK, contact_uri="sip:101@192.0.2.11:5062;transport=tcp", registered_at=5.0, call_id="soft")


def recorded() -> tuple[Bindings, list[PresenceChange]]:
    changes: list[PresenceChange] = []
    return Bindings(on_change=changes.append), changes


def words(changes: list[PresenceChange]) -> list[str]:
    return [change.in_words("Anna") for change in changes]


def test_d3_all_devices_of_a_person_are_live_the_latest_first() -> None:
    bindings, _ = recorded()
    third = replace(DESK, contact_uri="sip:101@192.0.2.12", registered_at=2.0)
    for device in (DESK, SOFT, third):
        bindings.put(device, now=5.0)
    assert bindings.live("anna", now=6.0) == (SOFT, third, DESK)
    assert bindings.live("piotr", now=6.0) == ()


def test_rfc5626_5_3_the_flow_to_a_contact_is_the_one_over_which_it_registered_last() -> None:
    bindings, _ = recorded()
    bindings.put(SOFT, now=5.0)
    moved = replace(SOFT, hop=Hop("tcp", "198.51.100.1", 40001), registered_at=6.0, expires_at=100.0)
    bindings.put(moved, now=6.0)
    assert bindings.flow_to("sip:101@192.0.2.11:5062;TRANSPORT=tcp;ob", now=7.0) == moved.hop
    for other in ("sip:102@192.0.2.11:5062;transport=tcp", "sip:101@192.0.2.11:5062", "tel:+48", "<>"):
        assert bindings.flow_to(other, now=7.0) is None
    assert bindings.flow_to(SOFT.contact_uri, now=100.0) is None
    bindings.put(replace(SOFT, person="piotr"), now=8.0)
    assert bindings.flow_to(SOFT.contact_uri, now=9.0) is None  # whose call would it be?


def test_a_binding_ends_by_time_even_when_nobody_looks_after_it() -> None:
    bindings, changes = recorded()
    bindings.put(DESK, now=0.0)
    assert bindings.is_online("anna", now=3599.9)
    assert not bindings.is_online("anna", now=3600.0)
    assert bindings.next_expiry == 3600.0
    bindings.expire(3600.0)
    assert bindings.next_expiry is None
    assert words(changes) == [
        "Anna's phone is online (Linphone, 198.51.100.1:40000)",
        "Anna's phone is offline (Linphone, 198.51.100.1:40000): did not renew its registration",
    ]


def test_renewing_is_no_news() -> None:
    bindings, changes = recorded()
    bindings.put(DESK, now=0.0)
    bindings.put(replace(DESK, expires_at=7000.0, registered_at=3000.0, cseq=2), now=3000.0)
    assert bindings.is_online("anna", now=6999.0)
    assert [change.why for change in changes] == [Why.REGISTERED]


def test_the_same_instance_from_another_address_is_the_same_phone() -> None:
    bindings, changes = recorded()
    bindings.put(replace(DESK, instance="<urn:uuid:1>"), now=0.0)
    moved = replace(DESK, contact_uri="sip:101@192.0.2.99", instance="<urn:uuid:1>", registered_at=9.0)
    bindings.put(moved, now=9.0)
    assert bindings.live("anna", now=9.0) == (moved,)
    assert len(changes) == 1


def test_the_phone_that_was_silent_longest_makes_room_for_the_eleventh() -> None:
    bindings, changes = recorded()
    for number in range(MAX_CONTACTS + 1):
        device = replace(DESK, contact_uri=f"sip:101@192.0.2.{number}", registered_at=float(number))
        bindings.put(device, now=float(number))
    assert len(bindings.live("anna", now=20.0)) == MAX_CONTACTS
    assert changes[-1].why is Why.CROWDED_OUT
    assert changes[-1].binding.contact_uri == "sip:101@192.0.2.0"


def test_s5_a_silent_phone_is_skipped_until_it_answers_or_registers_again() -> None:
    bindings, changes = recorded()
    bindings.put(DESK, now=0.0)
    bindings.mark_reachable(DESK, now=1.0, is_reachable=False)
    bindings.mark_reachable(DESK, now=2.0, is_reachable=False)
    assert not bindings.is_online("anna", now=2.0)
    assert bindings.registered("anna", now=2.0) == (DESK,)
    bindings.mark_reachable(DESK, now=3.0, is_reachable=True)
    assert bindings.is_online("anna", now=3.0)
    bindings.mark_reachable(DESK, now=4.0, is_reachable=False)
    bindings.put(replace(DESK, cseq=2), now=5.0)
    assert bindings.is_online("anna", now=5.0)
    assert [change.why for change in changes] == [
        Why.REGISTERED,
        Why.SILENT,
        Why.BACK,
        Why.SILENT,
        Why.REGISTERED,
    ]


def test_going_offline_says_how_many_devices_are_left() -> None:
    bindings, changes = recorded()
    bindings.put(DESK, now=0.0)
    bindings.put(SOFT, now=5.0)
    bindings.remove(DESK, now=6.0)
    bindings.remove(DESK, now=6.0)
    assert words(changes)[2:] == [
        "Anna's phone is offline (Linphone, 198.51.100.1:40000): unregistered; 1 other still online"
    ]


def test_a_device_without_a_name_is_called_so() -> None:
    assert replace(DESK, user_agent="").device == "unnamed device, 198.51.100.1:40000"


def test_a_flow_is_known_by_transport_address_and_port() -> None:
    bindings, _ = recorded()
    bindings.put(DESK, now=0.0)
    assert bindings.has_flow(Hop("udp", "198.51.100.1", 40000), now=1.0)
    assert not bindings.has_flow(Hop("udp", "198.51.100.1", 40001), now=1.0)
    assert not bindings.has_flow(Hop("tcp", "198.51.100.1", 40000), now=1.0)
    assert not bindings.has_flow(Hop("udp", "198.51.100.1", 40000), now=3600.0)


def test_a_flow_is_known_from_registration_to_its_end_and_follows_the_phone() -> None:
    bindings, _ = recorded()
    before, after = DESK.hop, Hop("udp", "198.51.100.1", 40002)
    assert not bindings.has_flow(before, now=0.0)
    bindings.put(DESK, now=0.0)
    assert bindings.has_flow(before, now=1.0)
    moved = replace(DESK, hop=after)
    bindings.put(moved, now=1.0)
    assert [bindings.has_flow(hop, now=1.0) for hop in (before, after)] == [False, True]
    bindings.remove(moved, now=2.0)
    assert not bindings.has_flow(after, now=2.0)


def test_the_port_a_phone_listens_on_is_its_flow_too_when_its_address_is_true() -> None:
    bindings, _ = recorded()
    bindings.put(replace(DESK, contact_uri="sip:101@198.51.100.1:5070"), now=0.0)
    assert bindings.has_flow(Hop("udp", "198.51.100.1", 5070), now=1.0)


@pytest.mark.parametrize(
    "same", ["sip:101@HOST.example", "sip:101@host.example;ob", "<sip:101@host.example>"[1:-1]]
)
def test_rfc3261_19_1_4_contacts_are_compared_as_uris(same: str) -> None:
    assert contact_key(same) == contact_key("sip:101@host.example")


@pytest.mark.parametrize(
    "other",
    [
        "sip:101@host.example:5060",
        "sips:101@host.example",
        "sip:102@host.example",
        "sip:101@host.example;transport=tcp",
    ],
)
def test_rfc3261_19_1_4_other_contacts_stay_apart(other: str) -> None:
    assert contact_key(other) != contact_key("sip:101@host.example")


def test_rfc3261_20_10_the_preferred_device_comes_first() -> None:
    bindings, _ = recorded()
    little = replace(SOFT, q="0.2")
    half = replace(DESK, contact_uri="sip:101@192.0.2.12", q="0.5")
    for device in (little, DESK, half):
        bindings.put(device, now=5.0)
    assert bindings.registered("anna", now=6.0) == (DESK, half, little)


def test_rfc3327_the_first_proxy_of_the_path_is_where_the_device_listens() -> None:
    device = replace(DESK, path=("<sip:198.51.100.1:5080;lr>", "<sip:10.9.9.9;lr>"))
    assert device.next_hop == Hop("udp", "198.51.100.1", 5080)
    assert device.route == (("Route", "<sip:198.51.100.1:5080;lr>"), ("Route", "<sip:10.9.9.9;lr>"))
    elsewhere = replace(DESK, path=("<sip:203.0.113.5;lr>",))
    assert elsewhere.next_hop == DESK.hop, "only the flow is proven"


def test_a_phone_whose_connection_is_gone_is_called_at_its_contact() -> None:
    device = replace(
        DESK, hop=Hop("tcp", "192.0.2.10", 40000), contact_uri=DESK.contact_uri + ";transport=tcp"
    )
    assert device.hop_now(lambda _: True) == device.hop
    assert device.hop_now(lambda _: False) == Hop("tcp", "192.0.2.10", 5060)


def test_a_silent_phone_that_ends_is_no_second_news_and_starts_afresh_later() -> None:
    bindings, changes = recorded()
    bindings.put(DESK, now=0.0)
    bindings.mark_reachable(DESK, now=1.0, is_reachable=False)
    bindings.remove(DESK, now=2.0)
    assert [change.why for change in changes] == [Why.REGISTERED, Why.SILENT]
    bindings.put(DESK, now=3.0)
    assert bindings.is_online("anna", now=3.0)
    bindings.mark_reachable(SOFT, now=4.0, is_reachable=False)
    bindings.put(SOFT, now=5.0)
    assert bindings.is_reachable(SOFT)


def test_rfc4007_6_a_link_local_contact_is_on_the_link_where_the_phone_is_heard() -> None:
    heard_at = Hop("udp", "fe80::10%eth0", 40000)
    device = replace(DESK, hop=heard_at, contact_uri="sip:101@[FE80::10]:5070")
    assert device.next_hop == Hop("udp", "fe80::10%eth0", 5070)
    assert not device.is_behind_nat
    other = replace(device, contact_uri="sip:101@[2001:db8::10]:5070")
    assert other.next_hop == heard_at
    assert other.is_behind_nat
