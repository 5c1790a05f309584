"""The rows of ./bench pool, with the stock module on both sides, at sizes that take no time."""

import multiprocessing
import os
import time

import pytest

from benchmarks import measuring, pool, pooling, starting
from benchmarks.measuring import Pace
from benchmarks.program import WrongAnswerError
from benchmarks.sides import Side

STOCK = Side("stock", multiprocessing, "fork")
BRISK = Pace(rounds=1, seconds=0.001, patience=60)
SLOW = {"products", "svd-1", "svd-2", "svd-all"}  # have matrices of their own size


@pytest.mark.parametrize(
    "row", [row for row in pool.ROWS if row.name not in SLOW], ids=lambda r: r.name
)
def test_a_row_is_measured_and_its_answer_checked(row):
    result = measuring.measure(row, STOCK, STOCK, BRISK, lambda text: None)

    assert result.error is None
    assert result.figures.ratio.median > 0


def test_a_wrong_answer_is_noticed():
    job = pool.Job(lambda pool, items: pool.map(abs, items), lambda came, items: came == items)
    program = job.by(pooling.Serial(), [-1])

    with pytest.raises(WrongAnswerError):
        program.check()


def test_the_number_of_threads_that_is_set_by_hand_is_there_in_the_workers():
    pool = pooling.HandSet(1, [3])
    try:
        assert pool.map(os.getenv, [pooling.THREADS]) == ["3"]
        assert pooling.THREADS not in os.environ
    finally:
        pool.terminate()
        pool.join()


def wait_for_more_threads(times):
    """Takes long in a worker that was given one thread."""
    time.sleep(times if os.environ[pooling.THREADS] == "1" else 0)
    return os.environ[pooling.THREADS]


def test_the_number_of_threads_that_does_the_work_soonest_is_kept():
    pool = pooling.HandSet(1, [2, 1])
    try:
        assert pool.map(wait_for_more_threads, [1]) == ["2"]
    finally:
        pool.terminate()
        pool.join()


def test_what_the_user_has_set_makes_no_comparison(monkeypatch):
    monkeypatch.setenv("MKL_NUM_THREADS", "1")

    with pytest.raises(ValueError, match="MKL_NUM_THREADS is set"):
        pooling.matrices(16)


def test_a_matrix_has_the_singular_values_of_its_size():
    job = next(row for row in pool.ROWS if row.name == "svd-1")
    program = job.open(STOCK, [1])
    try:
        program.check()
    finally:
        program.stop()


def test_what_keeps_processes_from_starting_is_told():
    program = starting.Starts(multiprocessing, "no-such-method")

    with pytest.raises(WrongAnswerError, match="cannot find context for 'no-such-method'"):
        program.check()

    program.close()
