"""Phones survive a restart, rows D12 and F13: what registered before can be rung at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from b2bua.registrar.bindings import Binding, Bindings
from b2bua.registrar.keeping import RENEWALS_S, BindingKeeper, from_row, to_row
from b2bua.sip.transport.hop import Hop
from b2bua.store import Store
from tests.harness.clock import virtual_time
from tests.registrar.test_bindings import DESK

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PATH = replace(DESK, path=("<sip:198.51.100.1;lr>", "<sip:edge,2@10.9.9.9;lr>"), q="0.7", instance="<urn:x>")


class Office:
    """Bindings over a store, at a wall-clock time that goes with the loop's."""

    def __init__(
        self, store: Store, at: datetime = NINE, known: frozenset[str] = frozenset(["anna"])
    ) -> None:
        self.bindings = Bindings()
        loop = asyncio.get_running_loop()
        started = loop.time()
        clock = lambda: at + timedelta(seconds=loop.time() - started)  # noqa: E731
        self.keeper = BindingKeeper(self.bindings, store.bindings, clock=clock)
        self.known = known

    async def start(self) -> Office:
        await self.keeper.restore(is_known=lambda person, _login: person in self.known)
        return self

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def registered(self, **changes: object) -> Binding:
        """Register the desk phone for an hour."""
        now = self.now
        binding = replace(DESK, registered_at=now, expires_at=now + 3600, **changes)  # type: ignore[arg-type]
        self.bindings.put(binding, now)
        return binding

    def contacts(self) -> list[str]:
        return [binding.contact_uri for binding in self.bindings.live("anna", self.now)]


async def restarted(
    folder: Path, after_s: float = 0.0, known: frozenset[str] = frozenset(["anna"])
) -> tuple[Store, Office]:
    store = await Store.open(folder)
    return store, await Office(store, NINE + timedelta(seconds=after_s), known).start()


def test_a_binding_becomes_plain_values_and_back() -> None:
    row = to_row(PATH, now=600.0, at=NINE)
    assert row.expires_at == datetime(2026, 1, 5, 9, 50, tzinfo=UTC)
    back = from_row(row, now=10.0, at=NINE + timedelta(minutes=5))
    assert back == replace(PATH, registered_at=-890.0, expires_at=2710.0)


def test_d12_a_clock_that_is_behind_after_a_restart_makes_no_phone_last_longer_than_it_was_granted() -> None:
    row = to_row(PATH, now=600.0, at=NINE)
    granted_s = PATH.expires_at - PATH.registered_at
    for back in (timedelta(hours=1), timedelta(days=3653)):
        binding = from_row(row, now=10.0, at=NINE - back)
        assert (binding.registered_at, binding.expires_at) == (10.0, 10.0 + granted_s)


@virtual_time
async def test_d12_a_phone_is_known_after_a_restart_until_it_would_have_ended(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        office = await Office(store).start()
        phone = office.registered(path=PATH.path)
        office.registered(contact_uri="sip:101@192.0.2.77", hop=Hop("udp", "192.0.2.77", 5060))
    store, later = await restarted(tmp_path, after_s=1800)
    async with store:
        back = later.bindings.live("anna", later.now)
        assert [one.contact_uri for one in back] == [DESK.contact_uri, "sip:101@192.0.2.77"]
        assert (back[0].hop, back[0].path, back[0].cseq) == (phone.hop, phone.path, phone.cseq)
        assert abs(back[0].expires_at - later.now - 1800) < 1
        assert later.bindings.has_flow(phone.hop, later.now)
    store, too_late = await restarted(tmp_path, after_s=3601)
    async with store:
        assert too_late.contacts() == []


@virtual_time
async def test_who_unregistered_stays_away_and_who_came_back_at_once_stays(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        office = await Office(store).start()
        gone = office.registered()
        back = office.registered(contact_uri="sip:101@192.0.2.77", call_id="second")
        for each in (gone, back):
            office.bindings.remove(each, office.now)
        office.registered(contact_uri="sip:101@192.0.2.77", call_id="third")
    store, later = await restarted(tmp_path)
    async with store:
        assert later.contacts() == ["sip:101@192.0.2.77"]


@virtual_time
async def test_the_new_address_of_a_device_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        office = await Office(store).start()
        office.registered(instance="urn:uuid:1")
        office.registered(instance="urn:uuid:1", contact_uri="sip:101@203.0.113.9")
    store, later = await restarted(tmp_path)
    async with store:
        assert later.contacts() == ["sip:101@203.0.113.9"]


@virtual_time
async def test_renewals_are_written_together_and_a_crash_costs_only_the_last_ones(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        office = await Office(store).start()
        first = office.registered()
        await asyncio.sleep(60)
        renewed = office.registered(cseq=2)
        await asyncio.sleep(1)
        assert [row.cseq for row in await store.bindings.live(NINE)] == [first.cseq]
        await asyncio.sleep(RENEWALS_S + 1)
        rows = await store.bindings.live(NINE)
        assert [(row.cseq, row.expires_at) for row in rows] == [
            (renewed.cseq, NINE + timedelta(seconds=3660))
        ]
        office.registered(cseq=3)
        office.keeper.close()
    store, later = await restarted(tmp_path)
    async with store:
        assert [one.cseq for one in later.bindings.live("anna", later.now)] == [3]


@virtual_time
async def test_people_who_left_the_configuration_and_browsers_are_not_brought_back(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        office = await Office(store).start()
        office.registered(hop=Hop("ws", "198.51.100.9", 50000), contact_uri="sip:a@x.invalid;transport=ws")
        office.registered(person="piotr")
    store, later = await restarted(tmp_path)
    async with store:
        assert list(later.bindings.all(later.now)) == []
    store, wider = await restarted(tmp_path, known=frozenset(["anna", "piotr"]))
    async with store:
        assert [one.person for one in wider.bindings.all(wider.now)] == ["piotr"]
