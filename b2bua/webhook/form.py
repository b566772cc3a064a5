"""Ask a caller for digits before a server is asked: a meter reading, the number of an order (row I21)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from b2bua.call.call import Call
from b2bua.routing.destination import Outcome
from b2bua.routing.plan import FormSpec
from media.commands import PlayItem

END_KEY = "#"
RIGHT, AGAIN = "1", "2"
MOST_QUESTIONS = 3
"""Who does not say by then whether it is right is asked for the digits anew."""
FIRST_DIGIT_S = 8.0
"""Pause before the first digit, and before the answer whether they are right."""
NEXT_DIGIT_S = 4.0
"""Who pauses longer has entered all; people read long numbers from paper."""


@dataclass(frozen=True, slots=True)
class FormSounds:
    """What callers hear."""

    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    has: Callable[[str], bool]
    """Whether there is such a prompt."""
    digits: Callable[[str], Sequence[PlayItem]]
    """One digit after another."""
    number: Callable[[int], Sequence[PlayItem]]
    """A number as one says it."""


async def entered(call: Call, form: FormSpec, sounds: FormSounds) -> str | Outcome:
    """Return the digits that the caller entered; NO_INPUT or INVALID where they did not in all tries.

    Raises:
        LegEnded: the caller hung up.
    """
    call.doing = "while entering digits"
    call.caller.answer()
    outcome = Outcome.NO_INPUT
    for _ in range(form.tries):
        digits = await _read(call, form, sounds)
        if not digits:
            outcome = Outcome.NO_INPUT
        elif len(digits) < form.fewest:
            outcome = Outcome.INVALID
            await call.caller.play(sounds.prompt("form-too-short"), until_digit=True)
        elif not form.reads_back or await _is_right(call, digits, sounds):
            return digits
        else:
            outcome = Outcome.INVALID
    return outcome


async def _read(call: Call, form: FormSpec, sounds: FormSounds) -> str:
    """Ask, and return the digits up to ``#``, a pause, or as many as there may be."""
    caller, digits = call.caller, ""
    if not caller.has_digits:
        await caller.play([item for name in form.ask for item in sounds.prompt(name)], until_digit=True)
    wait = FIRST_DIGIT_S
    while len(digits) < form.most:
        key = await caller.digit(wait)
        if key is None or (key == END_KEY and digits):  # a # before all else ended what came before
            break
        if key.isdecimal():
            digits += key
            wait = NEXT_DIGIT_S
    return digits


async def _is_right(call: Call, digits: str, sounds: FormSounds) -> bool:
    """Read the digits back; return whether the caller says that they are right. Nothing is a no."""
    question = [*sounds.prompt("form-heard"), *sounds.digits(digits), *sounds.prompt("form-right")]
    caller = call.caller
    caller.forget_digits()  # what was typed before it was heard confirms nothing
    for _ in range(MOST_QUESTIONS):
        await caller.play(question, until_digit=True)
        key = await caller.digit(FIRST_DIGIT_S)
        if key in (RIGHT, AGAIN):
            return key == RIGHT
    return False
