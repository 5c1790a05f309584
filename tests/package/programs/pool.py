import multiprocessing as mp
import os
import sys
import time


def square(x):
    return x * x


def add(x, y=0):
    return x + y


def fail(x):
    raise ValueError("no luck with", x)


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


def show(call, *arguments, **keywords):
    try:
        print(call(*arguments, **keywords))
    except Exception as error:
        print(type(error).__name__, str(error).replace("<locals>", ""))
        print(type(error.__cause__).__name__)


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    with mp.Pool(3) as pool:
        print(pool)
        print(pool.apply(add, (1,), {"y": 2}), pool.map(square, range(10)))
        print(pool.map(square, range(10), chunksize=3), pool.map(square, []))
        print(pool.starmap(add, [(1, 2), (3, 4)]), list(pool.imap(square, range(50))))
        print(sorted(pool.imap_unordered(square, range(50), chunksize=7)))
        print(pool.apply_async(add, (1, 2)).get(30), pool.map_async(square, (1, 2)).get(30))
        show(pool.apply, fail, (7,))
        show(pool.map, fail, [1])
        show(lambda: list(pool.imap(fail, [1])))
        show(lambda: list(pool.imap(square, numbers())))
        called = []
        pool.apply_async(square, (3,), callback=called.append).wait()
        pool.apply_async(fail, (3,), error_callback=lambda e: called.append(e.args)).wait()
        print(called)
        show(pool.apply, lambda: 1)
        try:
            pool.apply(unpicklable, (1,))
        except Exception as error:
            print(type(error).__name__)
        show(pool.apply_async(time.sleep, (0.2,)).get, timeout=0.01)
        iterator = pool.imap(square, [1])
        print(next(iterator), next(iterator, "over"))
    show(pool.apply, square, (1,))
    with mp.Pool(1, initializer=greet, initargs=("hi",), maxtasksperchild=2) as pool:
        print(pool.map(greeted, range(4), chunksize=1))
        pids = pool.map(own_pid, range(6), chunksize=1)
        print(len(set(pids)))
        pool.close()
        pool.join()
    show(mp.Pool, 0)
    pool = mp.Pool(2)
    pool.apply_async(time.sleep, (100,))
    pool.terminate()
    pool.join()
    print("terminated", pool)
