"""A project's own tests under `onecopy run -m pytest`, in one process and in several."""

import re

import pytest

TESTS = """
import multiprocessing
import os

import pytest


def double(number):
    return number * 2


def answer(there, back):
    back.put(double(there.get()))


@pytest.fixture(params=["fork", "spawn", "forkserver"])
def context(request):
    return multiprocessing.get_context(request.param)


def test_queues(context):
    there, back = context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(there, back))
    process.start()
    there.put(21)
    assert back.get() == 42
    process.join()
    assert process.exitcode == 0


def test_pools(context):
    with context.Pool(2) as pool:
        assert pool.map(double, [1, 2, 3]) == [2, 4, 6]


def test_whose_queues(context):
    assert type(context.Queue()).__module__ == os.environ["WHOSE"]


def test_output_of_a_child(capfd):
    process = multiprocessing.Process(target=print, args=("from the child",))
    process.start()
    process.join()
    assert capfd.readouterr().out == "from the child\\n"


def test_that_fails(context):
    with context.Pool(1) as pool:
        pool.apply(int, ("no number",))
"""


@pytest.fixture
def project(program, tmp_path, monkeypatch):
    """A folder with those tests, from which pytest is called."""
    program(TESTS, "project/test_project.py")
    monkeypatch.chdir(tmp_path / "project")
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=" ".join)
def test_tests_pass_and_fail_as_under_stock(onecopy, python, project, workers):
    words = ["-m", "pytest", "-p", "no:cacheprovider", "-v", "--tb=short", *workers]

    plain = python(*words, WHOSE="multiprocessing.queues")
    ours = onecopy("run", *words, WHOSE="onecopy.queues")

    assert results(ours) == results(plain), ours
    assert sorted(results(ours).values()) == ["FAILED"] * 3 + ["PASSED"] * 10, ours
    assert ours.code == plain.code == 1
    assert ours.stdout.count("E   ValueError: invalid literal for int()") == 3, ours


def results(outcome):
    """What became of each test; xdist names it behind its result, and in any order."""
    found = re.findall(r"(\S+::\S+) (PASSED|FAILED)", outcome.stdout)
    found += [
        (name, result)
        for result, name in re.findall(r"\[gw\d\] .* (PASSED|FAILED) (\S+::\S+)", outcome.stdout)
    ]
    return dict(found)
