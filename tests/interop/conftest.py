"""One quick demo office for the tests that do not disturb it, and the stage for plays of minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conftest import FULL_LENGTH
from tests.harness.product import Product
from tests.interop.stage import Stage

BEGINNING_S = 600
"""The first test of these waits until everybody is on stage; one that failed waits for another play."""


@pytest.fixture(scope="module")
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The started product, shared by the tests of a module; its log must be clean in the end.

    What differs from the quick demo office is in the module's ``OFFICE``: ``extra``, ``sip`` or ``change``.
    """
    differs: dict[str, Any] = getattr(request.module, "OFFICE", {})
    with Product.running(tmp_path_factory.mktemp("office"), **differs) as product:
        yield product
        product.assert_log_is_clean()


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """All plays of minutes that are asked for, under way."""
    modules = {item.module for item in request.session.items if _is_of_a_play(item)}  # type: ignore[attr-defined]
    with ExitStack() as stack:
        yield Stage(modules, stack, lambda: tmp_path_factory.mktemp("play"))


@pytest.fixture
def played(request: pytest.FixtureRequest, stage: Stage) -> Any:
    """What is left of the module's play; a test that failed is shown another one."""
    return stage.played(request.module, again=request.node.execution_count > 1)


@pytest.fixture(autouse=True)
def begun(request: pytest.FixtureRequest) -> None:
    """Let the plays of minutes begin before the first of the other tests that one process plays with them."""
    if _is_of_full_length(request.node):
        request.getfixturevalue("stage")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play other tests of the same process while the plays of minutes go on."""
    for item in items:
        if _is_of_full_length(item):
            item.add_marker(pytest.mark.timeout(BEGINNING_S), append=False)
    items.sort(key=_is_of_a_play)


def _is_of_full_length(item: pytest.Item) -> bool:
    return item.nodeid.startswith(FULL_LENGTH)


def _is_of_a_play(item: pytest.Item) -> bool:
    return _is_of_full_length(item) and hasattr(getattr(item, "module", None), "begin")
