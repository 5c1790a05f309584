"""SharedMemoryManager over segments of ours."""

import pytest

BOTH_WAYS = pytest.mark.parametrize(
    "opening",
    [
        "from onecopy.install import install; install(); import multiprocessing",
        "import onecopy as multiprocessing",
    ],
    ids=["installed", "imported"],
)

PROGRAM = """
import sys
{opening}
import onecopy
from {package}.managers import SharedMemoryManager

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with SharedMemoryManager() as manager:
        memory, shared = manager.SharedMemory(10), manager.ShareableList(["a", b"b" * 20])
        kinds = onecopy.shared_memory.SharedMemory, onecopy.shared_memory.ShareableList
        print(type(memory) is kinds[0], type(shared) is kinds[1], shared[1] == b"b" * 20)
    for segment in (memory, shared.shm):
        try:
            kinds[0](segment.name)
        except FileNotFoundError:
            print("gone")
"""


@BOTH_WAYS
def test_a_manager_gives_ours_and_unlinks_them(to_the_end, method, opening):
    # After a mere import its segments were once stock's.
    package = "onecopy" if opening.startswith("import onecopy") else "multiprocessing"
    told = to_the_end(PROGRAM.format(opening=opening, package=package), method)

    assert (told.returncode, told.stdout, told.stderr) == (0, "True True True\ngone\ngone\n", ""), (
        told
    )


def test_what_a_killed_manager_had_goes_with_the_program(python, soon_removed):
    told = python(
        """
        import os, signal
        from onecopy.managers import SharedMemoryManager

        if __name__ == "__main__":
            manager = SharedMemoryManager()
            manager.start()
            print(manager.SharedMemory(10).name, flush=True)
            os.kill(manager._process.pid, signal.SIGKILL)
        """
    )
    assert told.code == 0, told
    assert soon_removed(told.stdout.strip())


def test_a_manager_that_is_gone_leaves_no_segment(python):
    told = python(
        """
        import os
        from multiprocessing import shared_memory as stock
        from onecopy.managers import SharedMemoryManager

        if __name__ == "__main__":
            manager = SharedMemoryManager()
            manager.start()
            manager.shutdown()
            made, make_filename = [], stock._make_filename
            stock._make_filename = lambda: made.append(make_filename()) or made[-1]
            try:
                manager.SharedMemory(10)
            except OSError:
                print(any(os.path.exists("/dev/shm" + name) for name in made))
            stock._make_filename = make_filename
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "False\n", ""), told
