"""The table of ./bench pool that tells when a pool pays, at sizes that take no time."""

import multiprocessing
import time

import pytest

from benchmarks import paying
from benchmarks.pairing import Spread
from benchmarks.program import WrongAnswerError
from benchmarks.sides import Side

STOCK = Side("stock", multiprocessing, "fork")


def gain(seconds, size, stock, ours):
    return paying.Gain(seconds, size, 8, Spread.of([stock]), Spread.of([ours]))


def test_every_time_and_size_is_measured(monkeypatch):
    monkeypatch.setattr(paying, "SECONDS", (0.0, 1e-4))
    monkeypatch.setattr(paying, "BYTES", (8, 80_000))
    gains = paying.measure((STOCK, STOCK), 1, 0.001, lambda text: None)
    assert [(each.seconds, each.bytes) for each in gains] == [
        (0.0, 8), (1e-4, 8), (0.0, 80_000), (1e-4, 80_000)
    ]  # fmt: skip
    assert all(each.stock.median > 0 and each.ours.median > 0 for each in gains)


def test_a_task_works_for_its_time_on_its_processor():
    begin = time.thread_time()
    assert paying.Task(0.02)([1.0, 2.0]) == 2.0
    assert time.thread_time() - begin >= 0.02


def test_a_wrong_answer_is_noticed():
    class Forgetful:
        def map(self, task, items):
            return [0.0 for _ in items]

    leg = paying._leg(Forgetful(), paying.Task(0.0), [[1.0]])
    with pytest.raises(WrongAnswerError):
        leg(1)


def test_no_call_sends_more_than_it_may():
    for size in paying.BYTES:
        for seconds in paying.SECONDS:
            arrays = paying._arrays(size, seconds, 0.2)
            assert len(arrays) * size <= paying._MOST_BYTES
            assert len(arrays) >= paying._FEWEST
            if size <= 1_000:
                assert len({float(array[0]) for array in arrays}) == len(arrays)


def test_the_table_has_a_row_for_each_time_and_a_column_for_each_size():
    gains = [gain(seconds, size, 0.5, 1.75) for size in paying.BYTES for seconds in paying.SECONDS]
    _, heading, *rows = paying.lines(gains, ("stock", "onecopy"))
    assert heading.split() == ["8", "B", "1", "kB", "80", "kB", "1", "MB", "8", "MB"]
    assert [row.split("0.500x")[0].strip() for row in rows] == [
        "nothing", "10.0 µs", "100 µs", "1.00 ms", "10.0 ms"
    ]  # fmt: skip
    assert all(row.count("0.500x / 1.75x") == len(paying.BYTES) for row in rows)
