"""Whose handshake counts: datagrams of the far end, of strangers and of the one expected before."""

from __future__ import annotations

import pytest

from media.dtls import Association
from media.endpoint import Address
from media.handshaking import MOST_SOURCES, PATIENCE_S, Handshaking, Parcel
from media.sdp.handshake import Fingerprint, Handshake
from tests.harness.product import until
from tests.media.dtls_peer import certificate, fingerprint_of
from tests.media.peer import mirrored

REMOTE, OTHER = ("192.0.2.1", 4000), ("192.0.2.1", 6000)
ALERT = bytes.fromhex("15fefd0000000000000009") + b"\x00\x02\x02\x28"
"""A handshake_failure in the clear."""
ASTRAY = bytes.fromhex("16fefd0000000000000009") + b"\x00\x05hello"


def ours(*, is_client: bool, remote: Address | None = REMOTE) -> Handshaking:
    """Return our end, which has agreed with who has certificate 1."""
    agreed = Handshake(certificate(0).fingerprint, (mark(1),), is_client=is_client)
    return Handshaking(agreed, certificate(0), remote)


def far_end(number: int = 1, *, is_client: bool) -> Association:
    """Return the far end, or whoever has another certificate."""
    shown = certificate(number)
    return shown.association(Handshake(shown.fingerprint, (mark(0),), is_client=is_client))


def mark(number: int) -> Fingerprint:
    return fingerprint_of(certificate(number).fingerprint)


def carry(handshaking: Handshaking, far: Association, source: Address, flight: list[bytes]) -> None:
    """Carry flights to and fro until nobody has anything to say."""
    while flight:
        parcels = [parcel for datagram in flight for parcel in handshaking.take(datagram, source)]
        flight = heard(far, parcels, at=source)


def heard(far: Association, parcels: list[Parcel], *, at: Address) -> list[bytes]:
    assert {to for _, to in parcels} <= {at}, "who asks is answered, and nobody else"
    return [reply for datagram, _ in parcels for reply in far.take(datagram)]


def test_rfc5764_4_who_waits_has_the_keys_of_whoever_proves_to_be_the_far_end() -> None:
    handshaking, far = ours(is_client=False), far_end(is_client=True)
    assert handshaking.begin(0.0) == []
    carry(handshaking, far, REMOTE, far.begin())
    assert far.keys is not None
    assert handshaking.keys == mirrored(far.keys)
    assert (handshaking.source, handshaking.failure) == (REMOTE, "")


def test_rfc5763_7_1_who_waits_finds_the_far_end_behind_nat_amid_strangers_and_heeds_them_no_more() -> None:
    handshaking, far = ours(is_client=False), far_end(is_client=True)
    handshaking.begin(0.0)
    stranger = far_end(2, is_client=True)
    flight = heard(stranger, handshaking.take(stranger.begin()[0], REMOTE), at=REMOTE)
    carry(handshaking, far, OTHER, far.begin())
    keys = handshaking.keys
    assert (handshaking.source, keys is not None) == (OTHER, True)
    assert [handshaking.take(datagram, REMOTE) for datagram in flight] == [[]] * len(flight)
    assert handshaking.take(far_end(2, is_client=True).begin()[0], ("192.0.2.9", 1)) == []
    assert (handshaking.keys, handshaking.source, handshaking.failure) == (keys, OTHER, "")


def test_so_many_strangers_are_listened_to_at_a_time_and_who_is_expected_always() -> None:
    handshaking = ours(is_client=False)
    handshaking.begin(0.0)
    hello = far_end(2, is_client=True).begin()[0]
    sources = [("192.0.2.1", port) for port in range(7000, 7000 + MOST_SOURCES + 1)]
    answered = [bool(handshaking.take(hello, source)) for source in (*sources, REMOTE)]
    assert answered == [True] * 4 + [False, True]


def test_rfc5763_5_another_certificate_is_believed_of_who_is_expected_alone() -> None:
    handshaking = ours(is_client=False)
    handshaking.begin(0.0)
    for _ in range(2):  # a stranger may begin anew as often as it likes
        stranger = far_end(2, is_client=True)
        carry(handshaking, stranger, OTHER, stranger.begin())
        assert (stranger.keys, handshaking.is_over) == (None, False)
        assert handshaking.why == "its certificate is not the one that its SDP names", "if none comes"
    impostor = far_end(2, is_client=True)
    carry(handshaking, impostor, REMOTE, impostor.begin())
    assert handshaking.failure == handshaking.why == "its certificate is not the one that its SDP names"
    far = far_end(is_client=True)
    assert handshaking.take(far.begin()[0], OTHER) == handshaking.tick(1.0) == []
    assert (handshaking.is_over, handshaking.is_late(99.0)) == (True, False)


def test_what_is_broken_from_where_the_far_end_is_expected_is_no_refusal_as_anybody_may_send_it() -> None:
    handshaking, far = ours(is_client=False), far_end(is_client=True)
    handshaking.begin(0.0)
    handshaking.take(far_end(2, is_client=True).begin()[0], REMOTE)
    handshaking.take(ALERT, REMOTE)
    assert (handshaking.failure, handshaking.why.startswith("the handshake failed: ")) == ("", True)
    carry(handshaking, far, REMOTE, far.begin())
    assert handshaking.keys is not None


def test_a_client_begins_where_the_far_end_is_expected_and_hears_it_from_wherever_it_answers() -> None:
    handshaking, far = ours(is_client=True), far_end(is_client=False)
    parcels = handshaking.begin(0.0)
    assert {to for _, to in parcels} == {REMOTE}
    flight = [reply for datagram, _ in parcels for reply in far.take(datagram)]
    assert handshaking.take(ALERT, OTHER) == [], "anybody may send that"
    carry(handshaking, far, OTHER, flight)
    assert far.keys is not None
    assert (handshaking.keys, handshaking.source) == (mirrored(far.keys), OTHER)


def test_a_client_that_knows_no_address_yet_begins_once_it_does_and_anew_at_another_one() -> None:
    handshaking, far = ours(is_client=True, remote=None), far_end(is_client=False)
    assert handshaking.begin(0.0) == []
    assert [to for _, to in handshaking.turn_to(OTHER, 1.0)] == [OTHER]
    assert handshaking.turn_to(OTHER, 2.0) == [], "it goes on"
    parcels = handshaking.turn_to(REMOTE, 3.0)
    flight = heard(far, parcels, at=REMOTE)
    assert handshaking.take(ALERT, OTHER) == handshaking.take(ASTRAY, OTHER) == []
    carry(handshaking, far, REMOTE, flight)
    assert (handshaking.source, handshaking.failure) == (REMOTE, "")
    assert handshaking.turn_to(OTHER, 4.0) == [], "it is over"


def test_who_waits_begins_nothing_at_another_address_and_knows_the_far_end_there() -> None:
    handshaking, impostor = ours(is_client=False), far_end(2, is_client=True)
    handshaking.begin(0.0)
    assert handshaking.turn_to(OTHER, 1.0) == []
    carry(handshaking, impostor, OTHER, impostor.begin())
    assert handshaking.failure, "it is who is expected now"


def test_a_client_believes_what_ends_its_handshake_where_it_expects_the_far_end() -> None:
    handshaking = ours(is_client=True)
    handshaking.begin(0.0)
    handshaking.take(ALERT, REMOTE)
    assert handshaking.failure.startswith("the handshake failed: ")


def whose_last_flight_is_lost() -> tuple[Handshaking, Association]:
    """Return our end, which has its keys, and the far end, which has not heard it all."""
    handshaking, far = ours(is_client=False), far_end(is_client=True)
    handshaking.begin(0.0)
    flight = far.begin()
    while handshaking.keys is None:
        parcels = [parcel for datagram in flight for parcel in handshaking.take(datagram, REMOTE)]
        flight = [] if handshaking.keys else heard(far, parcels, at=REMOTE)
    return handshaking, far


def test_rfc6347_4_2_4_the_last_flight_is_said_again_for_a_while_to_whom_it_was_lost() -> None:
    answered = []
    for (handshaking, far), waits in zip(
        [whose_last_flight_is_lost() for _ in "ab"], (PATIENCE_S - 0.1, PATIENCE_S), strict=True
    ):
        flight: list[bytes] = []
        until(lambda far=far, flight=flight: flight.extend(far.repeat()) or flight, within=9, what="it asks")
        assert [handshaking.tick(now) for now in (0.2, 9.0, 0.2 + waits)] == [[]] * 3
        answered.append(
            [parcel for datagram in flight for parcel in handshaking.take(datagram, REMOTE)] != []
        )
    assert answered == [True, False]


@pytest.mark.parametrize("is_client", [True, False])
def test_keys_are_late_after_their_time_only_where_there_are_none(is_client: bool) -> None:
    handshaking, far = ours(is_client=is_client), far_end(is_client=not is_client)
    parcels = handshaking.begin(5.0)
    assert [handshaking.is_late(5.0 + PATIENCE_S + late) for late in (-0.1, 0.0)] == [False, True]
    assert handshaking.why == "the far end did not take part in the handshake"
    carry(handshaking, far, REMOTE, far.begin() if not is_client else heard(far, parcels, at=REMOTE))
    assert not handshaking.is_late(99.0)
