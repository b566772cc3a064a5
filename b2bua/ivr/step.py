"""One menu level: greet, listen, choose; who presses nothing or nonsense still reaches somebody (row I8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from b2bua.call.call import Call
from b2bua.ivr.choice import Keypad, Match
from b2bua.routing.destination import Destination, Menu, Outcome
from b2bua.routing.plan import DialExtension, MenuSpec, Plan
from b2bua.store.calls import EventKind
from media.commands import PlayItem, Silence

Prompts = Callable[[str], Sequence[PlayItem]]
"""Sound of a prompt by its name."""

END_KEY = "#"
"""Ends an extension without waiting."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The caller decided: ``destination`` comes next."""

    destination: Destination
    """Where the option or extension leads."""


@dataclass(slots=True)
class MenuStep:
    """The menu step."""

    plan: Callable[[], Plan]
    """The configuration in force: an extension is a pointer that may change between two calls (row I15)."""
    prompts: Prompts
    """Finds prompts."""

    async def __call__(self, call: Call, menu: Menu) -> Outcome | Chosen:
        """Return what was chosen, or NO_INPUT, INVALID or MAX_WAIT.

        Raises:
            LegEnded: the caller hung up in the menu.
        """
        plan = self.plan()
        spec = plan.menus[menu.name]
        call.doing = "in the menu"
        call.caller.answer()
        try:
            async with asyncio.timeout(spec.for_seconds):
                return await MenuVisit(call, spec, plan, self.prompts).run()
        except TimeoutError:
            return Outcome.MAX_WAIT


class MenuVisit:
    """One caller in one menu."""

    def __init__(self, call: Call, spec: MenuSpec, plan: Plan, prompts: Prompts) -> None:
        self._call = call
        self._spec = spec
        self._plan = plan
        self._prompts = prompts
        self._extensions = plan.extensions if spec.dials_extensions else {}

    async def run(self) -> Outcome | Chosen:
        outcome = Outcome.NO_INPUT
        for attempt in range(self._spec.tries):
            keypad = Keypad.of(self._spec.options, self._extensions)
            keys = await self._ask(self._spec.greeting, keypad, is_first=attempt == 0)
            chosen = await self._choose(keys) if keys else None
            if chosen is not None:
                return chosen
            outcome = Outcome.INVALID if keys else Outcome.NO_INPUT
            self._call.ledger.note(EventKind.MENU, self._spec.name, keys)
            self._call.caller.forget_digits()
            await self._play(("invalid",) if keys else ("no-input",))
        return outcome

    async def _choose(self, keys: str) -> Chosen | None:
        """Return where ``keys`` lead, or None when they lead nowhere."""
        option = self._spec.options.get(keys)
        if isinstance(option, DialExtension):
            keys = await self._ask(("enter-extension",), Keypad.of(self._plan.extensions))
            return self._extension(keys, self._plan.extensions)
        if option is not None:
            self._call.ledger.note(EventKind.MENU, self._spec.name, keys)
            return Chosen(option)
        return self._extension(keys, self._extensions)

    def _extension(self, keys: str, extensions: Collection[str]) -> Chosen | None:
        if keys not in extensions:
            return None
        self._call.ledger.note(EventKind.EXTENSION, detail=keys)
        return Chosen(self._plan.extensions[keys])

    async def _ask(self, greeting: Sequence[str], keypad: Keypad, *, is_first: bool = False) -> str:
        """Play and listen; return the keys pressed, empty when there were none.

        Keys count from the answer on, before, during and after the prompt (row I9).
        """
        caller = self._call.caller
        if not caller.has_digits:
            lead = (Silence(0.3),) if is_first else ()  # carriers clip the first instant after the answer
            await caller.play([*lead, *self._sound(greeting)], until_digit=True)
        keys = ""
        wait = self._spec.input_seconds
        while (key := await caller.digit(wait)) is not None:
            if key == END_KEY:
                break
            keys += key
            if keypad.match(keys) in (Match.COMPLETE, Match.NOTHING):
                break
            wait = self._spec.interdigit_seconds
        return keys

    def _sound(self, names: Sequence[str]) -> list[PlayItem]:
        return [item for name in names for item in self._prompts(name)]

    async def _play(self, names: Sequence[str]) -> None:
        await self._call.caller.play(self._sound(names), until_digit=True)
