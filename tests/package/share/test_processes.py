"""Shared arrays in processes of every kind."""

import os
import signal
import time

import onecopy as mp

PROGRAM = """
    import sys
    from dataclasses import dataclass

    import numpy as np

    import onecopy as mp


    @dataclass
    class Task:
        array: np.ndarray


    def work(array, task, q):
        array[0] = 1
        task.array[0, 1] = 2
        q.put(task.array[1:])


    if __name__ == "__main__":
        context = mp.get_context(sys.argv[1])
        before = mp.memory()["shared"]
        array = mp.zeros(1_000_000)
        table = mp.share(np.arange(6).reshape(3, 2).T)
        q = context.Queue()
        for round in range(2):
            child = context.Process(target=work, args=(array[2:], Task(table), q))
            child.start()
            received = q.get()
            child.join()
            print(child.exitcode, array[2], table.tolist(), received.tolist())
            received[0, 0] = 7
            print(table.tolist())
        del array, table, received
        child.close()
        del child
        print(mp.memory()["shared"] - before)
    """


def test_processes_of_every_start_method_get_it(python, method):
    outcome = python(PROGRAM, method)
    assert outcome.stdout == (
        "0 1.0 [[0, 2, 4], [1, 3, 5]] [[1, 3, 5]]\n"
        "[[0, 2, 4], [7, 3, 5]]\n"
        "0 1.0 [[0, 2, 4], [7, 3, 5]] [[7, 3, 5]]\n"
        "[[0, 2, 4], [7, 3, 5]]\n"
        "0\n"
    ), outcome


def give_away(q, method):
    context = mp.get_context(method)
    ready = context.Queue()
    context.Process(target=send_back, args=(mp.full(1_000_000, 7), ready, q)).start()
    ready.get()
    os.kill(os.getpid(), signal.SIGKILL)


def send_back(array, ready, q):
    parent = os.getppid()
    ready.put(None)
    while os.getppid() == parent:
        time.sleep(0.001)
    q.put([array, os.getpid()])


def test_a_child_keeps_what_it_was_given_when_its_parent_is_gone(soon_gone):
    q = mp.Queue()
    parent = mp.Process(target=give_away, args=(q, "fork"))
    parent.start()
    parent.join()

    received, pid = q.get()
    assert (received == 7).all()
    assert soon_gone([pid])


def fill(part):
    part[...] = os.getpid()
    return part


def test_a_pool_works_on_parts_of_it(is_same_memory):
    shared = mp.zeros((4, 1000), dtype=int)
    with mp.Pool(2) as pool:
        parts = pool.map(fill, [shared[i] for i in range(4)], chunksize=1)

    assert (shared != 0).all()
    for i in range(4):
        assert is_same_memory(parts[i], shared[i])
