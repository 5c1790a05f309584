"""The benchmark itself, with the stock module on both sides, at sizes that take no time."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import exchanges, fresh, measuring, program, shared, transfer
from benchmarks.measuring import Pace
from benchmarks.pairing import Spread
from benchmarks.sides import Side

ROOT = Path(__file__).resolve().parents[2]
STOCK = Side("stock", multiprocessing, "spawn")
BRISK = Pace(rounds=2, seconds=0.01, patience=60)


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_row_goes_into_the_table_and_into_the_file(tmp_path):
    path = tmp_path / "figures.json"

    done = bench(
        "transfer", "--sides", "stock,stock", "--quick", "--rows", "queue-int", "--json", str(path)
    )

    assert done.returncode == 0, done.stderr
    assert "int over Queue" in done.stdout
    (row,) = json.loads(path.read_text())["rows"]
    assert row["name"] == "queue-int"
    assert row["error"] is None
    stock = row["figures"]["stock"]
    assert 0 < stock["low"] <= stock["median"] <= stock["high"]


def test_memory_rows_count_bytes():
    done = bench(
        "transfer", "--sides", "stock,stock", "--rows", "memory-arrays", "memory-ints",
        "--arrays", "3", "--ints", "1000",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "after 3 arrays of 8 MB: resident" in done.stdout
    assert "1000 ints waiting in a Queue" in done.stdout


def test_an_unknown_row_is_refused():
    done = bench("transfer", "--rows", "no-such-row")
    assert done.returncode == 2
    assert "no-such-row" in done.stderr


def test_shared_goes_into_tables_and_into_the_file(tmp_path):
    path = tmp_path / "figures.json"

    done = bench(
        "shared", "--sides", "stock,stock", "--quick", "--rounds", "1", "--json", str(path),
        "--rows", "element-set", "slice-get", "growth-lock", "bytes",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "one element set, locked Array" in done.stdout
    assert "Lock and unlock one Lock, by" in done.stdout
    assert "a Value takes" in done.stdout
    found = json.loads(path.read_text())
    element, a_slice = found["rows"]
    assert element["error"] is None and a_slice["error"] is None
    assert [verdict["bar"] for verdict in element["verdicts"]] == [
        "9x",
        "within 1.3x of array.array",
    ]
    assert element["figures"]["beside"]["median"] > 0
    assert [grown["name"] for grown in found["growth"]] == [
        f"growth-lock-{processes}" for processes in (1, 2, 4, 8, 16)
    ]
    assert all(weighed["Lock"] > 0 for weighed in found["bytes"])


def exchange_cases():
    array = np.arange(1000.0)
    return {
        "queue echo": lambda context: exchanges.QueueEcho(context, array),
        "pipe echo": lambda context: exchanges.PipeEcho(context, array),
        "flood": lambda context: exchanges.Flood(context, 100),
        "lists": lambda context: exchanges.Lists(context, 2, 100),
        "temporary": lambda context: exchanges.Temporary(context, 8000),
    }


@pytest.mark.parametrize("case", list(exchange_cases()))
def test_an_exchange_checks_its_answer_and_ends_its_children(case):
    exchange = exchange_cases()[case](STOCK.context())

    exchange.check()
    seconds = exchange.run(3)
    exchange.close()

    assert seconds > 0
    assert [process.exitcode for process in exchange.processes] == [0] * len(exchange.processes)


def test_the_first_array_comes_from_a_fresh_interpreter(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert fresh.First("benchmarks.first_array", "multiprocessing", "fork", "8000").run(1) > 0


def test_an_echo_that_differs_is_a_wrong_answer():
    echo = exchanges.QueueEcho(STOCK.context(), 1.5)
    echo.receive = lambda: 2.5
    with pytest.raises(program.WrongAnswerError):
        echo.check()
    echo.abandon()


def measure(row, pace=BRISK):
    return measuring.measure(row, STOCK, STOCK, pace, lambda text: None)


def test_a_row_that_fails_is_a_result_with_an_error():
    def refuse(side, message):
        raise MemoryError("no room")

    result = measure(measuring.Row("row", "a row", "none", refuse, ()))

    assert result.error == "MemoryError: no room"
    assert result.figures is None


def test_a_row_that_hangs_is_given_up_and_its_children_ended():
    opened = []

    class Mute(exchanges.QueueEcho):
        def check(self):
            self.receive()

    def open_mute(side, message):
        opened.append(Mute(side.context(), message))
        return opened[-1]

    row = measuring.Row("row", "a row", "none", open_mute, ())
    result = measure(row, Pace(rounds=1, seconds=0.01, patience=1))

    assert result.error == "TimeoutError: no end after 1 s"
    assert not any(process.is_alive() for exchange in opened for process in exchange.processes)


def test_both_sides_of_a_row_are_measured():
    row = measuring.Row(
        "row", "an int", "back", transfer._over_queue, (measuring.ratio_of(0.001),), lambda: 7
    )
    result = measure(row)
    assert result.error is None
    assert [verdict.met for verdict in result.verdicts] == [True]


def test_an_int_over_the_same_channel_is_measured_beside():
    row = measuring.Row(
        "row",
        "an array",
        "back",
        transfer._over_queue,
        (),
        lambda: np.zeros(10),
        beside=transfer.INT,
    )
    result = measure(row)
    assert result.error is None
    assert result.beside == "an int over the same channel"
    assert result.figures.beside.median > 0


class Fixed(program.Program):
    """A program that takes as many seconds as it is told to take."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def check(self):
        pass

    def run(self, calls):
        return calls * self.seconds


@pytest.mark.parametrize("seconds, met", [(1.25, True), (1.5, False)])
def test_a_third_leg_is_something_to_stay_near(seconds, met):
    beside = measuring.Beside("the leg", lambda start_method, ours: Fixed(1.0))
    row = measuring.Row(
        "row", "a row", "none", lambda side, message: Fixed(seconds), (beside.within(1.3),),
        beside=beside,
    )  # fmt: skip
    result = measure(row)
    assert result.figures.over_beside == Spread(seconds, seconds, seconds)
    (verdict,) = result.verdicts
    assert (verdict.bar, verdict.met) == ("within 1.3x of the leg", met)


@pytest.mark.parametrize(
    "names", [[row.name for row in transfer.ROWS], shared.NAMES], ids=["transfer", "shared"]
)
def test_names_of_rows_are_different(names):
    assert len(names) == len(set(names))
