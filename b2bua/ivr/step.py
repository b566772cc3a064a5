"""One menu level: greet, listen, choose; who presses nothing or nonsense still reaches somebody (row I8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from b2bua.call.call import Call
from b2bua.ivr.choice import Keypad, Match
from b2bua.routing.destination import Chosen, Destination, Menu, Outcome
from b2bua.routing.plan import DialExtension, MenuSpec, Plan
from b2bua.store.calls import EventKind
from media.commands import PlayItem, Silence

Prompts = Callable[[str], Sequence[PlayItem]]
"""Sound of a prompt by its name."""

END_KEY = "#"
"""Ends an extension without waiting."""
LEAD = (Silence(0.3),)
"""Before the first prompt: carriers clip the first instant after the answer."""
BURST_S = 0.7
"""Whoever typed a wrong extension types it to its end: that is one mistake, not three."""


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
        call.doing, call.menu = "in the menu", menu.name
        call.caller.answer()
        try:
            async with asyncio.timeout(spec.for_seconds):
                outcome = await MenuVisit(call, spec, plan, self.prompts).run()
        except TimeoutError:
            outcome = Outcome.MAX_WAIT
        call.menu = ""
        return outcome


class MenuVisit:
    """One caller in one menu."""

    def __init__(self, call: Call, spec: MenuSpec, plan: Plan, prompts: Prompts) -> None:
        self._call = call
        self._spec = spec
        self._plan = plan
        self._prompts = prompts
        self._extensions: Mapping[str, Destination] = plan.extensions if spec.dials_extensions else {}

    async def run(self) -> Outcome | Chosen:
        """Return what was chosen, or the outcome of the last try."""
        outcome: Outcome | Chosen = Outcome.NO_INPUT
        for attempt in range(self._spec.tries):
            outcome = await self._try(LEAD if attempt == 0 else ())
            if isinstance(outcome, Chosen):
                break
        return outcome

    async def _try(self, lead: Sequence[PlayItem]) -> Outcome | Chosen:
        keypad = Keypad.of(self._spec.options, self._extensions)
        keys = await self._ask([*lead, *self._sound(self._spec.greeting)], keypad)
        option = self._spec.options.get(keys)
        if isinstance(option, DialExtension):
            return await self._ask_extension()
        if option is not None:
            self._note(keys)
            self._label(keys)
            return Chosen(option)
        return await self._extension(keys, self._extensions, otherwise="invalid")

    async def _ask_extension(self) -> Outcome | Chosen:
        extensions = self._plan.extensions
        keys = await self._ask(self._sound(("enter-extension",)), Keypad.of(extensions), skip=END_KEY)
        return await self._extension(keys, extensions, otherwise="extension-unknown")

    async def _extension(
        self, keys: str, extensions: Mapping[str, Destination], *, otherwise: str
    ) -> Outcome | Chosen:
        """Return where the extension ``keys`` leads; else say what was wrong (``otherwise``: with the keys).

        Keys pressed while that is said already belong to the next try.
        """
        if keys in extensions:
            self._call.ledger.note(EventKind.EXTENSION, self._spec.name, keys)
            return Chosen(extensions[keys])
        self._note(keys)
        await self._call.caller.play(self._sound((otherwise if keys else "no-input",)), until_digit=True)
        return Outcome.INVALID if keys else Outcome.NO_INPUT

    def _label(self, key: str) -> None:
        """Let whoever answers read what was chosen: "2-Support: +48…" (row I14)."""
        identity, title = self._call.identity, self._spec.labels.get(key)
        if title:
            label = ", ".join(filter(None, (identity.label, f"{key}-{title}")))
            self._call.identity = replace(identity, label=label)

    def _note(self, keys: str) -> None:
        self._call.ledger.note(EventKind.MENU, self._spec.name, keys)

    async def _ask(self, prompt: Sequence[PlayItem], keypad: Keypad, *, skip: str = "") -> str:
        """Play and listen; return the keys pressed, empty when there were none; ``skip`` never comes first.

        Keys count from the answer on, before, during and after the prompt (row I9).
        """
        caller = self._call.caller
        if not caller.has_digits:
            await caller.play(prompt, until_digit=True)
        keys = ""
        wait = self._spec.input_seconds
        while (key := await caller.digit(wait)) is not None:
            if keys and key == END_KEY:
                break
            if not keys and key == skip:
                continue
            keys += key
            match keypad.match(keys):
                case Match.COMPLETE:
                    break
                case Match.NOTHING:
                    return keys + await self._rest_of_burst()
            wait = self._spec.interdigit_seconds
        return keys

    async def _rest_of_burst(self) -> str:
        keys = ""
        while (key := await self._call.caller.digit(BURST_S)) is not None:
            keys += key
        return keys

    def _sound(self, names: Sequence[str]) -> list[PlayItem]:
        return [item for name in names for item in self._prompts(name)]
