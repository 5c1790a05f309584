import multiprocessing as mp
import sys


def show(call, *arguments, **keywords):
    try:
        print(call(*arguments, **keywords))
    except TypeError:
        print("TypeError")
    except Exception as error:
        print(type(error).__module__, type(error).__name__, error)


def fill(many, free):
    for number in range(3):
        many.put(number)
    free.put("done")


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    q = mp.Queue(2)
    print(q.empty(), q.full(), q.qsize())
    show(q.get, False)
    show(q.get, True, 0.01)
    show(q.get, timeout=-1)
    show(q.get_nowait)
    show(q.put, 1)
    show(q.put, 2, True, None)
    show(q.put, 3, False)
    show(q.put, 3, True, 0.01)
    show(q.put_nowait, 3)
    show(q.put, obj=3, block=False, timeout=1)
    print(q.full(), q.qsize())
    print(q.get(), q.get(block=True, timeout=5))
    show(q.put)
    show(q.get, 1, 2, 3)
    free = mp.Queue()
    process = mp.Process(target=fill, args=(q, free))
    process.start()
    print(q.get(), q.get(), q.get(), free.get())
    process.join()
    show(q.join_thread)
    q.cancel_join_thread()
    q.close()
    q.close()
    q.join_thread()
    for call in (lambda: q.put(1), q.get, lambda: q.put_nowait(1), q.get_nowait):
        try:
            call()
        except ValueError as error:
            print(str(error).endswith("is closed"))
    show(mp.Queue, "many")
    print(mp.Queue(-1).full(), mp.Queue(0).full())
