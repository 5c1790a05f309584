"""`onecopy compare`: what it measures, and what it holds against each other."""

import os
import re
import sys

import pytest

from onecopy import _compare, command


def way(path):
    return _compare.Way("stock", [sys.executable, path], dict(os.environ))


def test_lines_that_are_the_same_are_counted():
    agreement = _compare.agree([["a", "b"], ["a", "b"]], [["a", "b"]])

    assert agreement == _compare.Agreement(compared=2, excused=0, differences=[])


def test_times_and_what_varies_under_stock_are_excused():
    stock = [["answer 5", "time: 3 s", "took 1.2"], ["answer 5", "time: 4 s", "took 1.3"]]
    onecopy = [["answer 5", "time: 0 s", "took 0.1"]]

    agreement = _compare.agree(stock, onecopy)

    assert agreement == _compare.Agreement(compared=1, excused=2, differences=[])


def test_a_line_that_only_onecopy_shows_is_a_difference():
    agreement = _compare.agree([["a", "b"]], [["a", "b"], ["a", "c"]])

    assert agreement.differences == [_compare.Difference(2, "b", "c")]


def test_a_missing_line_is_a_difference():
    assert _compare.agree([["a", "b"]], [["a"]]).lengths == (2, 1)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_both_start_as_told(onecopy, program, method):
    path = program(
        """
        import multiprocessing
        def child():
            print(multiprocessing.get_start_method(), multiprocessing.parent_process() is None)
        if __name__ == "__main__":
            process = multiprocessing.Process(target=child)
            process.start()
            process.join()
            print(multiprocessing.get_start_method(), multiprocessing.Pipe.__func__.__module__)
        """
    )
    told = command.environment_of_stock({"--start": method})

    stock = _compare.measure(_compare.Way("stock", [sys.executable, path], told))
    compared = onecopy("compare", "--runs", "1", "--start", method, path)

    assert stock.output == [f"{method} False", f"{method} multiprocessing.context"], stock
    # The last line differs, as it should; the one that the child printed does not.
    assert "DIFFERS in 1 lines (lines compared: 2;" in compared.stdout, compared
    assert f"under Onecopy: {method} onecopy.context" in compared.stdout, compared


def test_the_memory_of_the_largest_process_is_measured(program):
    path = program(
        """
        import multiprocessing
        def child(): print(len(b"x" * 200_000_000))
        if __name__ == "__main__":
            process = multiprocessing.Process(target=child)
            process.start()
            process.join()
        """
    )

    assert _compare.measure(way(path)).peak > 200e6


def test_the_time_of_a_process_that_outlives_the_program_is_measured(program, monkeypatch):
    monkeypatch.setattr(_compare, "GRACE", 60)  # a busy machine may take long for little
    path = program(
        """
        import os, time
        if os.fork() == 0:
            begin = time.process_time()
            while time.process_time() - begin < 0.1: pass
        """
    )
    # In a process of its own: what other tests of this one started is no child of that one.
    measurer = os.fork()
    if measurer == 0:
        _compare._adopt_orphans()
        run = _compare.measure(way(path))
        os._exit(0 if run.processor >= 0.1 and not run.left else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(measurer, 0)[1]) == 0


def test_reports_both_ways_and_that_they_agree(onecopy, program):
    path = program(
        """
        import multiprocessing, time
        def child(queue): queue.put(sum(range(1000)))
        if __name__ == "__main__":
            queue = multiprocessing.Queue()
            process = multiprocessing.Process(target=child, args=(queue,))
            process.start()
            print("answer:", queue.get())
            process.join()
            print("time:", time.time())
        """
    )

    outcome = onecopy("compare", "--runs", "2", path)

    assert outcome.code == 0, outcome
    for row in ("wall", "processor", "peak memory"):
        assert re.search(rf"^{row} .*x$", outcome.stdout, re.MULTILINE), outcome
    assert (
        "output: the same (lines compared: 1; times, or varying under stock already: 1)"
        in outcome.stdout
    )


def test_a_different_answer_is_shown_and_fails(onecopy, program):
    path = program("import os; print('run' if 'ONECOPY_RUN' in os.environ else 'stock')")

    outcome = onecopy("compare", "--runs", "2", path)

    assert outcome.code == 1
    assert "output: DIFFERS in 1 lines" in outcome.stdout
    assert "line 1 under Onecopy: run" in outcome.stdout


def test_a_program_that_fails_is_told_with_its_traceback(onecopy, program):
    outcome = onecopy("compare", "--runs", "1", program("1 / 0"))

    assert outcome.code == 1
    assert "stock ended 1 of 1 times with exit code 1" in outcome.stdout
    assert outcome.stdout.count("ZeroDivisionError") == 2


def test_within_a_run_stock_is_still_stock(onecopy, program):
    inner = program("import os; print('ONECOPY_RUN' in os.environ)", "inner.py")
    outer = program(
        f"""
        import os, subprocess, sys, sysconfig
        command = os.path.join(sysconfig.get_path("scripts"), "onecopy")
        print(subprocess.run([command, "compare", "--runs", "1", {inner!r}],
                             capture_output=True, text=True).stdout)
        """
    )

    assert "line 1 under stock:   False" in onecopy("run", outer).stdout
