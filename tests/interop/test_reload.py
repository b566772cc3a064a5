"""Row I15 with the started product: its file is edited while calls are up."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

ECHO = "+48221230007"
NEW_NUMBER = "+48221230008"
READ = "the configuration was read again: "
PATIENCE_S = 20.0


async def test_row_i15_the_product_follows_its_file_while_a_call_is_up(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        await _says(product, "ready for calls")
        text = product.config.read_text()
        async with carrier_call(product, ECHO) as old:
            number = f'\n[number."{NEW_NUMBER}"]\nscheme = "echo"\n'
            _replace(product.config, text.replace("[sip]\n", '[sip]\ndomain = "other"\n') + number)
            await _says(product, f"{READ}1 number added ({NEW_NUMBER}); from the next call on")
            await _says(product, "only a restart changes sip.domain: until then it stays as it was")
            async with carrier_call(product, NEW_NUMBER) as new:
                assert new.is_up

            product.config.write_text(text + number.replace('"echo"', '"ehco"'))
            line = len(text.splitlines()) + 3
            await _says(product, f'{product.config}:{line}: error: number."{NEW_NUMBER}".scheme: ')
            await _says(product, "the office goes on with the one it has")
            async with carrier_call(product, NEW_NUMBER) as still:
                assert still.is_up

            product.config.write_text(text)
            await _says(product, f"{READ}1 number removed ({NEW_NUMBER}); from the next call on")
            product.process.send_signal(signal.SIGHUP)
            await _says(product, f"{READ}nothing has changed")
            assert old.is_up
        await asyncio.to_thread(product.stop)
        assert product.process.returncode == 0


async def test_row_d12_i15_it_starts_with_a_broken_file_by_what_it_ran_by_last(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        await _says(product, "ready for calls")
        text = product.config.read_text()
        await asyncio.to_thread(
            until, (tmp_path / "data" / "configuration").is_dir, within=5, what="it is kept"
        )
        await asyncio.to_thread(product.kill)
        product.config.write_text(text.replace('scheme = "echo"', 'scheme = "ehco"'))
        await asyncio.to_thread(product.start)
        await _says(product, "there is no scheme 'ehco'")
        await _says(product, "the office starts with what it ran by last")
        async with carrier_call(product, ECHO) as call:
            assert call.is_up
        number = f'\n[number."{NEW_NUMBER}"]\nscheme = "echo"\n'
        product.config.write_text(text + number)
        await _says(product, f"{READ}1 number added ({NEW_NUMBER}); from the next call on")


def _replace(path: Path, text: str) -> None:
    """Write as most editors do: a new file takes the place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def _says(product: Product, words: str) -> None:
    await asyncio.to_thread(until, lambda: words in product.log, within=PATIENCE_S, what=f"it says {words!r}")
