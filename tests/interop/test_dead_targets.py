"""Rows F13 and F14: phones that SIPp plays and that say nothing of OPTIONS die together; TLS that fails."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.harness.certificates import Authority, needs_openssl
from tests.harness.ports import HOST, free_port
from tests.harness.product import Product
from tests.harness.sipp import Cast
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NOISE_S = 0.7
"""What a busy machine may add to the limits of the rows."""
GONE, FROZEN, ALIVE = ("901", "902", "903"), ("904", "905", "906"), "907"
TLS_TARGETS = ("untrusted", "no TLS", "closed", "silent")


def _scheme(number: str, *targets: str) -> str:
    name = f"dead-{number[-2:]}"
    steps = "".join(
        f'[[scheme.{name}.step]]\nring = ["{target}"]\nfor = "15s"\n' for target in (*targets, ALIVE)
    )
    return f'[number."{number}"]\nscheme = "{name}"\n{steps}[[scheme.{name}.step]]\nvoicemail = "sales"\n'


PEOPLE = "".join(
    f'[person.phone-{each}]\nextension = "{each}"\npassword = "demo-{each}"\n'
    for each in (*GONE, *FROZEN, ALIVE)
)


async def seconds_to_the_next(office: Product, number: str) -> float:
    began = time.monotonic()
    async with carrier_call(office, number):
        return time.monotonic() - began


async def test_row_f13_f14_three_phones_in_turn_whose_sockets_are_closed_or_that_were_frozen(
    tmp_path: Path,
) -> None:
    schemes = _scheme("+48221240901", *GONE) + _scheme("+48221240902", *FROZEN)
    with (
        Product.running(tmp_path / "office", extra=PEOPLE + schemes) as office,
        Cast.around(tmp_path / "sipp", office.port) as cast,
    ):
        for extension in GONE:
            cast.register(extension)  # SIPp ends after that: its port answers with ICMP
        frozen = [cast.phone("phone-rings-cancelled.xml", extension) for extension in FROZEN]
        alive = cast.phone("phone-answers-at-once.xml", ALIVE, calls=3)
        for phone in frozen:
            phone.freeze()
        assert await seconds_to_the_next(office, "+48221240901") < 1.0 + NOISE_S
        assert 4.0 < await seconds_to_the_next(office, "+48221240902") < 5.0 + NOISE_S
        assert await seconds_to_the_next(office, "+48221240902") < 1.0 + NOISE_S
        alive.wait()
        office.assert_log_is_clean()


@contextmanager
def listening(treat: Callable[[socket.socket], None]) -> Iterator[int]:
    """Return a TCP port that treats each connection so."""
    with socket.create_server((HOST, 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    treat(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def presenting(certificate: Path, key: Path) -> Callable[[socket.socket], None]:
    """Return how a server does that shows a certificate that nobody here trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def treat(connection: socket.socket) -> None:
        try:
            context.wrap_socket(connection, server_side=True).recv(1000)
        except OSError:
            return

    return treat


@needs_openssl
async def test_row_f13_a_target_whose_tls_fails_is_passed_over_at_once(tmp_path: Path) -> None:
    stranger, ours = Authority(tmp_path, "stranger"), Authority(tmp_path)
    certificate, key = ours.issue("office", f"IP:{HOST}")
    tls = f'tls-port = {free_port()}\ntls-certificate = "{certificate}"\ntls-key = "{key}"'
    is_over = threading.Event()
    with ExitStack() as stack:
        ports = {
            "untrusted": stack.enter_context(listening(presenting(*stranger.issue("pbx", f"IP:{HOST}")))),
            "no TLS": stack.enter_context(listening(lambda connection: connection.sendall(b"hello\r\n"))),
            "closed": free_port(),
            "silent": stack.enter_context(listening(lambda _: bool(is_over.wait(30)) and None)),
        }
        stack.callback(is_over.set)
        numbers = {name: f"+4822124091{index}" for index, name in enumerate(TLS_TARGETS)}
        schemes = "".join(
            _scheme(numbers[name], f"sip:sales@{HOST}:{ports[name]};transport=tls") for name in TLS_TARGETS
        )
        by_tls = ('transports = ["udp", "tcp"]', 'transports = ["udp", "tcp", "tls"]')
        office = stack.enter_context(
            Product.running(
                tmp_path / "office",
                extra=PEOPLE + schemes,
                sip=tls,
                change=lambda text: text.replace(*by_tls),
            )
        )
        cast = stack.enter_context(Cast.around(tmp_path / "sipp", office.port))
        alive = cast.phone("phone-answers-at-once.xml", ALIVE, calls=len(TLS_TARGETS))
        for name in TLS_TARGETS:
            limit_s = 5.0 if name == "silent" else 1.0
            assert await seconds_to_the_next(office, numbers[name]) < limit_s + NOISE_S, name
        alive.wait()
        calls = await asyncio.to_thread(office.finished_calls, at_least=len(TLS_TARGETS))
        assert {call.outcome for call in calls} == {"talked"}
        office.assert_log_is_clean()
