"""A caller and whoever took the call: answered, connected, told to the journal, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from b2bua.call.beside import beside
from b2bua.call.bridge import Conversation, Talk
from b2bua.call.call import Call
from b2bua.call.leg import Leg
from b2bua.call.post_dial import press_after_answer
from media.commands import PlayItem


async def converse(call: Call, leg: Leg, *, music: Callable[[], Sequence[PlayItem]] = tuple) -> bool:
    """Return whether the caller talked with ``leg``, which is closed then; the caller's leg is not.

    False: it picked the call up and died before it confirmed that (no ACK), or the keys of its sound never
    came, so nobody was there.

    A transfer ends it too: ``call.transfer`` says then what the caller waits for, and who stays up belongs
    to it, or to another call.

    Raises:
        LegEnded: the caller hung up in the instant of the answer.
    """
    call.take(leg)
    caller, had_talked = call.caller, call.has_talked
    try:
        call.caller.answer(prefer=leg.codec)
        call.ledger.note("answered", leg.name, party=_ours(call, leg))
        async with call.recorded(leg):
            call.connected(leg)
            talk = await _talk(call, leg, music)
        was_mute = caller.is_up and leg.has_lost_sound and _is_unsecured(leg)
        is_there = leg.is_confirmed and not was_mute
        call.is_cut_off = not was_mute and (caller.has_lost_sound or leg.has_lost_sound)
    finally:
        call.partner = ""
        call.caller.silence()
        await leg.close_for(call)
    if is_there:
        why = "the sound was lost" if call.is_cut_off else talk.why
        call.ledger.note("talked", leg.name, why, talk.seconds, party=_ours(call, leg))
    else:
        call.never_connected(had_talked=had_talked)
        why = leg.ended.result().why if was_mute else "was gone when the call came through"
        call.ledger.note("rang", leg.name, why, talk.seconds)
    return is_there


def _is_unsecured(leg: Leg) -> bool:
    agreement = leg.media.agreement
    return agreement is not None and agreement.handshake is not None and agreement.keys is None


def _ours(call: Call, leg: Leg) -> str:
    """Return whom of ours the outside talked with, whichever side called; empty where nobody is outside."""
    if not call.identity.is_internal:
        return leg.party
    return "" if leg.party else call.caller.party


async def _talk(call: Call, leg: Leg, music: Callable[[], Sequence[PlayItem]]) -> Talk:
    conversation = Conversation(call.caller, leg, music=music)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        with call.watch_for_transfer(conversation):
            async with _dialling_on(call, leg):
                return await conversation.run()
    except asyncio.CancelledError:
        why, seconds = "the office was stopped", loop.time() - began
        call.ledger.note("talked", leg.name, why, seconds, party=_ours(call, leg))
        raise


def _dialling_on(call: Call, leg: Leg) -> AbstractAsyncContextManager[None]:
    """Return a block within which is pressed what follows the number that ``leg`` has dialled, if it does."""
    if not leg.post_dial and not leg.dialled_on:
        return nullcontext()
    return beside(_dial_on(call, leg), name=f"digits behind the number of {leg.name}")


async def _dial_on(call: Call, leg: Leg) -> None:
    """Press what follows the number that ``leg`` has dialled, if anything does; once in its life."""
    post_dial, leg.post_dial = leg.post_dial, ""
    if post_dial and await press_after_answer(leg, post_dial):
        leg.dialled_on = post_dial
    dialled_on, leg.dialled_on = leg.dialled_on, ""
    if dialled_on:
        call.ledger.note("dialled on", leg.name, dialled_on.strip(",w"))
