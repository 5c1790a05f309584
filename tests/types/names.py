"""What a type checker knows of the names of the package, as a program uses them. Checked by mypy,
strictly, and never run."""

from __future__ import annotations

from multiprocessing import queues, synchronize
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext, DefaultContext, SpawnContext
from multiprocessing.managers import SyncManager
from multiprocessing.pool import Pool
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import onecopy as mp
from onecopy import shared_memory


def double(number: int) -> int:
    return 2 * number


def messages() -> None:
    queue: mp.Queue[int] = mp.Queue(3)
    queue.put(1, timeout=0.5)
    assert_type(queue.get(), int)
    simple: queues.SimpleQueue[str] = mp.SimpleQueue()
    assert_type(simple.get(), str)
    joinable: mp.JoinableQueue[bytes] = mp.JoinableQueue()
    joinable.task_done()
    ours, theirs = mp.Pipe()
    assert_type(ours.poll(1.0), bool)
    theirs.send(1)
    assert_type(ours.recv_bytes(), bytes)


def programs() -> None:
    jobs: mp.Queue[int] = mp.Queue()
    mp.publish("jobs", jobs)
    assert_type(mp.published(), "list[str]")
    mp.withdraw("jobs")
    with mp.Door("/run/door") as door:
        assert_type(door.admit(1.5), int)
        assert_type(door.path, str)
    mp.join("/run/door", timeout=None)
    found: mp.Queue[int] = mp.find("jobs", 1.5)
    assert_type(found.get(), int)


def children() -> None:
    child = mp.Process(target=double, args=(1,), daemon=True)
    child.start()
    assert_type(child.exitcode, "int | None")
    child.join(timeout=1.5)
    with mp.Pool(2, initializer=double, initargs=(1,)) as pool:
        assert_type(pool, Pool)
        assert_type(pool.map(double, [1, 2]), "list[int]")
        assert_type(pool.apply_async(double, (1,)).get(), int)
    with mp.Manager() as manager:
        assert_type(manager, SyncManager)


def contexts() -> None:
    assert_type(mp.get_context("spawn"), SpawnContext)
    assert_type(mp.get_context(), DefaultContext)
    context: BaseContext = mp.get_context("fork")
    assert_type(context.Lock(), synchronize.Lock)
    mp.set_start_method("forkserver", force=True)
    assert_type(mp.cpu_count(), int)


def synchronizers() -> None:
    with mp.Lock(), mp.RLock(), mp.Condition(), mp.Semaphore(2), mp.BoundedSemaphore(2):
        pass
    assert_type(mp.Lock(), synchronize.Lock)
    assert_type(mp.Lock().acquire(timeout=1.0), bool)
    assert_type(mp.Event().wait(1.0), bool)
    assert_type(mp.Barrier(2).wait(), int)


def shared() -> None:
    assert_type(mp.share([1.0, 2.0]), NDArray[Any])
    assert_type(mp.zeros((2, 3), "i4"), NDArray[Any])
    assert_type(mp.empty(5, order="F"), NDArray[Any])
    assert_type(mp.full((2,), 1, np.uint8), NDArray[Any])
    values = mp.Array("d", 10)
    values[0] = 1.0
    number = mp.Value("i", 0)
    with number.get_lock():
        number.value += 1
    memory = shared_memory.SharedMemory(create=True, size=10)
    assert_type(memory.name, str)
    assert_type(memory.size, int)
    assert_type(memory.buf[0], int)


def of_onecopy_alone() -> None:
    assert_type(mp.memory(), "dict[str, Any]")
    assert_type(mp.install_allocator(), bool)
    assert_type(mp.__version__, str)


def ends(end: Connection[Any, Any]) -> None:
    ready = mp.connection.wait([end], timeout=0.1)
    assert end in ready
