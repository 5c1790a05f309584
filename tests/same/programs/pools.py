"""Pools and executors."""

import multiprocessing as mp
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import ThreadPool

from telling import differs, program, raised, run_programs, show


def square(x):
    return x * x


def add(x, y=0):
    return x + y


def fail(x):
    raise ValueError("no luck with", x)


def fail_from(x):
    try:
        fail(x)
    except ValueError as error:
        raise KeyError("because") from error


def unpicklable(x):
    return lambda: x


def own_pid(x):
    return os.getpid()


def greet(word):
    global greeting
    greeting = word


def greeted(x):
    return greeting + str(x)


def numbers():
    yield 1
    yield 2
    raise KeyError("in the iterable")


class OddError(Exception):
    def __init__(self, first, second):
        super().__init__(first)


def fail_oddly(x):
    raise OddError(x, x)


def told(call, *arguments, **keywords):
    """Prints what a call gives, or what it raises and the type and text of the cause."""
    try:
        print(call(*arguments, **keywords))
    except Exception as error:
        print(raised(error).replace("<locals>", ""), error.args)
        cause = error.__cause__
        lines = str(cause).strip().strip('"').strip().splitlines()
        print(type(cause).__name__, lines[0] if lines else "", "|", lines[-1] if lines else "")


@program
def apply():
    with mp.Pool(2) as pool:
        print(pool.apply(add, (1,), {"y": 2}), pool.apply(add, [5]), pool.apply(int))
        told(pool.apply, fail, (7,))
        told(pool.apply, fail_from, (7,))
        told(pool.apply, 5)
        told(pool.apply)
        told(pool.apply, add, 5)


@program
def maps():
    with mp.Pool(3) as pool:
        print(pool.map(square, range(10)), pool.map(square, []), pool.map(str, "abc"))
        print(pool.map(square, range(10), chunksize=3), pool.map(square, (n for n in range(3))))
        print(pool.starmap(add, [(1, 2), (3,)]), pool.starmap(add, zip("ab", "cd")))
        told(pool.map, fail, [1])
        told(pool.map, square, ["a", 2])
        told(pool.map, square, 5)
        told(pool.starmap, add, [1])
        told(pool.map, square, numbers())
        told(pool.map, square)


@program
def chunk_sizes():
    with mp.Pool(2) as pool:
        for size in (None, 1, 3, 100):
            print(pool.map(square, range(7), size), list(pool.imap(square, range(7), size or 1)))
        for size in (0, -1):
            told(lambda size: list(pool.imap(square, [1], size)), size)
            told(lambda size: list(pool.imap_unordered(square, [1], size)), size)
        told(pool.map, square, [1], "many")


@program
def imap():
    with mp.Pool(2) as pool:
        print(list(pool.imap(square, range(50))) == [n * n for n in range(50)])
        print(sorted(pool.imap_unordered(square, range(50), chunksize=7))[-3:])
        iterator = pool.imap(square, [1, 2])
        print(next(iterator), iterator.next(30), next(iterator, "over"))
        told(iterator.next)
        told(lambda: list(pool.imap(fail, [1])))
        told(lambda: list(pool.imap(square, numbers())))
        iterator = pool.imap(fail_some, range(4))
        for _ in range(4):
            told(lambda: next(iterator))
        iterator = pool.imap(time.sleep, [30])
        told(iterator.next, 0.01)


def fail_some(x):
    if x % 2:
        fail(x)
    return x


@program
def asynchronous():
    with mp.Pool(2) as pool:
        result = pool.apply_async(add, (1, 2))
        print(result.get(30), result.ready(), result.successful(), result.wait())
        print(pool.map_async(square, (1, 2)).get(30), pool.starmap_async(add, [(1, 2)]).get(30))
        slow = pool.apply_async(time.sleep, (30,))
        told(slow.get, timeout=0.01)
        print(slow.ready(), slow.wait(0.01))
        told(slow.successful)
        failed = pool.apply_async(fail, (1,))
        failed.wait()
        print(failed.ready(), failed.successful())
        told(failed.get)
        told(failed.get)


@program
def callbacks():
    called = []
    with mp.Pool(2) as pool:
        pool.apply_async(square, (3,), callback=called.append).wait()
        pool.apply_async(fail, (3,), error_callback=lambda e: called.append(e.args)).wait()
        pool.map_async(square, [1, 2], callback=called.append).wait()
        pool.map_async(
            fail, [1], callback=called.append, error_callback=lambda e: called.append("e")
        ).wait()
        pool.starmap_async(add, [(1, 1)], None, called.append).wait()
        pool.close()
        pool.join()
    print(called)


@program
def what_cannot_be_pickled():
    with mp.Pool(2) as pool:
        told(pool.apply, square, (sys,))
        told(pool.apply, square, (lambda: 1,))
        told(pool.map, square, [1, sys])
        for call in (lambda: pool.apply(unpicklable, (1,)), lambda: pool.map(unpicklable, [1])):
            try:
                call()
            except Exception as error:
                print(type(error).__name__, str(error)[:40])
        print(pool.apply(square, (3,)))


@differs("A pool calls what pickle refuses", "1\n[2, 3]\n")
def what_pickle_refuses_to_call():
    with mp.Pool(2) as pool:
        told(pool.apply, lambda: 1)
        told(pool.map, lambda x: x + 1, [1, 2])


@differs("A chunk size of 0 is refused.", "ValueError: Chunksize must be 1+, not 0\n")
def no_chunks():
    with mp.Pool(1) as pool:
        show(pool.map, square, [1, 2], 0)


@program
def exceptions_that_keep_what_they_have():
    with mp.Pool(1) as pool:
        try:
            pool.apply(raise_os_error)
        except OSError as error:
            print(type(error).__name__, error.errno, error.filename, type(error.__cause__).__name__)
            print(type(error.__cause__).__module__.rpartition(".")[2])


def raise_os_error():
    raise FileNotFoundError(2, "gone", "a.txt")


@program
def initializer():
    with mp.Pool(2, greet, ("hi",)) as pool:
        print(pool.map(greeted, range(4), chunksize=1))
    with mp.Pool(processes=1, initializer=greet, initargs=["ho"]) as pool:
        print(pool.apply(greeted, (1,)))
    told(mp.Pool, 1, "no function")


@program
def initializer_with_a_queue_and_a_lock():
    queue, lock, (reader, writer) = mp.Queue(), mp.Lock(), mp.Pipe(duplex=False)
    with mp.Pool(2, keep, (queue, lock, writer)) as pool:
        print(sorted(pool.map(use_kept, range(6))))
        print(sorted(queue.get() for _ in range(6)))
        print(sorted(reader.recv() for _ in range(6)))


def keep(*things):
    global kept
    kept = things


def use_kept(number):
    queue, lock, writer = kept
    with lock:
        writer.send(number)
    queue.put(number * 10)
    return number


@program
def tasks_for_each_child():
    with mp.Pool(1, maxtasksperchild=2) as pool:
        print(len(set(pool.map(own_pid, range(6), chunksize=1))))
        pool.close()
        pool.join()
    # Before Python 3.10 a pool took them, and started workers for ever.
    for number in (0, -1, "x") if sys.version_info >= (3, 10) else ():
        told(mp.Pool, 1, None, (), number)


@program
def wrong_numbers_of_processes():
    for count in (0, -1, "two", 1.5, []):
        told(mp.Pool, count)


@program
def after_the_end():
    pool = mp.Pool(2)
    print(pool)
    pool.close()
    print(pool)
    told(pool.apply, square, (1,))
    told(pool.map, square, [1])
    told(pool.imap, square, [1])
    told(pool.apply_async, square, (1,))
    pool.join()
    pool.close()
    pool.terminate()
    told(pool.__enter__)
    print(pool)


@program
def join_before_close():
    with mp.Pool(1) as pool:
        told(pool.join)
    told(pool.apply, square, (1,))


@program
def terminated_while_busy():
    pool = mp.Pool(2)
    pool.apply_async(time.sleep, (100,))
    pool.terminate()
    pool.join()
    print(pool)


@program
def closed_with_work_left():
    pool = mp.Pool(2)
    results = [pool.apply_async(add, (n, n)) for n in range(20)]
    pool.close()
    pool.join()
    print([result.get() for result in results][-1], results[0].ready())


@program
def pools_cannot_travel():
    import pickle

    with mp.Pool(1) as pool:
        told(pickle.dumps, pool)
        told(pool.apply, str, (pool,))


@differs("A daemon may have a pool.", "[0, 1, 4]\n")
def pools_of_daemons():
    with mp.Pool(1) as pool:
        told(pool.apply, squares_by_a_pool)


def squares_by_a_pool():
    with mp.Pool(1) as pool:
        return pool.map(square, range(3))


@program
def large_results():
    with mp.Pool(2) as pool:
        came = pool.map(list_of, [10, 100000])
        print([len(each) for each in came], came[1][-1])
        print(len(pool.apply(bytes, (3000000,))), pool.apply(len, (b"x" * 3000000,)))


def list_of(size):
    return [index / 2 for index in range(size)]


@program
def exception_that_cannot_be_made_again():
    with ThreadPool(1) as pool:
        told(pool.apply, fail_oddly, (1,))


@program
def thread_pools():
    with ThreadPool(2) as pool:
        print(pool.map(square, range(5)), pool.apply(add, (1, 2)))
        told(pool.apply, fail, (1,))
        print(sorted(pool.imap_unordered(lambda x: x + 1, range(3))))


@program
def executor():
    context = mp.get_context()
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        print(list(executor.map(square, range(20), chunksize=3)))
        future = executor.submit(add, 1, y=2)
        print(future.result(), future.done(), future.exception())
        told(executor.submit(fail, 1).result)
        told(executor.submit(unpicklable_argument, sys).result)
    told(executor.submit, square, 1)


def unpicklable_argument(x):
    return None


@program
def executor_with_an_initializer():
    with ProcessPoolExecutor(1, mp.get_context(), greet, ("hi",)) as executor:
        print(executor.submit(greeted, 1).result())


@program
def executor_whose_worker_dies():
    with ProcessPoolExecutor(1, mp.get_context()) as executor:
        future = executor.submit(os._exit, 1)
        try:
            future.result()
        except Exception as error:
            print(type(error).__name__)


if __name__ == "__main__":
    run_programs()
