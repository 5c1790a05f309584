"""./bench transfer: measures what it costs to carry data between processes."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import sys
from pathlib import Path

from benchmarks import machine, memory, report, transfer, yardsticks
from benchmarks.memory import Counts
from benchmarks.transfer import Pace, Side

MODULES = {"stock": "multiprocessing", "onecopy": "onecopy"}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bench", description="Benchmarks of Onecopy.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "transfer",
        help="messages between processes, stock and Onecopy in turns",
        description="Measures messages between processes, replies included, in turns with the "
        "stock multiprocessing, and prints medians. Nothing is asserted.",
    )
    names = [*(row.name for row in transfer.ROWS), *memory.ROWS]
    command.add_argument(
        "--rows",
        nargs="+",
        metavar="NAME",
        choices=names,
        help="only these: " + ", ".join(names),
    )
    command.add_argument("--rounds", type=_positive, help="rounds per row (9; 3 with --quick)")
    command.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    command.add_argument("--memory", action="store_true", help="the memory rows too")
    command.add_argument(
        "--arrays",
        type=_positive,
        default=100_000,
        help="arrays of 8 MB to send for memory-arrays (100000)",
    )
    command.add_argument(
        "--ints",
        type=_positive,
        default=200_000,
        help="ints to leave waiting for memory-ints (200000)",
    )
    command.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures there as well"
    )
    command.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        default=multiprocessing.get_start_method(),
        help="start method of both sides (the interpreter's default)",
    )
    command.add_argument(
        "--sides",
        type=_two_sides,
        default=("stock", "onecopy"),
        metavar="A,B",
        help="what to measure against what (stock,onecopy)",
    )
    command.add_argument(
        "--cores", type=int, default=2, help="cores to run on, 0 for all there are (2)"
    )
    command.add_argument(
        "--patience", type=_positive, default=300, help="seconds until a row is given up (300)"
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _two_sides(text: str) -> tuple[str, str]:
    sides = text.split(",")
    if len(sides) != 2 or not set(sides) <= set(MODULES):
        raise argparse.ArgumentTypeError(
            f"{text}: two of {', '.join(MODULES)} with a comma between"
        )
    return sides[0], sides[1]


def show_progress(text: str) -> None:
    """One line that is written over; only where somebody may be watching."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def print_row(lines: list[str]) -> None:
    show_progress("")
    print("\n".join(lines), flush=True)


def main() -> int:
    options = parse()
    machine.use_cores(options.cores)
    try:
        stock, ours = (
            Side(name, importlib.import_module(MODULES[name]), options.start)
            for name in options.sides
        )
    except ImportError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    pace = Pace(
        rounds=options.rounds or (3 if options.quick else 9),
        seconds=0.05 if options.quick else 0.2,
        patience=options.patience,
    )
    rows = [row for row in transfer.ROWS if not options.rows or row.name in options.rows]
    memory_rows = [
        name for name in memory.ROWS if options.memory or (options.rows and name in options.rows)
    ]

    counts = Counts(arrays=options.arrays, ints=options.ints)
    about = machine.describe()
    settings = {
        "sides": " ".join(options.sides),
        "start method": options.start,
        "rounds": pace.rounds,
        "seconds per round and side": pace.seconds,
    }
    print(report.machine_line(about))
    print(report.machine_line(settings), flush=True)

    results, measured = [], None
    if rows:
        show_progress("yardsticks")
        sizes = sorted({row.size for row in rows if row.size})
        measured = yardsticks.measure(sizes, pace.rounds)
        print_row(["", report.headings(options.sides)])
        for row in rows:
            result = transfer.measure(row, stock, ours, measured, pace, show_progress)
            results.append(result)
            print_row(report.row_lines(result))
        print_row(["", *report.yardstick_lines(measured, results, options.sides[1])])
        print_row(["", *report.reply_lines(results)])

    weighed = []
    for name in memory_rows:
        # The arrays only on the second side: the stock one needs half an hour for them.
        sides = options.sides[1:] if name == "memory-arrays" else options.sides
        for side in sides:
            show_progress(f"{name}, {side}")
            found = memory.probe(name, side, MODULES[side], options.start, counts)
            weighed.append(found)
            print_row(["", *memory.lines(found)])

    if options.json:
        report.write_json(options.json, about, settings, measured, results, weighed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
