"""The command line of ./bench."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

from benchmarks import memory, pool, shared, transfer
from benchmarks.native import command as native
from benchmarks.sides import MODULES


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bench", description="Benchmarks of Onecopy.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser(
        "transfer",
        help="messages between processes, stock and Onecopy in turns",
        description="Measures messages between processes, replies included, in turns with the "
        "stock multiprocessing, and prints medians. Nothing is asserted.",
    )
    _add_common(command, [*(row.name for row in transfer.ROWS), *memory.ROWS])
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

    command = commands.add_parser(
        "shared",
        help="locks and shared data, stock and Onecopy in turns",
        description="Measures locks, Array, Value and Manager().dict() in turns with the stock "
        "multiprocessing, and prints medians. Nothing is asserted.",
    )
    _add_common(command, shared.NAMES)

    command = commands.add_parser(
        "pool",
        help="pools and starting processes, stock and Onecopy in turns",
        description="Measures what pools do, of two workers mostly, and starting a process, in "
        "turns with the stock multiprocessing, and prints medians. Nothing is asserted.",
    )
    _add_common(command, pool.NAMES)

    native.add_options(
        commands.add_parser(
            "native",
            help="hand-offs in C++, beside those of other libraries and of the kernel",
            description=native.DESCRIPTION,
        )
    )

    return parser.parse_args(arguments)


def _add_common(command: argparse.ArgumentParser, rows: Sequence[str]) -> None:
    command.add_argument(
        "--rows", nargs="+", metavar="NAME", choices=rows, help="only these: " + ", ".join(rows)
    )
    command.add_argument("--rounds", type=_positive, help="rounds per row (9; 3 with --quick)")
    command.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
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
