"""Questions over HTTP on real sockets: kept connections, bounded answers, redirections, TLS."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.http.client import HttpClient, Request
from b2bua.http.failures import Fault, NoAnswerError
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.effort import sooner_than

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\n101"


@asynccontextmanager
async def server(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server that gives these answers in turn, the last one for ever; ``b""``: it hangs."""
    served = Server(list(answers))
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        listening.close()
        for task in served.tasks:
            task.cancel()
        await asyncio.gather(*served.tasks, return_exceptions=True)


class Server:
    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.port = 0
        self.connections = 0
        self.heads: list[bytes] = []
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/go?key=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if not answer:
                    await asyncio.sleep(60)
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the test is over; of who is cancelled Python 3.11 tells as of a fault
        finally:
            writer.close()


@asynccontextmanager
async def client() -> AsyncIterator[HttpClient]:
    http = HttpClient("b2bua/test")
    await http.prepare()
    try:
        yield http
    finally:
        await http.close()


async def failure(http: HttpClient, request: Request, *, budget_s: float = 5.0) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as caught:
        await http.ask(request, budget_s=budget_s)
    return caught.value


async def test_row_r10_one_connection_is_kept_for_many_questions() -> None:
    async with server(OK) as served, client() as http:
        for _ in range(5):
            answer = await http.ask(Request("GET", served.url), budget_s=5)
            assert (answer.body, answer.content_type) == (b"101", "text/plain")
        assert served.connections == 1
        assert b"user-agent: b2bua/test" in served.heads[0].lower()


async def test_row_r12_a_server_that_hangs_costs_the_budget_and_no_more() -> None:
    async with server(b"") as served, client() as http:
        began = time.monotonic()
        error = await sooner_than(1.0, failure(http, Request("GET", served.url), budget_s=0.3))
        assert time.monotonic() - began > 0.29
        assert (error.why, error.fault) == ("did not answer within 0.3 s", Fault.DOWN)


async def test_row_r12_a_server_that_drips_costs_the_budget_and_no_more() -> None:
    async with server(OK[:-2]) as served, client() as http:
        error = await failure(http, Request("GET", served.url), budget_s=0.3)
        assert error.why == "did not answer within 0.3 s"


@pytest.mark.parametrize(
    ("answer", "why", "fault"),
    [
        (b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", "answered 503", Fault.DOWN),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "answered 429", Fault.DOWN),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "answered 404", Fault.REFUSED),
        (b"garbage\r\n\r\n", "could not be asked", Fault.DOWN),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000,
            "sent more than 64 kB",
            Fault.BAD,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n101",
            "sent a compressed answer, which was not asked for",
            Fault.BAD,
        ),
    ],
)
async def test_row_r12_what_is_no_answer_is_told_in_plain_words(
    answer: bytes, why: str, fault: Fault
) -> None:
    async with server(answer) as served, client() as http:
        error = await failure(http, Request("GET", served.url))
        assert error.why.startswith(why)
        assert error.fault is fault


async def test_row_r12_nobody_listens_or_the_name_is_unknown() -> None:
    async with server(OK) as served, client() as http:
        port = served.port
    async with client() as http:
        assert (await failure(http, Request("GET", f"http://127.0.0.1:{port}"))).why == "refuses connections"
        error = await failure(http, Request("GET", "http://nobody.invalid/"))
        assert error.why == "has a name that no name server knows"


@needs_openssl
async def test_row_r12_a_certificate_that_nobody_trusts_is_no_answer(tmp_path: Path) -> None:
    path, key = Authority(tmp_path).issue("server", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    async with server(OK, tls=context) as served, client() as http:
        error = await failure(http, Request("GET", f"https://127.0.0.1:{served.port}/"))
        assert error.why.startswith("shows a certificate that is not trusted (")
        assert served.heads == []


@needs_openssl
async def test_row_r10_a_certificate_of_an_authority_that_the_machine_trusts_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    path, key = authority.issue("server", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    async with server(OK, tls=context) as served, client() as http:
        answer = await http.ask(Request("GET", f"https://127.0.0.1:{served.port}/"), budget_s=5)
        assert answer.body == b"101"


def redirect(location: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def signed(method: str, target: str, body: bytes) -> dict[str, str]:
    return {"Signed": f"{method} {target} {body.decode()}"}


async def test_row_r10_a_redirection_on_the_same_server_is_followed_and_signed_anew() -> None:
    async with server(redirect("/there?key=2"), OK) as served, client() as http:
        request = Request("POST", served.url, {}, b"{}", sign=signed)
        assert (await http.ask(request, budget_s=5)).body == b"101"
        lines = [head.split(b"\r\n") for head in served.heads]
        assert [line[0] for line in lines] == [b"POST /go?key=1 HTTP/1.1", b"POST /there?key=2 HTTP/1.1"]
        assert b"signed: POST /there?key=2 {}" in served.heads[1].replace(b"Signed", b"signed")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (redirect("https://evil.example/"), "sends us to another server (evil.example)"),
        (redirect("//evil.example/x"), "sends us to another server (evil.example)"),
        (redirect("ftp://127.0.0.1/"), "sends us to another server (127.0.0.1)"),
        (redirect("/for-ever"), "sends us from one address to the next for ever"),
        (redirect("/other", 303), "answered 303, but only 307 and 308 send a POST on"),
    ],
)
async def test_row_r10_other_redirections_are_no_answer(answer: bytes, why: str) -> None:
    async with server(answer) as served, client() as http:
        error = await failure(http, Request("POST", served.url, {}, b"{}"))
        assert (error.why, error.fault) == (why, Fault.REFUSED)
        assert b"evil" not in b"".join(served.heads)


async def test_a_caller_who_hangs_up_frees_the_connection() -> None:
    async with server(b"", OK) as served, client() as http:
        asking = asyncio.create_task(http.ask(Request("GET", served.url), budget_s=5))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while not served.heads:
                await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        assert (await http.ask(Request("GET", served.url), budget_s=5)).body == b"101"


def test_an_office_that_asks_nobody_does_not_load_the_library() -> None:
    import subprocess
    import sys

    code = "import sys, b2bua.server, b2bua.webhook.step; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
