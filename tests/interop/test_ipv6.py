"""SIPp and softphones by IPv6 (``[::1]``) and IPv4 against the started product, on real sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.transport.hop import Hop
from tests.harness.hearing import Hearing
from tests.harness.ipv6 import IPV6_HOST, why_no_ipv6
from tests.harness.office import assert_both_hear
from tests.harness.ports import HOST
from tests.harness.product import Product
from tests.harness.sipp import Cast
from tests.interop.softphones import softphone

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

VOICE_HZ = 440.0
NUMBER = "+48221250001"
EXTRA = f"""
[number."{NUMBER}"]
scheme = "six"
[[scheme.six.step]]
ring = ["101"]
for = "15s"
[[scheme.six.step]]
voicemail = "sales"
"""


def dual_stack(text: str) -> str:
    """Return the office with sound and signalling by both IP versions; a trunk may call by either."""
    text = re.sub(r'listen = "127.0.0.1:(\d+)"', rf'listen = ["127.0.0.1:\1", "[{IPV6_HOST}]:\1"]', text)
    text = text.replace('address = "127.0.0.1"', f'address = ["127.0.0.1", "{IPV6_HOST}"]')
    return text.replace('"127.0.0.0/8"', f'"127.0.0.0/8", "{IPV6_HOST}"')


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product | None]:
    """A running office with both IP versions; None where this machine has one only."""
    if why_no_ipv6():
        yield None
        return
    folder = tmp_path_factory.mktemp("office")
    with Product.running(folder, extra=EXTRA, change=dual_stack) as product:
        yield product
        product.assert_log_is_clean()


@pytest.fixture
def refused_without(office: Product | None, tmp_path: Path) -> bool:
    """Whether there is no IPv6 here, and the product says so before any call, naming the key."""
    if office is not None:
        return False
    print(f"{why_no_ipv6()}: what follows is the check that the office refuses to start")
    with (
        pytest.raises(AssertionError, match=r"change \[rtp\] address"),
        Product.running(tmp_path / "without", change=dual_stack),
    ):
        pass
    return True


def test_a_caller_by_ipv6_leaves_a_voicemail_that_holds_what_was_said(
    office: Product | None, refused_without: bool, tmp_path: Path
) -> None:
    if office is None:
        assert refused_without
        return
    with Cast.around(tmp_path / "sipp", office.port, host=IPV6_HOST) as cast:
        cast.trunk("trunk-leaves-voicemail.xml", "+48221230005").wait()
    [call] = office.finished_calls(of="+48221230005")
    assert call.outcome == "message"
    [recording] = office.recordings()
    message = Hearing.of_file(recording)
    assert message.seconds_of(VOICE_HZ, above_db=-20.0) > 1.0
    assert message.clipping() == []


def test_a_caller_by_ipv4_reaches_a_phone_by_ipv6(
    office: Product | None, refused_without: bool, tmp_path: Path
) -> None:
    if office is None:
        assert refused_without
        return
    with (
        Cast.around(tmp_path / "six", office.port, host=IPV6_HOST) as phones,
        Cast.around(tmp_path / "four", office.port) as trunks,
    ):
        phone = phones.phone("phone-answers.xml", "101", "-d", "300")
        trunk = trunks.trunk("trunk-calls-answered.xml", NUMBER)
        trunk.wait()
        phone.wait()
    [call] = office.finished_calls(of=NUMBER)
    assert "talked with Anna Nowak" in call.story


@asynccontextmanager
async def registered(office: Product, extension: str, host: str) -> AsyncIterator[tuple[Softphone, Hop]]:
    """Return a phone with sound that is registered by the IP version of ``host``."""
    async with softphone(f"phone {extension}", host=host) as phone:
        server = Hop("udp", host, office.port)
        assert (await phone.register(server, extension, f"demo-{extension}")).status == 200
        yield phone, server


@pytest.mark.parametrize(
    ("calling", "called"), [(IPV6_HOST, HOST), (HOST, IPV6_HOST), (IPV6_HOST, IPV6_HOST)]
)
async def test_phones_of_either_ip_version_hear_each_other(
    office: Product | None, refused_without: bool, tmp_path: Path, calling: str, called: str
) -> None:
    if office is None:
        assert refused_without
        return
    async with (
        registered(office, "102", calling) as (piotr, server),
        registered(office, "103", called) as (olena, _),
    ):
        olena.habit = Habit(answers_after=0.1)
        credentials = Credentials("102", "demo-102")
        placed = await piotr.call(server, "103", from_number="102", credentials=credentials)
        leg = await placed.answered(within=10)
        await asyncio.sleep(0.2)
        phone = olena.invitations[0].leg
        await assert_both_hear(leg, phone, tmp_path, is_real_time=True)
        for each, host in ((leg, calling), (phone, called)):
            assert each.media.agreement is not None
            assert each.media.agreement.remote is not None
            assert each.media.agreement.remote[0] == host
        leg.hang_up()
