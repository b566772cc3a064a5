"""``b2bua calls --called-back ID``: a promise is closed by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from b2bua.cli.telling import folder_of
from b2bua.config.models import Config
from b2bua.errors import Unavailable
from b2bua.store.promises import Promise, PromiseStatus
from b2bua.store.store import Store

BY_HAND = "said by hand"


async def close_promise(config: Config, name: str, *, is_kept: bool, why: str) -> None:
    """Note that the caller of that call, named by the beginning of its id, was called back, or need not be.

    Raises:
        Unavailable: nobody is owed a call for it, several are, or it cannot be kept.
    """
    folder = await folder_of(config)
    if folder is None:
        raise Unavailable("nobody is owed a call: the office has never run")
    async with await Store.open(folder) as store:
        promise = await _open_one(store, name)
        close = store.promises.keep if is_kept else store.promises.drop
        if not await close(promise.id, at=datetime.now(UTC), why=why or BY_HAND):
            raise Unavailable("the disk does not take it now")
        left = await store.promises.count_open()
    said = "was called back" if is_kept else "needs no call"
    typer.echo(f"{promise.caller or 'withheld'} {said}; {_owed(left)}")


async def _open_one(store: Store, name: str) -> Promise:
    found = await store.promises.named(name)
    if len(found) != 1:
        raise Unavailable(
            f"{'nobody is owed a call for a call with' if not found else 'several calls have'} the id {name}"
        )
    [promise] = found
    if promise.status is not PromiseStatus.OPEN:
        raise Unavailable(f"that was {promise.status.value} already: {promise.closed_why or 'they talked'}")
    return promise


def _owed(count: int) -> str:
    return {0: "nobody else is owed a call", 1: "one caller is still owed a call"}.get(
        count, f"{count} callers are still owed a call"
    )
