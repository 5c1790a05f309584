"""`onecopy compare`: one program two ways, in turn, and what came of it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
GRACE = 2.0  # seconds for what the program left behind to end


@dataclass(frozen=True)
class Way:
    """How to run the program, and what to call that in the report."""

    name: str
    command: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run of the program, with all the processes that it started."""

    wall: float  # seconds until the program itself ended
    processor: float  # seconds, user and system
    peak: float  # bytes, of the largest single process
    exit_code: int
    left: bool  # some process was still running a while after the program's end
    output: list[str]
    errors: list[str]


@dataclass(frozen=True)
class Difference:
    line: int
    stock: str
    onecopy: str


@dataclass(frozen=True)
class Agreement:
    """How the outputs of several runs compare, line by line."""

    compared: int
    excused: int  # times, and lines that vary under stock already
    differences: list[Difference]
    lengths: tuple[int, int] | None = None  # of the outputs, where that is what differs


def compare(stock: Way, onecopy: Way, runs: int) -> int:
    _adopt_orphans()
    results: dict[str, list[Run]] = {stock.name: [], onecopy.name: []}
    try:
        for number in range(1, runs + 1):
            for way in (stock, onecopy):
                result = measure(way)
                results[way.name].append(result)
                print(f"{way.name} {number} of {runs}: {result.wall:.3f} s", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    _print_table(results[stock.name], results[onecopy.name])
    well = [_print_ends(name, result) for name, result in results.items()]
    agreement = agree(
        [run.output for run in results[stock.name]], [run.output for run in results[onecopy.name]]
    )
    _print_agreement(agreement)
    return 0 if all(well) and not agreement.differences and not agreement.lengths else 1


def measure(way: Way) -> Run:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            way.command,
            env=way.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        processor = usage.ru_utime + usage.ru_stime
        peak = usage.ru_maxrss
        # What the program did not wait for itself, stock's resource tracker for one, comes to us.
        left = True
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            try:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                left = False
                break
            if pid == 0:
                time.sleep(0.005)
                continue
            processor += usage.ru_utime + usage.ru_stime
            peak = max(peak, usage.ru_maxrss)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace").splitlines())
    return Run(wall, processor, peak * 1024, process.returncode, left, texts[0], texts[1])


def agree(stock: Sequence[Sequence[str]], onecopy: Sequence[Sequence[str]]) -> Agreement:
    """Holds the lines of each run under Onecopy against the same lines under stock."""
    lengths = {len(lines) for lines in stock}
    for lines in onecopy:
        if len(lines) not in lengths:
            return Agreement(0, 0, [], (len(stock[0]), len(lines)))
    compared = excused = 0
    differences = []
    for index in range(min(lengths)):
        expected = stock[0][index]
        if expected.startswith("time:") or any(lines[index] != expected for lines in stock):
            excused += 1
            continue
        compared += 1
        other = next((lines[index] for lines in onecopy if lines[index] != expected), None)
        if other is not None:
            differences.append(Difference(index + 1, expected, other))
    return Agreement(compared, excused + max(lengths) - min(lengths), differences)


def _adopt_orphans() -> None:
    """Lets processes that lost their parent become ours, so that they are counted and awaited."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _print_table(stock: Sequence[Run], onecopy: Sequence[Run]) -> None:
    rows: list[tuple[str, str, Callable[[Run], float]]] = [
        ("wall", "s", lambda run: run.wall),
        ("processor", "s", lambda run: run.processor),
        ("peak memory", "MB", lambda run: run.peak / 1e6),
    ]
    print(f"{'':<12}{'stock':>26}{'onecopy':>26}{'stock / onecopy':>18}")
    for name, unit, figure in rows:
        before, after = [figure(run) for run in stock], [figure(run) for run in onecopy]
        ratio = statistics.median(before) / max(statistics.median(after), 1e-9)
        print(f"{name:<12}{_spread(before, unit):>26}{_spread(after, unit):>26}{ratio:>17.2f}x")
    print(
        f"median (lowest to highest) of {len(stock)} under each; time of all processes, memory of "
        "the largest one"
    )


def _spread(values: Sequence[float], unit: str) -> str:
    digits = 3 if unit == "s" else 1
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def _print_ends(name: str, runs: Sequence[Run]) -> bool:
    """Says how the runs ended where that is not simply well; whether all did."""
    bad = [run for run in runs if run.exit_code != 0]
    if bad:
        print(f"{name} ended {len(bad)} of {len(runs)} times with exit code {bad[0].exit_code}")
        for line in bad[0].errors[-20:]:
            print(f"  {line}")
    if any(run.left for run in runs):
        print(f"{name} left processes running")
    return not bad


def _print_agreement(agreement: Agreement) -> None:
    counts = (
        f"lines compared: {agreement.compared}; times, or varying under stock already: "
        f"{agreement.excused}"
    )
    if agreement.lengths:
        before, after = agreement.lengths
        print(f"output: DIFFERS: {before} lines under stock, {after} under Onecopy")
    elif agreement.differences:
        first = agreement.differences[0]
        print(f"output: DIFFERS in {len(agreement.differences)} lines ({counts})")
        print(f"  line {first.line} under stock:   {first.stock}")
        print(f"  line {first.line} under Onecopy: {first.onecopy}")
    else:
        print(f"output: the same ({counts})")
