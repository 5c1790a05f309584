"""./bench: what it costs to carry data between processes, and to share it."""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    footprint,
    growth,
    machine,
    measuring,
    memory,
    paying,
    pool,
    report,
    shared,
    transfer,
    yardsticks,
)
from benchmarks.measuring import Pace, Row
from benchmarks.memory import Counts
from benchmarks.native import command as native
from benchmarks.options import parse
from benchmarks.report import Result
from benchmarks.sides import MODULES, Side


def show_progress(text: str) -> None:
    """One line that is written over; only where somebody may be watching."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def print_lines(lines: list[str]) -> None:
    show_progress("")
    print("\n".join(lines), flush=True)


def run_transfer(
    options: argparse.Namespace, sides: tuple[Side, Side], pace: Pace
) -> dict[str, object]:
    rows = [row for row in transfer.ROWS if not options.rows or row.name in options.rows]
    memory_rows = [
        name for name in memory.ROWS if options.memory or (options.rows and name in options.rows)
    ]

    results, measured = [], None
    if rows:
        show_progress("yardsticks")
        sizes = sorted({row.size for row in rows if row.size})
        measured = yardsticks.measure(sizes, pace.rounds)
        print_lines(["", report.headings(options.sides)])
        for row in rows:
            result = measuring.measure(row, *sides, pace, show_progress, measured)
            results.append(result)
            print_lines(report.row_lines(result))
        print_lines(["", *report.yardstick_lines(measured, results, options.sides[1])])
        print_lines(["", *report.reply_lines(results)])

    weighed = []
    counts = Counts(arrays=options.arrays, ints=options.ints)
    for name in memory_rows:
        # The arrays only on the second side: the stock one needs half an hour for them.
        for side in options.sides[1:] if name == "memory-arrays" else options.sides:
            show_progress(f"{name}, {side}")
            found = memory.probe(name, side, MODULES[side], options.start, counts)
            weighed.append(found)
            print_lines(["", *memory.lines(found)])
    return {"yardsticks": measured, "rows": results, "memory": weighed}


def run_rows(
    rows: list[Row], options: argparse.Namespace, sides: tuple[Side, Side], pace: Pace
) -> list[Result]:
    results: list[Result] = []
    if not rows:
        return results
    print_lines(["", report.headings(options.sides)])
    for row in rows:
        result = measuring.measure(row, *sides, pace, show_progress)
        results.append(result)
        print_lines(report.row_lines(result))
    if beside := report.beside_lines(results, options.sides[1]):
        print_lines(["", *beside])
    print_lines(["", *report.reply_lines(results, "What is timed, up to:")])
    return results


def run_pool(
    options: argparse.Namespace, sides: tuple[Side, Side], pace: Pace
) -> dict[str, object]:
    wanted = options.rows or pool.NAMES
    rows = [row for row in pool.ROWS if row.name in wanted]
    results = run_rows(rows, options, sides, pace)
    gains = []
    if paying.NAME in wanted:
        gains = paying.measure(sides, pace.rounds, pace.seconds, show_progress)
        print_lines(["", *paying.lines(gains, options.sides)])
    return {"rows": results, "paying": gains}


def run_shared(
    options: argparse.Namespace, sides: tuple[Side, Side], pace: Pace
) -> dict[str, object]:
    wanted = options.rows or shared.NAMES

    results = run_rows([row for row in shared.ROWS if row.name in wanted], options, sides, pace)
    grown = []
    for grows in growth.ALL:
        if grows.name in wanted:
            found = [measuring.measure(row, *sides, pace, show_progress) for row in grows.rows()]
            grown.extend(found)
            print_lines(["", *growth.lines(grows, found, options.sides)])

    weighed = []
    if footprint.NAME in wanted:
        print_lines([""])
        for side in options.sides:
            show_progress(f"{footprint.NAME}, {side}")
            weighed.append(footprint.weigh(side, MODULES[side], options.start))
            print_lines(footprint.lines(weighed[-1]))
    return {"rows": results, "growth": grown, "bytes": weighed}


def main() -> int:
    options = parse()
    if options.command == "native":
        return native.run(options)
    machine.use_cores(options.cores)
    try:
        stock, ours = (Side.named(name, options.start) for name in options.sides)
    except ImportError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    pace = Pace(
        rounds=options.rounds or (3 if options.quick else 9),
        seconds=0.05 if options.quick else 0.2,
        patience=options.patience,
    )
    about = machine.describe()
    settings: dict[str, object] = {
        "sides": " ".join(options.sides),
        "start method": options.start,
        "rounds": pace.rounds,
        "seconds per round and side": pace.seconds,
    }
    print(report.machine_line(about))
    print(report.machine_line(settings), flush=True)

    run = {"transfer": run_transfer, "shared": run_shared, "pool": run_pool}[options.command]
    found = run(options, (stock, ours), pace)
    if options.json:
        report.write_json(options.json, about, settings, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
