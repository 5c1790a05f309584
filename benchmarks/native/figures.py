"""What the program of C++ has measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks import pairing
from benchmarks.pairing import Spread


@dataclass(frozen=True)
class Figures:
    """Seconds. `rounds` has the median of each round; in the histogram is counted how many samples
    of all rounds lie from each time on, up to the next."""

    rounds: tuple[float, ...]
    histogram: tuple[tuple[float, int], ...]
    largest: float

    @property
    def spread(self) -> Spread:
        return Spread.of(self.rounds)

    @property
    def count(self) -> int:
        return sum(count for _, count in self.histogram)

    def at_least(self, share: float) -> float:
        """The time that so many samples (0.99: all but a hundredth) do not exceed, as exactly as
        the histogram tells."""
        wanted = share * self.count
        for start, count in self.histogram:
            wanted -= count
            if wanted <= 0:
                return start
        return self.largest

    def over(self, other: Figures) -> Spread:
        """This as a multiple of the other, round by round."""
        return Spread.of(pairing.ratios(self.rounds, other.rounds))


@dataclass(frozen=True)
class Case:
    """One way of handing over, with its figures or the reason why it cannot be had."""

    name: str
    size: int
    figures: Figures | None = None
    unfit: str | None = None


@dataclass(frozen=True)
class Row:
    kind: str
    cases: tuple[Case, ...]

    def of(self, name: str) -> Figures | None:
        return next((case.figures for case in self.cases if case.name == name), None)


def read_row(line: str) -> Row:
    found = json.loads(line)
    return Row(found["kind"], tuple(_case(case) for case in found["cases"]))


def _case(found: dict[str, Any]) -> Case:
    name, size = found["name"], found["bytes"]
    if "unfit" in found:
        return Case(name, size, unfit=found["unfit"])
    return Case(
        name,
        size,
        Figures(
            rounds=tuple(value * 1e-9 for value in found["rounds"]),
            histogram=tuple((start * 1e-9, count) for start, count in found["histogram"]),
            largest=found["largest"] * 1e-9,
        ),
    )
