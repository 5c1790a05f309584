"""Stock's resource tracker beside ours: what a program tells it makes no noise of its own."""

import pytest

from onecopy.shared_memory import SharedMemory

SILENT = (0, "", "")


def shown(outcome):
    return outcome.returncode, outcome.stdout, outcome.stderr


def test_programs_may_untrack_what_they_attach_to(memory, to_the_end):
    # What many do because of stock's fault.
    told = to_the_end(
        """
        import sys
        from onecopy.install import install
        install()
        from multiprocessing import resource_tracker, shared_memory
        memory = shared_memory.SharedMemory(sys.argv[1])
        resource_tracker.unregister(memory._name, "shared_memory")
        own = shared_memory.SharedMemory(create=True, size=1)
        resource_tracker.unregister(own._name, "shared_memory")
        print(own.name)
        """,
        memory.name,
    )
    kept = SharedMemory(told.stdout.strip())

    assert (told.returncode, told.stderr) == (0, ""), told
    kept.close()
    kept.unlink()


def test_they_may_where_only_the_import_is_changed(memory, to_the_end):
    # Stock's tracker, which had not heard of it, once printed a KeyError.
    told = to_the_end(
        """
        import sys
        from onecopy.shared_memory import SharedMemory
        from multiprocessing import resource_tracker
        resource_tracker.ensure_running()
        memory = SharedMemory(sys.argv[1])
        resource_tracker.unregister(memory._name, "shared_memory")
        resource_tracker.register(memory._name, "shared_memory")
        memory.unlink()
        """,
        memory.name,
    )
    assert shown(told) == SILENT, told


@pytest.mark.parametrize("how", ["stock", "ours"])
def test_what_stock_made_before_is_unlinked_without_a_warning(to_the_end, how):
    # Stock's tracker was once not told of the end, and warned of a leak that there was not.
    told = to_the_end(
        """
        import sys
        from multiprocessing.shared_memory import SharedMemory
        from onecopy.install import install
        memory = SharedMemory(create=True, size=10)
        install()
        from onecopy import shared_memory
        other = shared_memory.SharedMemory(memory.name)
        other.close()
        memory.close()
        (memory if sys.argv[1] == "stock" else other).unlink()
        """,
        how,
    )
    assert shown(told) == SILENT, told


def test_stocks_class_goes_on_after_install(to_the_end, soon_removed):
    told = to_the_end(
        """
        from multiprocessing.shared_memory import SharedMemory
        from onecopy.install import install
        install()
        memory = SharedMemory(create=True, size=10)
        memory.close()
        memory.unlink()
        print(SharedMemory(create=True, size=10).name)
        """
    )

    assert told.returncode == 0, told
    assert soon_removed(told.stdout.strip())
    assert "onecopy: removed from /dev/shm" in told.stderr


def test_what_stock_leaves_is_removed_and_told_as_ever(to_the_end, soon_removed):
    told = to_the_end(
        """
        from multiprocessing import shared_memory
        import onecopy.shared_memory
        print(shared_memory.SharedMemory(create=True, size=10).name)
        """
    )

    assert soon_removed(told.stdout.strip())
    assert "1 leaked shared_memory objects" in told.stderr


def test_a_name_that_is_not_there_is_no_error(to_the_end):
    told = to_the_end(
        """
        from onecopy.install import install
        install()
        from multiprocessing import resource_tracker
        resource_tracker.register("/onecopy-missing", "shared_memory")
        resource_tracker.unregister("/onecopy-missing", "shared_memory")
        """
    )
    assert shown(told) == SILENT, told


def test_other_resources_are_stocks_tracker_s(to_the_end):
    told = to_the_end(
        """
        from onecopy.install import install
        install()
        import _multiprocessing
        from multiprocessing import resource_tracker
        lock = _multiprocessing.SemLock(0, 1, 1, "/onecopy-lock", False)
        resource_tracker.register("/onecopy-lock", "semaphore")
        """
    )
    assert "1 leaked semaphore objects" in told.stderr, told
