import json

import pytest

from benchmarks import footprint, growth, measuring, memory, report, transfer
from benchmarks.pairing import Spread
from benchmarks.report import Figures, Result, Verdict
from benchmarks.yardsticks import Yardsticks


def steady(value):
    return Spread(value, value, value)


COPY = steady(1e-3)
YARDSTICKS = Yardsticks(
    spinning=steady(0.5e-6),
    sleeping=steady(10e-6),
    threads=steady(40e-6),
    copies={8000: COPY},
    echoes={8000: steady(4e-6)},
)


def figures(stock=40e-3, ours=2e-3, beside=5e-6):
    return Figures(
        stock=steady(stock),
        ours=steady(ours),
        ratio=steady(stock / ours),
        beside=steady(beside) if beside is not None else None,
        over_beside=steady(ours / beside) if beside is not None else None,
    )


def result(figures, *verdicts):
    return Result("row", "an array", "the same back", 8000, figures, verdicts, None, "a leg")


@pytest.mark.parametrize(
    "seconds, text",
    [
        (2.5, "2.50 s"),
        (0.0165, "16.5 ms"),
        (0.165, "165 ms"),
        (43e-6, "43.0 µs"),
        (0.1e-6, "100 ns"),
        (None, "-"),
    ],
)
def test_durations_have_three_digits_and_a_unit(seconds, text):
    assert report.duration(seconds) == text


def test_a_ratio_bar_is_met_from_its_figure_on():
    bar = measuring.ratio_of(20)
    assert bar.test(figures(stock=20.0, ours=1.0), None) is True
    assert bar.test(figures(stock=19.9, ours=1.0), None) is False


def test_two_copies_and_a_hand_off():
    bar = transfer.TWO_COPIES
    assert bar.test(figures(ours=2.004e-3, beside=5e-6), COPY) is True
    assert bar.test(figures(ours=2.006e-3, beside=5e-6), COPY) is False
    assert bar.test(figures(ours=2.0e-3, beside=None), COPY) is None
    assert bar.test(figures(), None) is None


def test_a_hand_off_and_twenty_microseconds():
    bar = transfer.HAND_OFF
    assert bar.test(figures(ours=29e-6, beside=10e-6), COPY) is True
    assert bar.test(figures(ours=31e-6, beside=10e-6), COPY) is False


def words(line):
    return " ".join(line.split())


def test_every_bar_of_a_row_has_its_line():
    row = result(figures(), Verdict("20x", True), Verdict("two copies", False))

    first, second = report.row_lines(row)

    assert words(first) == "an array 40.0 ms 2.00 ms 20.0x 20.0x-20.0x 20x: met"
    assert words(second) == "two copies: NOT MET"


def test_a_row_that_failed_says_why():
    failed = Result("row", "an array", "the same back", error="MemoryError: full")
    (line,) = report.row_lines(failed)
    assert line.endswith("failed: MemoryError: full")


def test_multiples_of_the_yardsticks():
    lines = report.yardstick_lines(YARDSTICKS, [result(figures())], "onecopy")
    assert words(lines[-1]) == "an array 2.00x 500x 4000x 200x 50.0x 400x"


def test_without_a_second_core_there_is_no_spinning_figure():
    alone = Yardsticks(None, steady(10e-6), steady(40e-6), {}, {})
    lines = report.yardstick_lines(alone, [result(figures(beside=None))], "onecopy")
    assert words(lines[-1]) == "an array - - - 200x 50.0x -"


def test_multiples_of_a_third_leg():
    _, line = report.beside_lines([result(figures(ours=3e-3, beside=2e-3))], "onecopy")
    assert words(line) == "an array 2.00 ms 1.50x 1.50x-1.50x a leg"


def test_nothing_is_said_of_third_legs_where_there_are_none():
    assert report.beside_lines([result(figures(beside=None))], "onecopy") == []


def test_growth_has_a_column_for_each_number_of_processes():
    grows = growth.Grows("growth", "do it", lambda context, processes: None)
    results = [
        Result(row.name, row.title, row.reply, figures=figures(stock=4e-6, ours=processes * 1e-6))
        for row, processes in zip(grows.rows(), growth.PROCESSES)
    ]

    lines = growth.lines(grows, results, ("stock", "onecopy"))

    assert [words(line) for line in lines] == [
        "Do it, by 1 2 4 8 16",
        "stock 4.00 µs 4.00 µs 4.00 µs 4.00 µs 4.00 µs",
        "onecopy 1.00 µs 2.00 µs 4.00 µs 8.00 µs 16.0 µs",
        "ratio 4.00x 2.00x 1.00x 0.500x 0.250x",
    ]


def test_a_number_of_processes_that_failed_has_no_figure_but_a_reason():
    grows = growth.Grows("growth", "do it", lambda context, processes: None)
    failed = [
        Result(row.name, row.title, row.reply, error="OSError: none left") for row in grows.rows()
    ]

    lines = growth.lines(grows, failed, ("stock", "onecopy"))

    assert words(lines[1]) == "stock - - - - -"
    assert lines[-1].endswith("do it, 16 at once: failed: OSError: none left")


def test_bytes_come_with_how_they_were_counted():
    found = {"side": "stock", "count": 100, "Value": 4100.2, "Lock": 4096.0, "measure": "in pages"}
    (line,) = footprint.lines(found)
    assert line == "stock: a Value takes 4100 bytes, a Lock 4096 (in pages, of 100 each)"


def test_json_holds_the_figures(tmp_path):
    path = tmp_path / "figures.json"
    report.write_json(
        path,
        {"cpu": "x"},
        {"rounds": 3},
        {"yardsticks": YARDSTICKS, "rows": [result(figures())], "memory": [{"name": "m"}]},
    )

    document = json.loads(path.read_text())

    assert document["machine"] == {"cpu": "x"}
    assert document["rows"][0]["figures"]["ours"] == {"median": 2e-3, "low": 2e-3, "high": 2e-3}
    assert document["yardsticks"]["copies"]["8000"]["median"] == 1e-3
    assert document["memory"] == [{"name": "m"}]


def arrays_found(**later):
    """The memory row of a program in which only `later` changed after the first arrays."""
    point = {"arrays": 100, "parent": 50_000_000, "child": 40_000_000, "arena": {"arena warm": 5}}
    after = [point, {**point, "arrays": 900, **later}]
    return {"name": "memory-arrays", "side": "onecopy", "after": after}


@pytest.mark.parametrize(
    "later, verdict",
    [
        ({}, "met"),
        ({"parent": 52_000_000}, "NOT MET"),
        ({"child": 42_000_000}, "NOT MET"),
        ({"arena": {"arena warm": 2_000_000}}, "NOT MET"),
    ],
)
def test_memory_must_be_where_it_was(later, verdict):
    *_, last = memory.lines(arrays_found(**later))
    assert last.endswith(f": {verdict}")


@pytest.mark.parametrize("each, verdict", [(64.0, "met"), (64.5, "NOT MET")])
def test_a_waiting_int_has_a_limit(each, verdict):
    found = {"name": "memory-ints", "side": "onecopy", "ints": 10, "bytes per int": each}
    *_, last = memory.lines(found)
    assert last.endswith(f": {verdict}")
