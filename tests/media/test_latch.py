"""Whose packets count, packet by packet: the far end's, wherever it is, and nobody else's for long."""

from __future__ import annotations

import pytest

from media.endpoint import FAR_PROBATION, FAR_PROBATION_S, MOST_CANDIDATES, PROBATION, TRIAL_S, Address, Latch

AGREED, OTHER_PORT = ("192.0.2.1", 4000), ("192.0.2.1", 6000)
PHONE, PHONE_LATER = ("203.0.113.9", 61000), ("203.0.113.9", 61001)
STRANGER, ANOTHER = ("198.51.100.6", 4000), ("198.51.100.7", 4000)
FRAME_S = 0.02


def latch(expected: Address = AGREED, *, is_nat: bool = False) -> Latch:
    """Return what expects a far end, whose signalling comes from where `PHONE` is."""
    made = Latch()
    assert made.expect(expected, allows_nat=is_nat, peer_host=PHONE[0])
    return made


def speak(made: Latch, source: Address, packets: int, *, since: float = 0.0) -> list[bool]:
    """Return which packets count of so many in real pace."""
    return [made.admits(source, since + number * FRAME_S) for number in range(packets)]


def test_who_is_agreed_on_counts_at_once_and_nobody_can_take_its_place() -> None:
    made = latch(is_nat=True)
    assert (made.targets, made.is_sure_of(AGREED)) == ((), False)
    assert made.admits(AGREED, 0.0)
    assert (made.source, made.targets, made.is_sure_of(AGREED)) == (AGREED, (AGREED,), True)
    for source in (OTHER_PORT, PHONE, STRANGER):
        assert not any(speak(made, source, 2 * FAR_PROBATION, since=1.0))
        assert not made.is_sure_of(source)
    assert (made.source, made.strangers) == (AGREED, 6 * FAR_PROBATION)


def test_rfc4961_another_port_counts_after_so_many_packets_and_so_long_and_is_on_trial_for_ever() -> None:
    made = latch()
    assert not any(made.admits(OTHER_PORT, 0.0) for _ in range(3 * FAR_PROBATION)), "a flood is no proof"
    assert not made.admits(OTHER_PORT, FAR_PROBATION_S - 0.01)
    assert made.admits(OTHER_PORT, FAR_PROBATION_S)
    assert made.targets == (AGREED, OTHER_PORT), "who listens at the one agreed on hears us, too"
    late = FAR_PROBATION_S + 10 * TRIAL_S
    assert made.admits(OTHER_PORT, late)
    assert not made.is_sure_of(OTHER_PORT)
    assert made.admits(AGREED, late)
    assert (made.source, made.targets, made.is_sure_of(AGREED)) == (AGREED, (AGREED,), True)
    assert not made.admits(OTHER_PORT, late)


def test_few_packets_however_slow_are_no_proof() -> None:
    made = latch()
    assert not any(made.admits(OTHER_PORT, float(number)) for number in range(FAR_PROBATION - 1))
    assert made.admits(OTHER_PORT, 99.0)


@pytest.mark.parametrize(("crowd", "spoken"), [(MOST_CANDIDATES - 4, 0), (3 * MOST_CANDIDATES, 1)])
def test_a_crowd_of_others_holds_up_nobody_or_who_has_spoken_twice_and_is_not_kept_in_memory(
    crowd: int, spoken: int
) -> None:
    made = latch()
    for number in range(spoken):
        assert not made.admits(OTHER_PORT, (number - spoken) * FRAME_S)
    for number in range(FAR_PROBATION - spoken):
        counts = made.admits(OTHER_PORT, number * FRAME_S)
        for port in range(7000 + crowd * number, 7000 + crowd * (number + 1)):
            assert not made.admits((AGREED[0], port), number * FRAME_S)
        assert all(len(each._seen) <= MOST_CANDIDATES for each in made._probations.values())
    assert counts


@pytest.mark.parametrize("is_nat", [False, True])
def test_another_address_counts_only_behind_nat_and_soon_only_where_the_signalling_comes_from(
    is_nat: bool,
) -> None:
    made = latch(is_nat=is_nat)
    assert speak(made, PHONE, PROBATION) == [False] * (PROBATION - 1) + [is_nat]
    assert made.targets == ((PHONE,) if is_nat else ())
    made = latch(is_nat=is_nat)
    assert speak(made, STRANGER, FAR_PROBATION) == [False] * (FAR_PROBATION - 1) + [is_nat]


def test_rfc4961_a_nat_changes_no_ipv4_into_ipv6() -> None:
    made = latch(is_nat=True)
    assert not any(speak(made, ("2001:db8::6", 4000), 2 * FAR_PROBATION))
    made = latch(("2001:db8::1", 4000), is_nat=True)
    assert not any(speak(made, STRANGER, 2 * FAR_PROBATION))


def test_who_is_agreed_on_takes_the_place_of_another_address_for_a_while_only() -> None:
    for speaks_at, counts in ((TRIAL_S - 0.1, True), (TRIAL_S + 0.1, False)):
        made = latch(is_nat=True)
        believed_at = (PROBATION - 1) * FRAME_S
        assert speak(made, PHONE, PROBATION)[-1]
        for late in (speaks_at - 0.1, speaks_at):
            assert made.admits(PHONE, believed_at + late)
        assert made.admits(AGREED, believed_at + speaks_at) is counts
        assert made.is_sure_of(AGREED if counts else PHONE)


def test_a_stranger_behind_nat_leaves_its_place_to_the_phone_and_to_no_other_stranger() -> None:
    made = latch(is_nat=True)
    assert speak(made, STRANGER, FAR_PROBATION)[-1]
    assert not any(speak(made, ANOTHER, 2 * FAR_PROBATION, since=1.0))
    assert speak(made, PHONE, PROBATION, since=2.0) == [False] * (PROBATION - 1) + [True]
    assert not any(speak(made, PHONE_LATER, 2 * FAR_PROBATION, since=3.0)), "it is where it should be"
    assert not any(speak(made, STRANGER, 2 * FAR_PROBATION, since=4.0))
    assert made.source == PHONE


def test_another_port_of_the_address_agreed_on_is_no_stranger_whose_place_the_phone_takes() -> None:
    made = latch(is_nat=True)
    assert speak(made, OTHER_PORT, FAR_PROBATION)[-1]
    assert not any(speak(made, PHONE, 2 * FAR_PROBATION, since=1.0))


def test_another_sdp_opens_it_anew_and_nothing_of_before_counts_for_it() -> None:
    made = latch()
    speak(made, OTHER_PORT, FAR_PROBATION - 1)
    assert not made.expect(AGREED, allows_nat=False), "it is the same"
    assert made.expect((AGREED[0], 4002), allows_nat=False)
    assert not made.admits(OTHER_PORT, 9.0)
    assert not any(speak(made, OTHER_PORT, FAR_PROBATION - 2, since=9.0))
    made.forget()
    assert (made.expected, made.source, made.hosts) == (None, None, ())
    assert not made.admits(AGREED, 10.0)
    assert made.expect(AGREED, allows_nat=False)


def test_rfc3264_8_3_1_who_was_the_far_end_is_heard_until_the_next_one_speaks_and_not_sent_to() -> None:
    made, moved = latch(), (AGREED[0], 5000)
    made.admits(AGREED, 0.0)
    made.expect(moved, allows_nat=False)
    assert made.admits(AGREED, 0.1)
    assert (made.source, made.targets) == (None, ())
    assert made.admits(moved, 0.2)
    assert not made.admits(AGREED, 0.3)
    assert made.source == moved


def test_who_was_the_far_end_at_another_address_is_not_heard_without_nat() -> None:
    made = latch()
    made.admits(AGREED, 0.0)
    made.expect(STRANGER, allows_nat=False)
    assert not made.admits(AGREED, 0.1)


def test_who_is_back_from_hold_may_come_from_another_port_until_it_has_spoken() -> None:
    made = latch(is_nat=True)
    assert not made.reopen(), "it was never heard"
    assert speak(made, PHONE, PROBATION)[-1]
    assert made.admits(PHONE, 2 * TRIAL_S)
    assert made.reopen()
    assert not made.is_sure_of(PHONE)
    assert speak(made, PHONE_LATER, PROBATION, since=20.0)[-1]
    assert made.source == PHONE_LATER
    assert made.reopen()
    assert made.admits(PHONE_LATER, 30.0)
    assert not any(speak(made, PHONE, 2 * FAR_PROBATION, since=30.1)), "it has spoken"


@pytest.mark.parametrize(("is_nat", "source"), [(False, OTHER_PORT), (True, OTHER_PORT), (True, AGREED)])
def test_who_is_back_from_hold_where_it_was_agreed_on_needs_no_other_port(
    is_nat: bool, source: Address
) -> None:
    made = latch(is_nat=is_nat)
    assert speak(made, source, FAR_PROBATION)[-1]
    assert not made.reopen()
    assert made.is_sure_of(source) is (source == AGREED)


def test_rfc5763_6_5_a_handshake_from_where_sdp_or_signalling_are_settles_whose_packets_count() -> None:
    assert not Latch().may_prove(AGREED)
    plain, made = latch(), latch(is_nat=True)
    sources = (AGREED, OTHER_PORT, PHONE, STRANGER)
    assert [plain.may_prove(source) for source in sources] == [True, True, False, False]
    assert [made.may_prove(source) for source in sources] == [True, True, True, False]
    made.believe(PHONE)
    assert [made.may_prove(source) for source in (*sources, PHONE_LATER)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert (made.hosts, made.is_sure_of(PHONE), made.admits(AGREED, 0.0)) == ((PHONE[0],), True, False)
