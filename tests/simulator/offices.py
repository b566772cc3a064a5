"""An office by chance: people, a scheme of any steps, a queue and a menu; one that ``b2bua check`` takes."""

from __future__ import annotations

from random import Random

TARGETS = (
    "101",
    "102",
    "103",
    "104",
    "mobile of anna",
    "mobile of piotr",
    "+48600999888",
    "sip:x@127.0.0.77",
)
STRATEGIES = ("ringall", "roundrobin", "linear", "random", "longest-idle", "fewest-calls")
MODES = ("together", "in-turn", "staggered")
PEOPLE = (("anna", "101"), ("piotr", "102"), ("olena", "103"), ("ivan", "104"))
NUMBER = "+48221230001"


def some_office(random: Random) -> str:
    """Return its configuration; ``NUMBER`` leads to the scheme ``tested``, which ends in a mailbox."""
    steps = [_step(random) for _ in range(random.choice((1, 2, 2, 3)))]
    steps.append('voicemail = "sales"')
    scheme = "\n".join(f"[[scheme.tested.step]]\n{step}\n" for step in steps)
    return "\n".join((_head(random), scheme, _queue(random), _menu(random)))


def _head(random: Random) -> str:
    people = "\n".join(
        f'[person.{name}]\nextension = "{extension}"\npassword = "demo-{extension}"\n'
        f'mobile = "+4860010020{extension[-1]}"\n'
        for name, extension in PEOPLE
    )
    return f"""
[office]
country = "PL"
timezone = "Europe/Warsaw"
language = "en"
data = "data"
default-trunk = "demo-out"
default-scheme = "tested"
voicemail = "sales"
[sip]
listen = "127.0.0.1:5060"
session-timer = "{random.choice(("30m", "90s"))}"
qualify-every = "{random.choice((0, 0, 10))}s"
[rtp]
address = "127.0.0.1"
[trunk.demo]
accepts-from = ["127.0.0.0/8"]
max-unanswered = "{random.choice((5, 12, 60))}s"
[trunk.demo-out]
host = "127.0.0.1"
port = 5090
number = "{NUMBER}"
channels = {random.choice((1, 2, 10))}
{people}
[voicemail.sales]
emails = ["sales@office.example"]
max = "{random.choice((5, 20))}s"
[number."{NUMBER}"]
scheme = "tested"
"""


def _step(random: Random) -> str:
    kind = random.choice(("ring", "ring", "ring", "ring", "queue", "queue", "menu"))
    if kind == "ring":
        return _ring(random)
    if kind == "queue":
        return f'queue = "sales"\nfor = "{random.choice((3, 10, 25))}s"'
    return 'menu = "main"'


def _ring(random: Random) -> str:
    targets = random.sample(TARGETS, random.choice((1, 1, 2, 3)))
    mode = random.choice(MODES)
    stagger = f'stagger = "{random.choice((1, 3))}s"\n' if mode == "staggered" else ""
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'ring = [{listed}]\nmode = "{mode}"\n{stagger}for = "{random.choice((1, 5, 10))}s"'


def _queue(random: Random) -> str:
    agents = random.sample([extension for _, extension in PEOPLE], random.choice((1, 2, 3)))
    listed = ", ".join(f'"{agent}"' for agent in agents)
    return f"""
[queue.sales]
agents = [{listed}]
strategy = "{random.choice(STRATEGIES)}"
announce-every = "{random.choice((5, 15))}s"
ring-for = "{random.choice((2, 6))}s"
wrap-up = "{random.choice((0, 3))}s"
max-wait = "20s"
"""


def _menu(random: Random) -> str:
    ring = f'{{ ring = ["{random.choice(TARGETS)}"], for = "4s" }}'
    return f"""
[menu.main]
greeting = "enter-extension"
tries = {random.choice((1, 2))}
input-timeout = "2s"
no-input = {ring}
invalid = {{ voicemail = "sales" }}
[menu.main.options]
1 = {ring}
2 = {{ queue = "sales" }}
3 = {{ dial-extension = true }}
0 = {{ voicemail = "sales" }}
"""
