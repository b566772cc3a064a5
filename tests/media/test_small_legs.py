"""What a leg keeps in memory: hundreds of them are up at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from functools import partial
from types import CellType, FunctionType, MethodType

from media.engine import Engine
from media.fastpath import FastPath
from media.leg import Leg
from media.sockets import SocketEndpoint
from media.sounds import SoundLibrary
from media.surroundings import Surroundings
from tests.media.test_flow import ANNA, BOB, agreement, comes, fast_world, rtp

SHARED = (Engine, FastPath, SoundLibrary, Surroundings, type)
OWN = (dict, list, set, tuple, partial, CellType, FunctionType, MethodType)


def reached(legs: Iterable[Leg]) -> Iterator[object]:
    """Yield ``legs``, and what they refer to of ours."""
    seen, waiting = set[int](), list[object](legs)
    while waiting:
        one = waiting.pop()
        is_media = type(one).__module__.startswith("media.")
        if id(one) in seen or isinstance(one, SHARED) or not (is_media or isinstance(one, OWN)):
            continue
        if isinstance(one, FunctionType) and one.__module__.startswith("tests."):
            continue
        seen.add(id(one))
        yield one
        waiting += gc.get_referents(one)


def test_legs_that_are_relayed_keep_no_functions_and_no_dictionaries_of_attributes() -> None:
    with fast_world() as world, fast_world() as other:
        for number in range(10):
            for leg in (ANNA, BOB):
                comes(rtp(number), at=leg)(world)
                comes(rtp(number), at=leg)(other)
        of_all = {id(one) for one in reached(other.legs.values())}
        kept = [one for one in reached(world.legs.values()) if id(one) not in of_all]
        assert set(map(id, world.legs.values())) <= set(map(id, kept))
        assert [one for one in kept if isinstance(one, FunctionType | CellType | partial)] == []
        assert [one for one in kept if hasattr(one, "__dict__") and not isinstance(one, MethodType)] == []
        assert "__slots__" in vars(SocketEndpoint)
        assert len(kept) <= 2 * 30


def test_agreements_share_what_most_of_them_have_in_common() -> None:
    first, second = agreement(4001), agreement(4002)
    assert first.remote != second.remote
    assert first.accepts is second.accepts
