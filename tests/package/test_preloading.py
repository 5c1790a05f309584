"""What the template of a forkserver loads, and with how many threads for linear algebra."""

import os

import pytest

# Loaded by the template; each of its children has what was noted there.
NOTED = """
    import os

    def threads():
        return len(os.listdir("/proc/self/task"))

    before = os.environ.get("OMP_NUM_THREADS")
    {setting}
    import numpy
    while_loading = threads()
    at_forks = []
    os.register_at_fork(after_in_parent=lambda: at_forks.append(threads()))
"""

PROGRAM = """
    import onecopy as mp
    import sys

    def threads_of_blas():
        import ctypes
        for line in open("/proc/self/maps"):
            for name in "scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_":
                if "openblas" in line and hasattr(ctypes.CDLL(line.split()[-1]), name):
                    return getattr(ctypes.CDLL(line.split()[-1]), name)()

    def tell(answers):
        import noted, os
        unset = os.system('test -z "$OMP_NUM_THREADS"') == 0
        answers.put((noted.before, noted.while_loading, noted.at_forks,
                     os.environ.get("OMP_NUM_THREADS"), threads_of_blas(), unset))

    if __name__ == "__main__":
        context = mp.get_context("forkserver")
        context.set_forkserver_preload(["noted"])
        answers = context.Queue()
        for _ in range(3):
            process = context.Process(target=tell, args=(answers,))
            process.start()
            print(*answers.get(), sep="|")
            process.join()
"""

PROCESSORS = len(os.sched_getaffinity(0))


@pytest.fixture
def noting(program, python, tmp_path, monkeypatch):
    """What the three children told of a template that loads NumPy after this statement."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)

    def start(setting="", **environment):
        program(NOTED.format(setting=setting), "noted.py")
        monkeypatch.chdir(tmp_path)
        outcome = python(PROGRAM, **environment)
        assert outcome.code == 0, outcome
        return [line.split("|") for line in outcome.stdout.splitlines()]

    return start


def test_one_thread_while_loading_and_as_many_as_ever_in_the_children(noting):
    for index, told in enumerate(noting()):
        before, while_loading, at_forks, after, may_use, unset = told
        assert (before, while_loading, after, unset) == ("None", "1", "None", "True")
        assert may_use == str(PROCESSORS)
        assert at_forks == str([1] * index)


def test_what_the_user_set_wins(noting):
    for before, _, _, after, may_use, _ in noting(OMP_NUM_THREADS="1"):
        assert (before, after, may_use) == ("1", "1", "1")


def test_what_a_module_sets_wins(noting):
    for before, _, _, after, may_use, _ in noting("os.environ.setdefault('OMP_NUM_THREADS', '1')"):
        assert (before, after, may_use) == ("None", "1", "1")


def test_an_opinion_for_one_library_is_left_alone(noting):
    for _, _, _, after, may_use, unset in noting(OPENBLAS_NUM_THREADS="1"):
        assert (after, may_use, unset) == ("None", "1", "True")
