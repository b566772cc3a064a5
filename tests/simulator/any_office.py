"""Any office that ``b2bua check`` takes: schemes within schemes, menus, queues, hours, mailboxes, webhooks.

Whatever refers to something else refers to what stands on a later level, so that nothing leads into itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

PEOPLE = {"anna": "101", "piotr": "102", "olena": "103", "ivan": "104"}
OUTSIDE = ("+48600999888", "+48221110000", "+380671234567")
NOBODY = "sip:x@127.0.0.77"
NUMBERS = ("+48221230001", "+48221230002", "+48221230003")
UNLISTED = "+48221239876"
HOURS = {
    "open": 'daily = "24h"',
    "shut": 'daily = "closed"',
    "till-noon": 'daily = "08:00-12:01"',
    "from-noon": 'daily = "12:01-20:00"',
    "feast": 'daily = "24h"\nholidays = ["11-23"]',
}
"""The story begins on Monday, 23 November at noon: two of them change while it goes on."""
OUTCOMES = (
    "no-answer",
    "busy",
    "offline",
    "rejected",
    "error",
    "max-wait",
    "off-hours",
    "no-input",
    "invalid",
)
STRATEGIES = ("ringall", "roundrobin", "linear", "random", "longest-idle", "fewest-calls")
PROMPTS = ("connected", "queue-thanks", "transferring")
SECONDS = (1, 3, 8)


@dataclass
class Writer:
    """Draws one configuration."""

    random: Random
    levels: int
    """How deep things lead into one another."""
    asks: bool
    """Whether servers of others are asked."""

    def office(self) -> str:
        """Return it as a file."""
        parts = [self._head(), *(self._hours(name) for name in HOURS)]
        for level in range(self.levels):
            parts += [self._scheme(level), self._menu(level), self._queue(level), self._webhook(level)]
        parts += [self._number(number) for number in NUMBERS]
        return "\n".join(parts)

    def _head(self) -> str:
        random = self.random
        people = "\n".join(
            f'[person.{name}]\nextension = "{extension}"\npassword = "demo-{extension}"\n'
            f'mobile = "+4860010020{extension[-1]}"\n'
            f"mobile-confirm = {random.choice(('true', 'false', 'false'))}\n"
            for name, extension in PEOPLE.items()
        )
        return f"""
[office]
country = "PL"
timezone = "Europe/Warsaw"
data = "data"
default-trunk = "out"
default-scheme = "s0"
[sip]
listen = "127.0.0.1:5060"
[rtp]
address = "127.0.0.1"
[trunk.in]
accepts-from = ["127.0.0.0/8"]
max-unanswered = "{random.choice((5, 12, 60))}s"
[trunk.out]
host = "127.0.0.1"
port = 5090
number = "{NUMBERS[0]}"
channels = {random.choice((1, 2, 10))}
rates = "list"
daily-cap = {random.choice(("0.01", "9.00"))}
[rates.list]
currency = "UAH"
prefixes = {{ "+48" = "0.60", "+380" = "0.10" }}
{people}
[voicemail.office]
emails = ["office@office.example"]
greeting = "connected"
max = "5s"
[voicemail.night]
emails = ["office@office.example"]
greeting = "closed"
max = "5s"
"""

    def _hours(self, name: str) -> str:
        return f"[hours.{name}]\n{HOURS[name]}\n"

    def _scheme(self, level: int) -> str:
        """Return a scheme that may be nested; the first of all is the default one and ends in a mailbox."""
        random = self.random
        table = [f"[scheme.s{level}]"]
        if level + 1 < self.levels and random.random() < 0.2:
            when = random.choice(
                ('days = "mon-fri"', 'days = "sat-sun"', f'hours = "{random.choice(list(HOURS))}"')
            )
            table += [when, f'otherwise = "s{random.randrange(level + 1, self.levels)}"']
        steps = [self._step(level) for _ in range(random.choice((1, 2, 2, 3)))]
        steps += [f'voicemail = "{random.choice(("office", "night"))}"']
        head = f"[[scheme.s{level}.step]]\n"
        return "\n".join((*table, *(f"{head}{step}\n" for step in steps)))

    def _step(self, level: int) -> str:
        random = self.random
        lines = [self._destination(level)]
        if random.random() < 0.25:
            lines.append(f'hours = "{random.choice(list(HOURS))}"')
        if random.random() < 0.2:
            after = random.sample(OUTCOMES, random.choice((1, 2, 4)))
            lines.append(f"after = [{', '.join(f'{each!r}' for each in after)}]".replace("'", '"'))
        return "\n".join(lines)

    def _destination(self, level: int) -> str:
        random = self.random
        kinds = ["ring"] * 5 + ["queue", "say", "extension"] + ["webhook"] * self.asks
        kinds += ["scheme", "menu"] if level + 1 < self.levels else []
        match random.choice(kinds):
            case "queue":
                return f'queue = "q{random.randrange(self.levels)}"\nfor = "{random.choice((2, 6, 15))}s"'
            case "say":
                return f'say = "{random.choice(PROMPTS)}"'
            case "webhook":
                return f'webhook = "w{level}"'
            case "extension":
                return f'extension = "{random.choice(list(PEOPLE.values()))}"'
            case "scheme" | "menu" as kind:
                return f'{kind} = "{kind[0]}{random.randrange(level + 1, self.levels)}"'
        return self._ring()

    def _ring(self) -> str:
        random = self.random
        targets = [*PEOPLE, *(f"mobile of {name}" for name in PEOPLE), *OUTSIDE, NOBODY]
        chosen = random.sample(targets, random.choice((1, 1, 2, 3)))
        lines = [
            f"ring = [{', '.join(f'{each!r}' for each in chosen)}]",
            f'for = "{random.choice(SECONDS)}s"',
        ]
        mode = random.choice(("together", "in-turn", "staggered"))
        lines += [f'mode = "{mode}"', *(['stagger = "1s"'] if mode == "staggered" else [])]
        if random.random() < 0.2 and not set(chosen) <= set(PEOPLE):
            lines += ["confirm = true", 'confirm-within = "5s"']
        if random.random() < 0.1:
            lines.append('music = "calm"')
        return "\n".join(lines)

    def _menu(self, level: int) -> str:
        random = self.random

        def choice() -> str:
            line = self._destination(level)
            return "{ " + line.replace("\n", ", ") + " }"

        options = "\n".join(
            f"{digit} = {choice()}" for digit in random.sample("1234", random.choice((1, 2, 4)))
        )
        return f"""
[menu.m{level}]
greeting = "enter-extension"
tries = {random.choice((1, 2))}
input-timeout = "1s"
no-input = {choice()}
invalid = {choice()}
[menu.m{level}.options]
{options}
9 = {{ dial-extension = true }}
"""

    def _queue(self, level: int) -> str:
        random = self.random
        agents = ", ".join(f'"{name}"' for name in random.sample(list(PEOPLE), random.choice((1, 2, 3))))
        return f"""
[queue.q{level}]
agents = [{agents}]
strategy = "{random.choice(STRATEGIES)}"
ring-for = "{random.choice((2, 6))}s"
announce-every = "5s"
max-wait = "10s"
whisper = {random.choice(("true", "false"))}
"""

    def _webhook(self, level: int) -> str:
        if not self.asks:
            return ""
        seconds = self.random.choice(SECONDS)
        return f'[webhook.w{level}]\nurl = "https://handler.example/{level}"\nfor = "{seconds}s"\n'

    def _number(self, number: str) -> str:
        random = self.random
        schemes = [f"s{level}" for level in range(self.levels)]
        lines = [f'[number."{number}"]']
        if random.random() < 0.5:
            lines.append(f'scheme = "{random.choice(schemes)}"')
        else:
            lines += [
                f'schedule = "{random.choice(list(HOURS))}"',
                f'in-hours = "{random.choice(schemes)}"',
                f'off-hours = "{random.choice(schemes)}"',
            ]
            lines += [f'holiday = "{random.choice(schemes)}"'] if random.random() < 0.3 else []
        lines += ['sticky = "today"', 'sticky-for = "2s"'] if random.random() < 0.2 else []
        return "\n".join(lines) + "\n"


def any_office(random: Random) -> str:
    """Return a configuration by chance."""
    return Writer(random, levels=random.choice((1, 2, 3, 4)), asks=random.random() < 0.3).office()
