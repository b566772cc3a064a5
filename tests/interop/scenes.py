"""Scenes of SIPp around one office, played all at the same time; each has a number and phones of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tests.harness.product import POLL_S, CallLine, Product, until
from tests.harness.sipp import Cast, Sipp

CALL_ENDS_S = 30.0


@dataclass(frozen=True, slots=True)
class PhonePart:
    """A phone in a scene."""

    scenario: str
    """File of ``sipp-scenarios/`` without ``phone-`` and ``.xml``."""
    arguments: tuple[str, ...] = ()
    """Further arguments for SIPp."""
    extension: str = ""
    """Which person of the demo office it is; empty: one of the scene's own."""
    over: str = "u1"
    """``u1``: it is called by UDP, ``t1``: by TCP."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One call through the trunk, the phones it meets, and what the journal must say of it."""

    name: str
    """What the test is called; names the rows of the acceptance list."""
    trunk: str
    """File of ``sipp-scenarios/`` without ``trunk-`` and ``.xml``."""
    outcome: str
    """The call's outcome in ``b2bua calls``; empty: there is no call."""
    story: tuple[str, ...]
    """What its line must contain."""
    phones: tuple[PhonePart, ...] = ()
    """Who is rung."""
    scheme: str = ""
    """A scheme of the demo office; empty: the scene's phones for ``rings_s``, then the voicemail."""
    over: str = "u1"
    """``u1``: the trunk uses UDP, ``t1``: TCP."""
    arguments: tuple[str, ...] = ()
    """Further arguments for the trunk's SIPp."""
    rings_s: int = 2
    """How long the phones are rung."""


def also_over_tcp(*scenes: Scene, but_not: tuple[Scene, ...] = ()) -> Iterator[Scene]:
    """Return the scenes, each that is played over UDP once more with everybody on TCP."""
    for scene in scenes:
        yield scene
        if scene.over == "u1" and scene not in but_not:
            phones = tuple(replace(part, over="t1") for part in scene.phones)
            yield replace(scene, name=f"{scene.name}_over_tcp", over="t1", phones=phones)


@dataclass(slots=True)
class Performance:
    """A scene on stage."""

    scene: Scene
    """What is played."""
    index: int
    """Makes number and extensions unique."""
    trunk: Sipp | None = None
    """The caller."""
    phones: list[Sipp] = field(default_factory=list)
    """The called, in the scene's order."""

    @property
    def number(self) -> str:
        """The number of the office that is dialled in this scene alone."""
        return f"+482212400{self.index:02d}"

    def extension(self, position: int) -> str:
        """Return the extension of the phone at ``position`` of the scene."""
        return self.scene.phones[position].extension or f"{8 + position}{self.index:02d}"

    def configuration(self) -> str:
        """Return the TOML of the number, its scheme and its people."""
        scene = self.scene
        scheme = scene.scheme or f"scene-{self.index}"
        lines = [f'[number."{self.number}"]', f'scheme = "{scheme}"']
        if scene.scheme:
            return "\n".join(lines) + "\n"
        extensions = [self.extension(position) for position in range(len(scene.phones))]
        for extension in extensions:
            lines += [f"[person.phone-{extension}]", f'name = "Phone {extension}"']
            lines += [f'extension = "{extension}"', f'password = "demo-{extension}"']
        lines += [f"[[scheme.{scheme}.step]]", f"ring = {extensions}".replace("'", '"')]
        lines += ['mode = "together"', f'for = "{scene.rings_s}s"']
        lines += [f"[[scheme.{scheme}.step]]", 'voicemail = "sales"']
        return "\n".join(lines) + "\n"

    def set_up(self, cast: Cast) -> None:
        """Bring the phones on stage."""
        for position, part in enumerate(self.scene.phones):
            scenario = f"phone-{part.scenario}.xml"
            self.phones.append(
                cast.phone(scenario, self.extension(position), *part.arguments, over=part.over)
            )

    def begin(self, cast: Cast) -> None:
        """Let the call come in."""
        scene = self.scene
        self.trunk = cast.trunk(f"trunk-{scene.trunk}.xml", self.number, *scene.arguments, over=scene.over)

    def end(self) -> None:
        """Wait until everyone has played as written."""
        assert self.trunk is not None
        self.trunk.wait()
        for phone in self.phones:
            phone.wait()


class Show:
    """Several performances in one running office."""

    def __init__(self, product: Product, performances: Iterable[Performance]) -> None:
        self.product = product
        self.performances = {performance.scene: performance for performance in performances}
        self._finished: dict[str, CallLine] = {}

    def journal(self, performance: Performance) -> CallLine:
        """Return the journal's line on a performance's call, once it is over."""
        number = performance.number
        until(
            lambda: self._has_finished(number),
            within=CALL_ENDS_S,
            what=f"the call to {number} is over",
            every=2 * POLL_S,
        )
        return self._finished[number]

    def _has_finished(self, number: str) -> bool:
        if number not in self._finished and self._is_over(number):
            calls = self.product.calls()
            self._finished = {call.dialled: call for call in calls if call.outcome != "in progress"}
        return number in self._finished

    def _is_over(self, number: str) -> bool:
        """Whether the command is worth its CPU time, most of a second, which the calls need more."""
        outcomes = self.product.outcomes(number)
        return outcomes is None or (bool(outcomes) and None not in outcomes)
