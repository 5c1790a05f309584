"""Pools that are made in the workers of other pools."""

import os

import pytest

import onecopy as mp

PROGRAM = """
import onecopy as mp
import os, sys

def square(number):
    return number * number

def squares(size):
    with mp.Pool(2) as pool:
        return mp.current_process().daemon, pool.map(square, range(size))

def squares_of_a_pool_of_its_own(size):
    with mp.Pool(1) as pool:
        return pool.apply(squares, (size,))

def squares_by_an_executor(size):
    with mp.Executor(2) as executor:
        return list(executor.map(square, range(size)))

def leave_a_pool(_):
    global left
    left = mp.Pool(2)
    return [worker.pid for worker in left._pool]

def die_in_a_pool(_):
    with mp.Pool(1) as pool:
        try:
            pool.apply(os._exit, (3,))
        except mp.WorkerDied as error:
            return error.exitcode, pool.apply(square, (3,))

if __name__ == "__main__":
    context = mp.get_context(sys.argv[1])
"""


def test_a_worker_may_have_a_pool(python, method):
    program = """
    with context.Pool(2) as pool:
        print(pool.map(squares, range(4), 1))
        print(pool.apply(squares_of_a_pool_of_its_own, (3,)))
        print(pool.apply(squares_by_an_executor, (3,)), pool.apply(die_in_a_pool, (0,)))
    """
    outcome = python(PROGRAM + program, method)

    squares = [(True, [n * n for n in range(size)]) for size in range(4)]
    assert outcome.stdout == f"{squares}\n{squares[3]}\n[0, 1, 4] (3, 9)\n", outcome
    assert outcome.code == 0


@pytest.mark.parametrize("end", ["pool.terminate()", "pool.close(); pool.join()"])
def test_the_workers_of_a_worker_go_with_it(python, method, soon_gone, end):
    program = f"""
    pool = context.Pool(2)
    print(*pool.apply(leave_a_pool, (0,)))
    {end}
    """
    outcome = python(PROGRAM + program, method)

    assert outcome.code == 0, outcome
    assert soon_gone(map(int, outcome.stdout.split()))


def start_a_process(_):
    mp.Process(target=os.getpid).start()


def test_a_worker_may_have_no_other_child():
    """Nothing would end it, where it is none of those that end with their parent."""
    said = "daemonic processes are not allowed to have children"
    with mp.Pool(1) as pool, pytest.raises(AssertionError, match=said):
        pool.apply(start_a_process, (0,))
