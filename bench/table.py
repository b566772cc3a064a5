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
        beside = (
            f"{self.yardstick:>10.4g} {self.figure / self.yardstick:>6.2f}" if self.yardstick else " " * 17
        )
        return f"{self.what:<46} {self.figure:>10.4g} {self.unit:<12} {beside}  {self.remarks}".rstrip()


def show(rows: Iterable[Row]) -> None:
    """Print the rows, each as soon as it is there."""
    for row in rows:
        print(row, flush=True)
