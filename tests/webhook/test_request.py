"""Row R10: what a handler is told, and how it knows that the question is ours."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from b2bua.call.call import CallerIdentity
from b2bua.routing.plan import WebhookSpec
from b2bua.webhook.request import request_for, signature

CALLER = CallerIdentity("4f1c", "+48500600700", "Jan & Co", "+48221239999", "line", source="google")
TOLD = {
    "caller": "+48500600700",
    "caller_name": "Jan & Co",
    "dialled": "+48221239999",
    "source": "google",
    "trunk": "line",
    "call_id": "4f1c",
}
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


def test_row_r10_by_post_the_handler_gets_json() -> None:
    request = request_for(WebhookSpec("region", "https://office.example/go"), CALLER, lambda: NOON)
    assert (request.method, request.url) == ("POST", "https://office.example/go")
    assert json.loads(request.body) == TOLD
    assert request.sign is None


def test_row_r10_by_get_the_handler_gets_a_query_behind_its_own() -> None:
    request = request_for(
        WebhookSpec("region", "https://office.example/go?key=1", "GET"), CALLER, lambda: NOON
    )
    query = parse_qs(urlsplit(request.url).query)
    assert query == {"key": ["1"], **{name: [value] for name, value in TOLD.items()}}
    assert request.body == b""


def test_row_r10_a_signature_can_be_checked_with_the_secret_alone() -> None:
    headers = signature("s3cret", lambda: NOON, "POST", "/go?key=1", b'{"caller": "+48500600700"}')
    stamp = headers["X-B2bua-Timestamp"]
    assert stamp == str(int(NOON.timestamp()))
    signed = f'{stamp}.POST./go?key=1.{{"caller": "+48500600700"}}'.encode()
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["X-B2bua-Signature"] == f"sha256={expected}"


def test_the_secret_is_in_no_text_about_the_webhook() -> None:
    assert "s3cret" not in repr(WebhookSpec("region", "https://office.example", secret="s3cret"))
