"""The programs of ./bench shared, with the stock module, at sizes that take no time."""

import array
import multiprocessing

import pytest

from benchmarks import fresh, sharing
from benchmarks.program import WrongAnswerError

CONTEXT = multiprocessing.get_context("spawn")


def elements(work):
    return sharing.Elements(CONTEXT, work, 2, CONTEXT.Array("d", [1.5] * 2 * sharing.EACH))


CASES = {
    "fill": lambda: sharing.Fill(CONTEXT, 2, 100),
    "fill without a lock": lambda: sharing.Fill(CONTEXT, 2, 100, lock=False),
    "set elements": lambda: elements(sharing.set_elements),
    "get elements": lambda: elements(sharing.get_elements),
    "array.array": lambda: sharing.Elements(
        CONTEXT, sharing.get_elements, 1, array.array("d", [1.5] * sharing.EACH)
    ),
    "locks": lambda: sharing.Locks(CONTEXT, 2),
    "count": lambda: sharing.Count(CONTEXT, 2),
    "creation": lambda: sharing.Creation(CONTEXT, 1000),
    "creation, use and end": lambda: sharing.Creation(CONTEXT, 1000, timed_to_the_end=True),
    "set a slice": lambda: sharing.SetSlice(CONTEXT, [0.5] * 100),
    "get a slice": lambda: sharing.GetSlice(CONTEXT, [0.5] * 100),
    "managed dict": lambda: sharing.ManagedDict(CONTEXT),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_program_checks_its_answer_and_ends_its_children(case):
    program = CASES[case]()

    program.check()
    seconds = program.run(3)
    program.close()

    assert seconds > 0
    assert [process.exitcode for process in program.processes] == [0] * len(program.processes)


def test_a_count_is_of_both_processes():
    count = sharing.Count(CONTEXT, 2)
    count.run(3)
    count.close()
    assert count.value.value == 3 * count.units == 6 * sharing.EACH


def test_lost_counts_are_a_wrong_answer():
    count = sharing.Count(CONTEXT, 1)
    count.value.value = -1
    with pytest.raises(WrongAnswerError):
        count.check()
    count.abandon()


def test_a_manager_that_does_not_answer_is_ended():
    managed = sharing.ManagedDict(CONTEXT)
    (process,) = managed.processes
    managed.abandon()
    assert not process.is_alive()


def test_the_first_array_of_a_program_is_made_in_a_fresh_interpreter(monkeypatch, pytestconfig):
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    assert fresh.First("benchmarks.first_creation", "multiprocessing", "fork", "1000").run(1) > 0


def test_an_interpreter_that_fails_says_why():
    with pytest.raises(RuntimeError, match="No module named"):
        fresh.answer_of("benchmarks.no_such_module")
