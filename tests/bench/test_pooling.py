"""The rows of ./bench pool, with the stock module on both sides, at sizes that take no time."""

import multiprocessing

import pytest

from benchmarks import measuring, pool, pooling
from benchmarks.measuring import Pace
from benchmarks.program import WrongAnswerError
from benchmarks.sides import Side

STOCK = Side("stock", multiprocessing, "fork")
BRISK = Pace(rounds=1, seconds=0.001, patience=60)
SLOW = {"products"}  # has matrices of its own size


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
