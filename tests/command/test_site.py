"""How Onecopy gets into a process: the hook alone, with a package in Onecopy's place that only
notes what is done to it."""

import os

import pytest

from onecopy import command


@pytest.fixture
def inside(python):
    """Runs a program as `onecopy run` does, with more to find on its way to its modules."""

    def run(path, *folders, **more):
        environment = command.environment({})
        folders = [environment["PYTHONPATH"], *map(str, folders)]
        return python(path, **{**environment, "PYTHONPATH": os.pathsep.join(folders), **more})

    return run


NOTING = """
import os
def install():
    import multiprocessing
    multiprocessing.taken_over = True
    with open(os.environ["NOTES"], "a") as notes, open("/proc/self/cmdline") as words:
        notes.write(words.read().replace("\\n", " ").replace("\\0", " ") + "\\n")
"""


@pytest.fixture
def noting(inside, program, tmp_path):
    """Runs a program for which `onecopy` is the package that takes notes; and the notes."""
    program("import multiprocessing", "stand_in/onecopy/__init__.py")
    program("", "stand_in/onecopy/_engine.py")
    program(NOTING, "stand_in/onecopy/install.py")
    notes = tmp_path / "notes"
    return (
        lambda path: inside(path, tmp_path / "stand_in", NOTES=str(notes)),
        lambda: notes.read_text().splitlines() if notes.exists() else [],
    )


def test_a_process_without_multiprocessing_is_left_alone(noting, program):
    run, notes = noting
    path = program("import sys, threading; print('onecopy' in sys.modules)")

    assert run(path).stdout == "False\n"
    assert notes() == []


@pytest.mark.parametrize(
    "statement",
    [
        "import multiprocessing",
        "import multiprocessing.pool",
        "from multiprocessing import Queue",
        "from concurrent.futures import ProcessPoolExecutor",
        "import onecopy",
        "import onecopy.install",
    ],
)
def test_whoever_imports_it_first_it_is_taken_over(noting, program, statement):
    run, notes = noting
    path = program(f"{statement}\nimport multiprocessing\nprint(multiprocessing.taken_over)")

    assert run(path).stdout == "True\n"
    assert len(notes()) <= 2


def test_threads_that_import_at_once_all_see_it_taken_over(noting, program):
    run, _ = noting
    path = program(
        """
        import threading
        together = threading.Barrier(8)
        seen = []
        def look():
            together.wait()
            import multiprocessing
            seen.append(multiprocessing.taken_over)
        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(seen == [True] * 8)
        """
    )

    assert run(path).stdout == "True\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_started_afresh_take_over_too_but_not_the_resource_tracker(
    noting, program, method
):
    run, notes = noting
    path = program(
        f"""
        import multiprocessing
        def child(): pass
        if __name__ == "__main__":
            process = multiprocessing.get_context("{method}").Process(target=child)
            process.start()  # stock starts its tracker for that
            process.join()
            print(process.exitcode)
        """
    )

    outcome = run(path)

    assert outcome.stdout == "0\n", outcome
    assert any(f"from multiprocessing.{method} " in line for line in notes())
    assert not any("resource_tracker" in line for line in notes())


BROKEN = {
    "missing": "import no_such_module",
    "raises": "1 / 0",
    "works": "import sys; sys.found = 'the other one'",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_another_sitecustomize_runs_as_if_it_were_alone(inside, python, program, text, tmp_path):
    program(text, "other/sitecustomize.py")
    path = program(
        """
        import sys
        print(getattr(sys, "found", None), sys.path)
        print(getattr(sys.modules.get("sitecustomize"), "__file__", None))
        """
    )
    other = str(tmp_path / "other")

    assert inside(path, other) == python(path, PYTHONPATH=other)


def test_an_interpreter_without_onecopy_says_so_once_and_goes_on(inside, program, tmp_path):
    program("raise ImportError('made for another interpreter')", "lacking/onecopy/__init__.py")
    path = program(
        """
        import multiprocessing
        def child(queue): queue.put("from the child")
        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            queue = context.Queue()
            process = context.Process(target=child, args=(queue,))
            process.start()
            print(type(queue).__module__, queue.get())
            process.join()
        """
    )

    outcome = inside(path, tmp_path / "lacking")

    assert outcome.code == 0
    assert outcome.stdout == "multiprocessing.queues from the child\n"
    assert outcome.stderr.startswith("onecopy: not to be had in ")
    assert "made for another interpreter" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_an_engine_that_cannot_be_loaded_leaves_stock_whole(inside, program, tmp_path):
    program("", "lacking/onecopy/__init__.py")
    program("raise ImportError('wrong ABI')", "lacking/onecopy/_engine.py")
    path = program("import multiprocessing; print(type(multiprocessing.Queue()).__module__)")

    outcome = inside(path, tmp_path / "lacking")

    assert outcome.stdout == "multiprocessing.queues\n"
    assert "wrong ABI" in outcome.stderr


def test_the_programs_own_python_path_stays(onecopy, program, tmp_path):
    program("here = True", "mine/my_module.py")
    path = program("import my_module, os; print(my_module.here, os.environ['PYTHONPATH'])")
    mine = str(tmp_path / "mine")

    outcome = onecopy("run", path, PYTHONPATH=mine)

    assert outcome.stdout.startswith("True ")
    assert outcome.stdout.rstrip().split(os.pathsep)[1:] == [mine]
