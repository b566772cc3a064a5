"""One quick demo office for the tests that do not disturb it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.product import Product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The started product, shared by the tests of a module; its log must be clean in the end."""
    with Product.running(tmp_path_factory.mktemp("office")) as office:
        yield office
        office.assert_log_is_clean()
