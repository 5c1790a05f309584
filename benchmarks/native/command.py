"""The command line of ./bench native, and the run of the program that measures."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine, report
from benchmarks.native import bars, tables
from benchmarks.native.figures import Row, read_row

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "run" / "benchmarks" / "native_bench"
PYTHON = ROOT / ".venv" / "bin" / "python"

DESCRIPTION = (
    "Measures hand-offs between two processes of C++, each on a core of its own: of Onecopy, of "
    "Boost.Interprocess, of ZeroMQ, of pipes, Unix sockets and POSIX message queues, in turns, and "
    "prints medians; and how long an array takes from a process of Python. Nothing is asserted."
)
SIZES = (8, 64, 1 << 10, 8 << 10, 64 << 10, 1 << 20, 8 << 20, 64 << 20)
ROWS = {
    "spinning": ["spinning:8"],
    "adaptive": [f"adaptive:{size}" for size in SIZES],
    "sleeping": ["sleeping:8"],
    "moved": ["moved:" + ",".join(str(size) for size in SIZES[1:])],
    "flood": ["flood:1024"],
    "joined": [f"joined:{8 << 20}"],
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows",
        nargs="+",
        metavar="NAME",
        choices=ROWS,
        default=list(ROWS),
        help="only these: " + ", ".join(ROWS),
    )
    parser.add_argument("--rounds", type=int, help="rounds per row (15; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument(
        "--cores",
        type=_two_cores,
        metavar="A,B",
        help="the cores of the two processes (two that share as little as can be had)",
    )
    parser.add_argument(
        "--python",
        type=Path,
        default=PYTHON,
        metavar="PROGRAM",
        help="the Python of the row `joined`, with NumPy and Onecopy (.venv/bin/python)",
    )
    parser.add_argument(
        "--patience", type=int, default=300, help="seconds until a row is given up (300)"
    )


def _two_cores(text: str) -> tuple[int, int]:
    first, _, second = text.partition(",")
    return int(first), int(second)


def run(options: argparse.Namespace, program: Path = PROGRAM) -> int:
    cores = options.cores or machine.two_cores()
    rounds = options.rounds or (3 if options.quick else 15)
    milliseconds = 20 if options.quick else 50
    about = {**machine.describe(), "placement": machine.placement(*cores)}
    for package in ("numpy", "pandas"):
        del about[package]
    settings: dict[str, object] = {"rounds": rounds, "ms per round and line": milliseconds}
    print(report.machine_line(about))
    print(report.machine_line(settings), flush=True)

    wanted = options.rows
    if cores[0] == cores[1]:
        print("spinning is not measured: on one core it only keeps the other process waiting")
        wanted = [name for name in wanted if name != "spinning"]
    if "joined" in wanted and not _has_package(options.python):
        print(f"joined is not measured: {options.python} has not both NumPy and Onecopy")
        wanted = [name for name in wanted if name != "joined"]
    specs = [spec for name in wanted for spec in ROWS[name]]
    if not specs:
        print("bench: no row is left", file=sys.stderr)
        return 1
    settled = [*cores, rounds, milliseconds, options.python]
    arguments = [str(program), *map(str, settled), *specs]
    rows = []
    try:
        lines = _lines(arguments, options.patience)
        peers = json.loads(next(lines, "{}"))
        print(report.machine_line(peers), flush=True)
        for row in map(read_row, lines):
            rows.append(row)
            print("\n" + "\n".join(tables.row_lines(row)), flush=True)
    except (subprocess.CalledProcessError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if not rows:
        print("bench: the program has measured nothing", file=sys.stderr)
        return 1
    if histogram := tables.histogram_lines(rows):
        print("\n" + "\n".join(histogram))
    print("\n" + "\n".join(_summary(rows)))
    if options.json:
        report.write_json(options.json, about, {**settings, **peers}, {"rows": rows})
    return 0


def _has_package(python: Path) -> bool:
    try:
        command = [str(python), "-c", "import numpy, onecopy"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _summary(rows: list[Row]) -> list[str]:
    """The bars that were not met, or that all were."""
    judged = [
        (row, case, judgement.verdict)
        for row in rows
        for case in row.cases
        if (judgement := bars.judge(row, case)) and judgement.verdict
    ]
    missed = [
        f"  {row.kind}, {tables.TITLES[case.name]}, {tables.size_text(case.size)}: {verdict.bar}"
        for row, case, verdict in judged
        if not verdict.met
    ]
    told = f"{len(judged) - len(missed)} of {len(judged)} bars met"
    return [f"{told}; not met:", *missed] if missed else [f"{told}."]


def _lines(arguments: list[str], patience: int) -> Iterator[str]:
    """What the program says, line by line. One that takes too long over a line is ended, and its
    children with it."""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        try:
            while True:
                alarm = threading.Timer(patience, give_up)
                alarm.start()
                line = process.stdout.readline()
                alarm.cancel()
                if not line:
                    break
                yield line
            said = process.stderr.read()
        finally:
            process.kill()
    if late.is_set():
        raise TimeoutError(f"no end of a row after {patience} s")
    if process.returncode != 0:
        sys.stderr.write(said)
        raise subprocess.CalledProcessError(process.returncode, arguments)
