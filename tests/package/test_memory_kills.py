"""Workers of a pool that the kernel kills because memory ran out."""

import os
import signal
import time
from pathlib import Path

import pytest

import onecopy as mp
from onecopy import _engine

PATIENCE = 60
MEMORY_OUT = "was killed by SIGKILL, probably by the kernel because memory ran out, while it did"
SIMPLY_KILLED = r"was killed by SIGKILL while it did"


@pytest.fixture
def kills(monkeypatch):
    """Stands for the kernel's count."""
    count = [3]
    monkeypatch.setattr(_engine, "memory_kill_count", lambda: count[0])
    return count


def test_a_death_by_sigkill_is_put_down_to_a_kill_for_memory_since_the_pool_began(kills):
    with mp.Pool(1) as pool:
        kills[0] += 1
        with pytest.raises(mp.WorkerDied, match=MEMORY_OUT):
            pool.apply(signal.raise_signal, (signal.SIGKILL,))


def test_one_kill_explains_one_death(kills):
    with mp.Pool(1) as pool:
        with pytest.raises(mp.WorkerDied, match=SIMPLY_KILLED):
            pool.apply(signal.raise_signal, (signal.SIGKILL,))
        kills[0] += 1
        with pytest.raises(mp.WorkerDied, match=MEMORY_OUT):
            pool.apply(signal.raise_signal, (signal.SIGKILL,))
        with pytest.raises(mp.WorkerDied, match=SIMPLY_KILLED):
            pool.apply(signal.raise_signal, (signal.SIGKILL,))


def test_no_other_death_has_to_do_with_it(kills):
    with mp.Pool(1) as pool:
        kills[0] += 1
        with pytest.raises(mp.WorkerDied, match="killed by SIGTERM while"):
            pool.apply(signal.raise_signal, (signal.SIGTERM,))
        with pytest.raises(mp.WorkerDied, match="exited with code 3 while"):
            pool.apply(os._exit, (3,))


@pytest.fixture
def small_group():
    """The folder of a control group below ours, that may have 256 MiB."""
    for folder, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = Path(f"{folder}{own_group()}", f"onecopy-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(256 * 2**20))
            yield group
            return
        except OSError:
            continue
        finally:
            remove(group)
    pytest.skip("no control group can be made here")


def own_group():
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    controllers = {line.split(":")[1]: line.split(":", 2)[2] for line in lines}
    return controllers.get("memory", controllers.get("", "")).rstrip("/")


def remove(group):
    end = time.monotonic() + PATIENCE
    while (group / "cgroup.procs").read_text():  # of those that are about to be gone
        assert time.monotonic() < end
        time.sleep(0.01)
    group.rmdir()


def test_a_worker_that_the_kernel_kills_says_so(python, small_group):
    outcome = python(
        """
        import onecopy as mp
        import signal, sys

        def eat():
            held = []
            while True:
                held.append(b"x" * 2**20)

        if __name__ == "__main__":
            with open(sys.argv[1] + "/cgroup.procs", "w") as processes:
                processes.write("0")
            with mp.Pool(2) as pool:
                for task in (eat, ()), (signal.raise_signal, (signal.SIGKILL,)):
                    try:
                        pool.apply(*task)
                    except mp.WorkerDied as error:
                        print(error.exitcode, str(error).partition(") ")[2])
                print(pool.map(abs, [-1, 2]))
        """,
        str(small_group),
    )
    assert outcome.stdout == (
        f"-9 {MEMORY_OUT} this task\n-9 {SIMPLY_KILLED} this task\n[1, 2]\n"
    ), outcome
