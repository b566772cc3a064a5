"""Reservations of people are leases (no state can stick)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.errors import WrongState
from b2bua.people.occupancy import Engagement, Lease, Occupancy


def test_a_person_is_free_until_somebody_offers_a_call_and_again_when_the_lease_runs_out() -> None:
    occupancy = Occupancy()
    assert occupancy.is_free("anna", now=0.0)
    occupancy.offer("anna", until=20.0, now=0.0)
    assert not occupancy.is_free("anna", now=19.9)
    assert occupancy.is_free("anna", now=20.0)
    assert occupancy.is_free("piotr", now=5.0)


def test_a_lease_that_runs_out_tells_so_at_its_end_and_once() -> None:
    occupancy = Occupancy()
    freed: list[str] = []
    occupancy.on_freed(freed.append)
    occupancy.offer("anna", until=20.0, now=0.0)
    assert occupancy.next_expiry == 20.0
    occupancy.expire(19.9)
    assert freed == []
    occupancy.expire(20.0)
    occupancy.expire(25.0)
    assert freed == ["anna"]
    assert occupancy.next_expiry is None


def test_release_frees_at_once_and_only_once() -> None:
    occupancy = Occupancy()
    freed: list[str] = []
    occupancy.on_freed(freed.append)
    lease = occupancy.offer("anna", until=20.0, now=0.0)
    lease.release(3.0)
    lease.release(4.0)
    occupancy.expire(30.0)
    assert freed == ["anna"]


def test_a_talk_and_its_wrap_up_keep_the_person_by_extending_the_same_lease() -> None:
    occupancy = Occupancy()
    lease = occupancy.offer("anna", until=20.0, now=0.0)
    lease.extend(60.0, now=10.0, engagement=Engagement.TALKING)
    assert occupancy.engagement("anna", now=30.0) is Engagement.TALKING
    lease.extend(45.0, now=40.0, engagement=Engagement.WRAP_UP)
    assert occupancy.engagement("anna", now=44.0) is Engagement.WRAP_UP
    assert occupancy.next_expiry == 45.0
    assert occupancy.is_free("anna", now=45.0)


def test_a_lease_that_has_ended_cannot_be_extended_for_the_person_may_be_taken() -> None:
    occupancy = Occupancy()
    lease = occupancy.offer("anna", until=20.0, now=0.0)
    with pytest.raises(WrongState):
        lease.extend(60.0, now=20.0)


def test_a_person_with_two_calls_is_free_after_the_second_has_ended() -> None:
    occupancy = Occupancy()
    freed: list[str] = []
    occupancy.on_freed(freed.append)
    first = occupancy.offer("anna", until=100.0, now=0.0, engagement=Engagement.TALKING)
    second = occupancy.offer("anna", until=100.0, now=1.0)
    assert occupancy.engagement("anna", now=2.0) is Engagement.TALKING
    first.release(3.0)
    assert freed == []
    assert occupancy.engagement("anna", now=4.0) is Engagement.OFFERED
    second.release(5.0)
    assert freed == ["anna"]


def test_a_callback_may_offer_the_next_call_to_whom_it_heard_of() -> None:
    occupancy = Occupancy()
    offered: list[Lease] = []
    occupancy.on_freed(lambda person: offered.append(occupancy.offer(person, until=40.0, now=20.0)))
    occupancy.offer("anna", until=20.0, now=0.0)
    occupancy.expire(20.0)
    assert not occupancy.is_free("anna", now=20.0)
    assert occupancy.next_expiry == 40.0


def test_whoever_stops_listening_hears_no_more() -> None:
    occupancy = Occupancy()
    freed: list[str] = []
    stop = occupancy.on_freed(freed.append)
    stop()
    stop()
    occupancy.offer("anna", until=1.0, now=0.0).release(0.5)
    assert freed == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "extend", "release", "expire"]), st.integers(1, 30), st.integers(0, 5)
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_happens_everybody_is_free_in_the_end_and_each_time_of_being_busy_ends_in_one_callback(
    steps: list[tuple[str, int, int]],
) -> None:
    occupancy, now, offers = Occupancy(), 0.0, 0
    freed: list[str] = []
    leases: list[Lease] = []
    occupancy.on_freed(freed.append)
    for action, seconds, pause in steps:
        now += pause
        occupancy.expire(now)
        if action == "offer":
            offers += occupancy.is_free("anna", now)
            leases.append(occupancy.offer("anna", now + seconds, now))
        live = [lease for lease in leases if lease.is_live(now)]
        if action == "extend" and live:
            live[0].extend(now + seconds, now)
        if action == "release" and live:
            live[-1].release(now)
    occupancy.expire(now + 1000)
    assert occupancy.is_free("anna", now)
    assert occupancy.next_expiry is None
    assert len(freed) == offers


def test_talks_that_are_over_leave_nothing_behind_though_they_might_have_lasted_for_hours() -> None:
    occupancy = Occupancy()
    still = occupancy.offer("piotr", until=50_000.0, now=0.0)
    for call in range(1000):
        now = float(call)
        lease = occupancy.offer("anna", until=now + 20.0, now=now)
        lease.extend(now + 43_200.0, now, Engagement.TALKING)
        lease.release(now + 0.5)
    assert len(occupancy._deadlines) <= 66
    assert still.is_live(1000.0)
    assert occupancy.next_expiry == 50_000.0
    assert not occupancy.is_free("piotr", 1000.0)
