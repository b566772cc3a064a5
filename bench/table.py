"""The one table that all benchmarks print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEAD = f"{'what':<46} {'figure':>10} {'unit':<12} {'yardstick':>10} {'ratio':>6}  remarks"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    what: str
    """What was measured."""
    figure: float
    """The result."""
    unit: str
    """Of the figure and of the yardstick."""
    yardstick: float | None = None
    """The same from what the figure is compared with, measured in the same run."""
    remarks: str = ""
    """What belongs to the figure: failures, losses, latency."""

    def __str__(self) -> str:
        beside = " " * 17
        if self.yardstick is not None:
            beside = f"{_short(self.yardstick):>10} {_short(self.figure / self.yardstick):>6}"
        return f"{self.what:<46} {_short(self.figure):>10} {self.unit:<12} {beside}  {self.remarks}".rstrip()


def _short(number: float) -> str:
    """Return three significant digits; more are noise."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def show(rows: Iterable[Row]) -> None:
    """Print the rows, each as soon as it is there."""
    for row in rows:
        print(row, flush=True)
