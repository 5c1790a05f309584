"""Results as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pairing import Spread
from benchmarks.yardsticks import Yardsticks


@dataclass(frozen=True)
class Verdict:
    """One bar of a row: what was asked and whether it was reached. None: could not be told."""

    bar: str
    met: bool | None


@dataclass(frozen=True)
class Figures:
    """Seconds per unit of both sides, and of a third leg where there is one; `ratio` is stock over
    ours, `over_beside` ours over the third leg."""

    stock: Spread
    ours: Spread
    ratio: Spread
    beside: Spread | None = None
    over_beside: Spread | None = None


@dataclass(frozen=True)
class Result:
    """One row: its figures and verdicts, or the error that kept them from being had."""

    name: str
    title: str
    reply: str
    size: int | None = None
    figures: Figures | None = None
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    beside: str | None = None  # what the third leg is called


def headings(sides: tuple[str, str]) -> str:
    return f"{'':43} {sides[0]:>10} {sides[1]:>10} {'ratio':>7} {'low-high':>14}  bar"


def duration(seconds: float | None) -> str:
    """Three significant digits in the unit that suits."""
    if seconds is None:
        return "-"
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{_three_digits(seconds / factor)} {unit}"
    return f"{_three_digits(seconds / 1e-9)} ns"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 999.5 else f"{value:#.3g}".rstrip(".")


def times(value: float) -> str:
    return f"{_three_digits(value)}x"


def verdict_text(verdict: Verdict) -> str:
    word = {True: "met", False: "NOT MET", None: "not told"}[verdict.met]
    return f"{verdict.bar}: {word}"


def row_lines(result: Result) -> list[str]:
    """The row of the main table; a further line for every bar after the first."""
    figures = result.figures
    if figures is None or result.error is not None:
        return [f"{result.title:43} failed: {result.error}"]
    spread = f"{times(figures.ratio.low)}-{times(figures.ratio.high)}"
    line = (
        f"{result.title:43} {duration(figures.stock.median):>10} "
        f"{duration(figures.ours.median):>10} {times(figures.ratio.median):>7} {spread:>14}"
    )
    verdicts = [verdict_text(verdict) for verdict in result.verdicts]
    indent = " " * len(line)
    return [f"{line}  {verdicts[0]}" if verdicts else line] + [
        f"{indent}  {text}" for text in verdicts[1:]
    ]


def yardstick_lines(yardsticks: Yardsticks, results: list[Result], side: str) -> list[str]:
    """The second side's time of every row as a multiple of each yardstick."""
    spinning = yardsticks.spinning.median if yardsticks.spinning else None
    lines = [
        "Yardsticks, round trips: two spinning processes in C++ "
        f"{duration(spinning)}, two sleeping ones {duration(yardsticks.sleeping.median)}, "
        f"queue.Queue between threads {duration(yardsticks.threads.median)}.",
        "One warm copy of "
        + ", ".join(
            f"{size / 1e6:g} MB {duration(copy.median)}"
            for size, copy in sorted(yardsticks.copies.items())
        )
        + ".",
        _echo_line(yardsticks),
        "",
        f"{f'{side} as a multiple of':43} {'a copy':>9} {'an echo':>9} {'spinning':>9} "
        f"{'sleeping':>9} {'threads':>9} {'its own int':>12}",
    ]
    for result in results:
        if result.figures is None:
            continue
        ours, ours_int = result.figures.ours.median, result.figures.beside
        copy = yardsticks.copies.get(result.size) if result.size else None
        echo = yardsticks.echoes.get(result.size) if result.size else None
        of_copy, of_echo, of_spinning, of_sleeping, of_threads, of_int = (
            times(ours / yardstick) if yardstick else "-"
            for yardstick in (
                copy.median if copy else None,
                echo.median if echo else None,
                spinning,
                yardsticks.sleeping.median,
                yardsticks.threads.median,
                ours_int.median if ours_int else None,
            )
        )
        lines.append(
            f"{result.title:43} {of_copy:>9} {of_echo:>9} {of_spinning:>9} "
            f"{of_sleeping:>9} {of_threads:>9} {of_int:>12}"
        )
    return lines


def _echo_line(yardsticks: Yardsticks) -> str:
    if not yardsticks.echoes:
        return "No echo by two spinning processes in C++: there is one core only."
    return (
        "An echo by two spinning processes in C++ that only copy: "
        + ", ".join(
            f"{size / 1e6:g} MB {duration(echo.median)}"
            for size, echo in sorted(yardsticks.echoes.items())
        )
        + "."
    )


def reply_lines(results: list[Result], heading: str = "What is waited for:") -> list[str]:
    """What each row calls a reply."""
    replies: dict[str, list[str]] = {}
    for result in results:
        replies.setdefault(result.reply, []).append(result.name)
    return [heading] + [f"  {reply}: {', '.join(names)}" for reply, names in replies.items()]


def beside_lines(results: list[Result], side: str) -> list[str]:
    """The second side's time of every row that has a third leg, as a multiple of it."""
    title = f"{side} as a multiple of a third leg"
    lines = [f"{title:43} {'the leg':>10} {'multiple':>9} {'low-high':>14}"]
    for result in results:
        figures = result.figures
        if figures is None or figures.beside is None or figures.over_beside is None:
            continue
        over = figures.over_beside
        spread = f"{times(over.low)}-{times(over.high)}"
        lines.append(
            f"{result.title:43} {duration(figures.beside.median):>10} {times(over.median):>9} "
            f"{spread:>14}  {result.beside}"
        )
    return lines if len(lines) > 1 else []


def machine_line(machine: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def write_json(
    path: Path,
    machine: dict[str, object],
    settings: dict[str, object],
    found: dict[str, object],
) -> None:
    """Everything that was printed, in seconds and bytes."""
    document = {"machine": machine, "settings": settings, **found}
    path.write_text(json.dumps(document, indent=2, default=dataclasses.asdict) + "\n")
