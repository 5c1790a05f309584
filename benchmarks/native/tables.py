"""Rows as tables for people."""

from __future__ import annotations

from benchmarks.native.bars import judge
from benchmarks.native.figures import Case, Figures, Row
from benchmarks.report import duration, times, verdict_text

WIDTH = 40  # of the first column

TITLES = {
    "words": "two words of shared memory",
    "queue": "onecopy::Queue",
    "pipe": "onecopy::Pipe",
    "shared": "onecopy::Shared over a Queue",
    "cpp": "C++ to C++",
    "python": "Python to C++",
    "boost": "Boost.Interprocess message_queue",
    "zeromq": "ZeroMQ, ipc://",
    "system-pipe": "pipe",
    "socket": "Unix socket",
    "posix-queue": "POSIX message queue",
}
KINDS = {
    "spinning": "One hand-off of {}, spinning: who receives asks again and again",
    "adaptive": "One hand-off of {}, adaptive: who receives waits in the way of each",
    "sleeping": "One hand-off of {}, sleeping: to a receiver that the kernel must wake",
    "flood": "Messages of {}, many in flight, each",
    "moved": "One hand-off of memory that stays where it is, adaptive",
    "joined": "One array of {}, from asking another process for it until it has come",
}


def size_text(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def row_lines(row: Row) -> list[str]:
    title = KINDS[row.kind].format(size_text(row.cases[0].size))
    columns = " " * WIDTH + f"{'median':>9}{'low-high of rounds':>21}"
    columns += _cells("99 %", "99.9 %", "most")
    return [title, columns] + [_case_line(row, case) for case in row.cases]


def _cells(*texts: str) -> str:
    return "".join(f"{text:>9}" for text in texts)


def _case_line(row: Row, case: Case) -> str:
    title = TITLES[case.name]
    if row.kind == "moved":
        title = f"{title}, {size_text(case.size)}"
    if case.figures is None:
        return f"{title:{WIDTH}} not measured: {case.unfit}"
    spread = case.figures.spread
    line = (
        f"{title:{WIDTH}}{duration(spread.median):>9}"
        f"{f'{duration(spread.low)}-{duration(spread.high)}':>21}"
        + _cells(*(duration(case.figures.at_least(share)) for share in (0.99, 0.999)))
        + _cells(duration(case.figures.largest))
    )
    judgement = judge(row, case)
    if judgement is None:
        return line
    against = "the smallest" if row.kind == "moved" else TITLES[judgement.against]
    line += f"  {times(judgement.multiple.median)} {against}"
    if judgement.verdict is not None:
        line += f"; {verdict_text(judgement.verdict)}"
    return line


def histogram_lines(rows: list[Row]) -> list[str]:
    """Of the rows of the smallest message: how many hand-offs of each case, in percent, took less
    than so long and not less than half of it."""
    chosen = [
        (row, case, case.figures)
        for row in rows
        for case in row.cases
        if row.kind in ("spinning", "adaptive", "sleeping") and case.size == 8 and case.figures
    ]
    if not chosen:
        return []
    limits = [125e-9 * 2**power for power in range(12)]
    lines = [
        "How long single hand-offs of 8 B took, in percent of each line",
        f"{'':{WIDTH}}"
        + "".join(f"{f'<{duration(limit)}':>9}" for limit in limits)
        + f"{'more':>9}",
    ]
    kind = ""
    for row, case, figures in chosen:
        if row.kind != kind:
            kind = row.kind
            lines.append(f"{kind}:")
        shares = _shares(figures, limits)
        lines.append(
            f"{TITLES[case.name]:{WIDTH}}" + "".join(f"{_percent(each):>9}" for each in shares)
        )
    return lines


def _shares(figures: Figures, limits: list[float]) -> list[float]:
    counts = [0] * (len(limits) + 1)
    for start, count in figures.histogram:
        counts[sum(start >= limit for limit in limits)] += count
    return [count / figures.count for count in counts]


def _percent(share: float) -> str:
    if share == 0:
        return "."
    return f"{100 * share:.1f}" if share >= 0.0005 else "<0.1"
