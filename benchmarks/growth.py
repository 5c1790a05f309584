"""What an operation costs as more and more processes do it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import report, sharing
from benchmarks.measuring import Row
from benchmarks.program import Program
from benchmarks.report import Figures, Result

PROCESSES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Grows:
    """An operation, and how so many processes do it."""

    name: str
    title: str
    open: Callable[[Any, int], Program]

    def rows(self) -> list[Row]:
        return [self._row(processes) for processes in PROCESSES]

    def _row(self, processes: int) -> Row:
        return Row(
            f"{self.name}-{processes}",
            f"{self.title}, {processes} at once",
            "elapsed time over the operations of all processes",
            lambda side, _: self.open(side.context(), processes),
            (),
        )


def _set_elements(context: Any, processes: int) -> Program:
    array = context.Array("d", processes * sharing.EACH)
    return sharing.Elements(context, sharing.set_elements, processes, array)


ALL = (
    Grows("growth-element", "set an element of one's own part of one Array", _set_elements),
    Grows("growth-lock", "lock and unlock one Lock", sharing.Locks),
)


def lines(grows: Grows, results: list[Result], sides: tuple[str, str]) -> list[str]:
    """A table with a column for each number of processes."""
    table = [
        _line(grows.title[0].upper() + grows.title[1:] + ", by", [str(n) for n in PROCESSES]),
        _line(f"  {sides[0]}", _cells(results, lambda has: report.duration(has.stock.median))),
        _line(f"  {sides[1]}", _cells(results, lambda has: report.duration(has.ours.median))),
        _line("  ratio", _cells(results, lambda has: report.times(has.ratio.median))),
    ]
    return table + [
        f"  {result.title}: failed: {result.error}" for result in results if result.error
    ]


def _cells(results: list[Result], cell: Callable[[Figures], str]) -> list[str]:
    return [cell(result.figures) if result.figures else "-" for result in results]


def _line(title: str, cells: list[str]) -> str:
    return f"{title:52}" + "".join(f" {cell:>9}" for cell in cells)
