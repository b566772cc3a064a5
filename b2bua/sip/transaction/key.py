"""What a message is matched to its transaction by (RFC 3261 §17.1.3, §17.2.3)."""

from __future__ import annotations

from b2bua.sip.message import Message, Request

Key = tuple[str, ...]
MAGIC_COOKIE = "z9hG4bK"
"""Starts every branch that was made unique as RFC 3261 §8.1.1.7 says."""


def client_key(message: Message) -> Key:
    """Return the key of a request we send and of the responses to it (§17.1.3).

    Raises:
        MalformedMessage: no readable Via or CSeq.
    """
    return message.via.branch or "", message.cseq.method


def server_key(request: Request, *, method: str | None = None) -> Key:
    """Return the key of a request we get; its ACK has the INVITE's (§17.2.3).

    ``method`` asks for another transaction of the same branch: the INVITE that a CANCEL means (§9.2).

    Raises:
        MalformedMessage: no readable Via, From, Call-ID or CSeq.
    """
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    branch = via.branch or ""
    if branch.startswith(MAGIC_COOKIE):
        return branch, via.host.lower(), str(via.port or ""), method
    return request.uri, request.from_.tag or "", request.call_id, str(request.cseq.number), str(via), method


def merge_key(request: Request) -> Key:
    """Return what the copies of one request share when a fork brought them by two ways (§8.2.2.2)."""
    return request.call_id, request.from_.tag or "", str(request.cseq.number), request.method
