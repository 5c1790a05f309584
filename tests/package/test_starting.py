"""Starting a process: what it leaves behind, and what refuses it."""

import gc
import os
import shutil
import sys
from pathlib import Path

import pytest

import onecopy as mp
from onecopy import _engine


def test_starting_and_ending_leaves_no_descriptors():
    def count():
        gc.collect()  # what earlier tests left behind is not ours
        return len(os.listdir("/proc/self/fd"))

    def once():
        q, (reader, writer) = mp.Queue(), mp.Pipe()
        process = mp.Process(target=q.put, args=(1,), daemon=True)
        process.start()
        assert q.get() == 1
        process.join()
        process.close()
        reader.close()
        writer.close()

    once()
    before = count()
    for _ in range(20):
        once()

    assert count() == before


def test_a_failed_start_leaves_nothing():
    context = mp.get_context("spawn")
    q = context.Queue()

    def count():
        gc.collect()  # what earlier tests left behind is not ours
        return len(os.listdir("/proc/self/fd"))

    def fail():
        with pytest.raises(Exception, match=r"pickle|local object"):
            context.Process(target=print, args=(q, lambda: 0), daemon=True).start()

    fail()
    before = count()
    places = len(mp.memory()["members"])
    for _ in range(20):
        fail()

    assert count() == before
    assert len(mp.memory()["members"]) == places


def test_starting_into_a_full_family_is_refused(python, method):
    """...and once there is room again, it goes on."""
    outcome = python(
        """
        import onecopy as mp
        import sys
        from onecopy import _engine
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            process = mp.Process(target=print, args=("before",))
            process.start()  # and with it whatever its start method needs to run
            process.join()
            places = []
            try:
                while True:
                    places.append(_engine.reserve_place())
            except OSError:
                pass
            try:
                mp.Process(target=print, args=("never",)).start()
            except OSError as error:
                print(error)
            for place in places:
                _engine.release_place(*place)
            process = mp.Process(target=print, args=("after",))
            process.start()
            process.join()
            print(process.exitcode)
        """,
        method,
    )
    before, error, after, code = outcome.stdout.splitlines()
    assert "the family is full" in error, outcome
    assert (before, after, code) == ("before", "after", "0"), outcome


def test_a_child_of_the_last_descriptors_that_is_killed_at_once_leaves_nothing(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, resource, sys, time
        def start_and_kill():
            process = mp.Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            process.kill()
            process.join()
            process.close()
        if __name__ == "__main__":
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # the child runs after the kill
            mp.set_start_method(sys.argv[1])
            start_and_kill()  # what its start method needs is there from now on
            members = len(mp.memory()["members"])
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
            taken = []
            try:
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
            started = 0
            while started < 5:
                os.close(taken.pop())
                try:
                    start_and_kill()
                    started += 1
                except OSError as error:
                    assert error.errno == 24, error
            print(len(mp.memory()["members"]) - members)
        """,
        method,
    )
    assert (outcome.code, outcome.stdout) == (0, "0\n"), outcome


def test_a_start_without_enough_descriptors_leaves_nothing(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, resource, sys, time
        def end(processes):
            for process in processes:
                process.kill()
                process.join()
                process.close()
        def start():
            process = mp.Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            return process
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            end([start()])  # what its start method needs is there from now on
            before = os.listdir("/proc/self/fd")
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            for more in range(20):
                limit = max(map(int, before)) + more
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limits[1]))
                started = []
                try:
                    while True:
                        started.append(start())
                except OSError as error:
                    assert error.errno == 24, error
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
                end(started)
                assert os.listdir("/proc/self/fd") == before, (more, before)
            print("all", len(mp.memory()["members"]))
        """,
        method,
    )
    members = 2 if method == "forkserver" else 1  # with the template's place
    assert (outcome.code, outcome.stdout) == (0, f"all {members}\n"), outcome


def test_a_child_of_another_version_says_so(python):
    outcome = python(
        """
        import onecopy as mp
        from onecopy import _family
        if __name__ == "__main__":
            _family.Place.passage = (
                lambda place: ("0.0.0", place._descriptor, place.slot, place.generation)
            )
            process = mp.get_context("spawn").Process(target=print, args=("never",))
            process.start()
            process.join()
            print(process.exitcode)
        """
    )
    assert outcome.stdout == "1\n"
    said = f"the parent runs Onecopy 0.0.0 and this child {mp.__version__} (build "
    assert said in outcome.stderr, outcome


def copy_as_another_build(folder):
    """This package, with another build id in its module. The id, as the package says it."""
    shutil.copytree(Path(mp.__file__).parent, folder / "onecopy")
    (module,) = (folder / "onecopy").glob("_engine*.so")
    build = bytes.fromhex(_engine.__build__[:12])
    code = module.read_bytes()
    assert code.count(build) == 1
    another = bytes(255 - byte for byte in build)
    module.write_bytes(code.replace(build, another))
    return another.hex() + _engine.__build__[12:]


def test_a_child_that_loaded_another_copy_says_which(python, tmp_path):
    """...since it found one on its path before its parent could tell it where that's own is."""
    build = copy_as_another_build(tmp_path / "other")
    (tmp_path / "other" / "sitecustomize.py").write_text("from onecopy import _family\n")
    outcome = python(
        """
        import onecopy as mp
        import os, sys
        if __name__ == "__main__":
            os.environ["PYTHONPATH"] = sys.argv[1]
            process = mp.get_context("spawn").Process(target=print, args=("never",))
            process.start()
            process.join()
            print(process.exitcode)
        """,
        str(tmp_path / "other"),
    )
    assert outcome.stdout == "1\n", outcome
    said = (
        f"and this child {mp.__version__} (build {build}), from {tmp_path}/other/onecopy:"
        " start all of a program with one installation"
    )
    assert said in outcome.stderr, outcome


def test_a_child_of_another_layout_says_so(python, method):
    """Copies of one version that were built from different sources."""
    outcome = python(
        """
        import onecopy as mp
        import os, struct, sys
        from onecopy import _engine
        if __name__ == "__main__":
            _engine.join_family()
            os.pwrite(_engine.family_descriptor(), struct.pack("=I", 77), 8)
            process = mp.get_context(sys.argv[1]).Process(target=print, args=("forked",))
            process.start()
            process.join()
            print(process.exitcode)
        """,
        method,
    )
    if method == "fork":  # the same copy, whatever it is
        assert outcome.stdout == "forked\n0\n", outcome
        return
    assert outcome.stdout == "1\n", outcome
    assert f"this process has Onecopy {mp.__version__} (layout " in outcome.stderr, outcome
    assert f", its family has {mp.__version__} (layout 77)" in outcome.stderr, outcome


# Such a child was known by the process of the shell: when that was killed the child counted as
# killed, too, and whatever it held was given to others while it used it.
def test_a_child_that_a_shell_starts_is_known_by_itself(python, tmp_path):
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\n{sys.executable} "$@"\nexit $?\n')
    shell.chmod(0o755)
    outcome = python(
        """
        import os, signal, sys
        import onecopy as mp

        def hold(lock, told, over):
            lock.acquire()
            told.put(os.getppid())
            over.get()

        if __name__ == "__main__":
            mp.set_start_method("spawn")
            mp.set_executable(sys.argv[1])
            lock, told, over = mp.Lock(), mp.SimpleQueue(), mp.SimpleQueue()
            child = mp.Process(target=hold, args=(lock, told, over))
            child.start()
            print(told.get() == child.pid)
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            print(lock.acquire(timeout=0.5), lock.recovered)
            over.put(None)
        """,
        str(shell),
    )
    assert outcome.stdout == "True\nFalse None\n", outcome
