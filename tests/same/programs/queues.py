"""The three kinds of queue: how they are called, what is in them, what ends them."""

import multiprocessing as mp
import queue as plain
from multiprocessing import queues
from multiprocessing.reduction import ForkingPickler

from telling import differs, program, run_programs, show


def emptied(queue, count):
    return [queue.get() for _ in range(count)]


def done(queue):
    queue.close()
    queue.join_thread()


@program
def new_queue():
    queue = mp.Queue(2)
    print(queue.empty(), queue.full(), queue.qsize())
    print(mp.Queue(-1).full(), mp.Queue(0).full(), mp.Queue(maxsize=3).empty())


@program
def get_from_nothing():
    queue = mp.Queue()
    show(queue.get, False)
    show(queue.get, block=False)
    show(queue.get, True, 0.01)
    show(queue.get, timeout=0)
    show(queue.get, timeout=-1)
    show(queue.get, False, -5)
    show(queue.get_nowait)
    try:
        queue.get_nowait()
    except plain.Empty as error:
        print(error.args, type(error).__module__ != "multiprocessing")


@program
def put_into_the_full():
    queue = mp.Queue(2)
    queue.put(1)
    queue.put(2, True, None)
    print(queue.full(), queue.qsize())
    show(queue.put, 3, False)
    show(queue.put, 3, True, 0.01)
    show(queue.put, obj=3, block=False, timeout=1)
    show(queue.put, 3, timeout=-1)
    show(queue.put_nowait, 3)
    try:
        queue.put_nowait(3)
    except plain.Full as error:
        print(error.args)
    print(emptied(queue, 2), queue.full(), queue.qsize())
    done(queue)


@program
def wrong_arguments_of_queue():
    for arguments in (("many",), (1.5,), (None,), ([],), (1, 2), (2**31,), (2**40,)):
        show(lambda arguments: mp.Queue(*arguments) and "made", arguments)
    show(mp.Queue, size=1)
    show(mp.JoinableQueue, "many")
    show(mp.JoinableQueue, None)
    show(mp.SimpleQueue, 1)


@program
def wrong_arguments_of_put_and_get():
    queue = mp.Queue(1)
    show(queue.put)
    show(queue.put, 1, 2, 3, 4)
    show(queue.put, 1, wait=True)
    show(queue.put_nowait)
    show(queue.put_nowait, 1, 2)
    show(queue.get, 1, 2, 3)
    show(queue.get, item=1)
    show(queue.get_nowait, 1)
    show(queue.get, True, "soon")
    show(queue.get, True, [])
    show(queue.get, True, 1j)
    show(queue.qsize, 1)
    show(queue.empty, 1)
    show(queue.full, 1)
    print(queue.empty())


@program
def wrong_times_for_put():
    queue = mp.Queue(1)
    queue.put("there")
    for time in ("soon", [], 1j, b"1"):
        show(queue.put, 1, True, time)
    print(queue.get())
    done(queue)


@program
def block_as_a_number():
    queue = mp.Queue(1)
    queue.put("first", 1)
    show(queue.put, "second", 0)
    print(queue.get(2))
    show(queue.get, 0)
    done(queue)


@program
def order_of_one_putter():
    queue = mp.Queue()
    for number in range(300):
        queue.put(number)
    print(emptied(queue, 300) == list(range(300)))
    done(queue)


@program
def closed_queue():
    queue = mp.Queue()
    queue.close()
    queue.close()
    queue.join_thread()
    queue.join_thread()
    for call in (lambda: queue.put(1), queue.get, lambda: queue.put_nowait(1), queue.get_nowait):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, str(error).endswith("is closed"))


@program
def closed_after_a_put():
    queue = mp.Queue()
    queue.put("sent")
    print(queue.get())
    done(queue)
    try:
        queue.get()
    except ValueError as error:
        print(str(error).endswith("is closed"))


@program
def join_before_close():
    queue = mp.Queue()
    try:
        queue.join_thread()
    except AssertionError as error:
        print(str(error).endswith("not closed"))
    queue.cancel_join_thread()
    done(queue)


@program
def put_reaches_another_process():
    queue, answers = mp.Queue(), mp.Queue()
    process = mp.Process(target=double, args=(queue, answers))
    process.start()
    for value in (1, "a", [2], None):
        queue.put(value)
        print(answers.get())
    process.join()
    print(process.exitcode)


def double(queue, answers):
    for value in iter(queue.get, None):
        answers.put([value, value])
    answers.put("end")


@program
def bounded_queue_makes_wait():
    queue, free = mp.Queue(2), mp.Queue()
    process = mp.Process(target=fill, args=(queue, free))
    process.start()
    print(emptied(queue, 5), free.get())
    process.join()


def fill(queue, free):
    for number in range(5):
        queue.put(number)
    free.put("all in")


@program
def put_by_a_process_that_is_gone():
    queue = mp.Queue()
    process = mp.Process(target=queue.put, args=(["left", "behind"],))
    process.start()
    process.join()
    print(queue.get(), process.exitcode)


@program
def many_putters():
    queue = mp.Queue()
    processes = [mp.Process(target=count, args=(queue, n)) for n in range(3)]
    for process in processes:
        process.start()
    got = emptied(queue, 60)
    for process in processes:
        process.join()
    for n in range(3):
        print([number for owner, number in got if owner == n] == list(range(20)))


def count(queue, own):
    for number in range(20):
        queue.put((own, number))


@differs(
    "An object that cannot be pickled raises in `put`.",
    "TypeError: cannot pickle 'module' object\nafter\n",
)
def put_what_cannot_be_pickled():
    queue = mp.Queue()
    show(queue.put, plain)
    queue.put("after")
    print(queue.get())
    done(queue)


@differs(
    "There is no thread behind a queue.",
    "[]\n",
)
def thread_behind_a_queue():
    import threading

    queue = mp.Queue()
    queue.put(1)
    print([thread.name for thread in threading.enumerate() if "Queue" in thread.name])
    queue.get()
    done(queue)


@differs(
    "A time-out may be infinite.",
    "1\n",
)
def infinite_timeout():
    queue = mp.Queue()
    process = mp.Process(target=queue.put, args=(1,))
    process.start()
    process.join()
    show(queue.get, timeout=float("inf"))


@program
def joinable_queue():
    queue = mp.JoinableQueue()
    queue.join()
    answers = mp.Queue()
    workers = [mp.Process(target=work, args=(queue, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(20):
        queue.put(number)
    queue.join()
    print(sorted(emptied(answers, 20)), queue.empty())
    for _ in workers:
        queue.put(None)
    queue.join()
    for worker in workers:
        worker.join()
        print(worker.exitcode)


def work(queue, answers):
    for task in iter(queue.get, None):
        answers.put(task)
        queue.task_done()
    queue.task_done()


@program
def task_done_too_often():
    queue = mp.JoinableQueue()
    show(queue.task_done)
    queue.put(1)
    queue.get()
    queue.task_done()
    show(queue.task_done)
    show(queue.task_done, 1)
    show(queue.join, 1)
    queue.join()
    done(queue)


@program
def task_done_before_get():
    queue = mp.JoinableQueue(3)
    queue.put("a")
    queue.put("b")
    queue.task_done()
    queue.task_done()
    queue.join()
    print(queue.get(), queue.get())
    done(queue)


@program
def joinable_queue_after_close():
    queue = mp.JoinableQueue()
    queue.put(1)
    queue.close()
    queue.task_done()
    queue.join()
    try:
        queue.put(2)
    except ValueError as error:
        print(str(error).endswith("is closed"))


@program
def simple_queue():
    queue = mp.SimpleQueue()
    print(queue.empty())
    for value in (1, "a", [2], {"b": None}):
        queue.put(value)
    print(queue.empty(), emptied(queue, 4), queue.empty())
    show(queue.put)
    show(queue.put, 1, 2, 3, 4)
    show(queue.get, 1, 2, 3)
    queue.close()
    queue.close()


@program
def simple_queue_closed():
    queue = mp.SimpleQueue()
    queue.close()
    show(queue.get)
    show(queue.put, 1)
    show(queue.empty)


@program
def simple_queue_between_processes():
    queue, answers = mp.SimpleQueue(), mp.SimpleQueue()
    process = mp.Process(target=double, args=(queue, answers))
    process.start()
    queue.put(5)
    queue.put(None)
    print(answers.get(), answers.get())
    process.join()


@program
def what_queues_are():
    for queue, kind in (
        (mp.Queue(), queues.Queue),
        (mp.JoinableQueue(), queues.JoinableQueue),
        (mp.JoinableQueue(), queues.Queue),
        (mp.SimpleQueue(), queues.SimpleQueue),
    ):
        print(type(queue).__name__, isinstance(queue, kind), hasattr(queue, "task_done"))
    print(isinstance(mp.SimpleQueue(), queues.Queue))
    for queue in (mp.Queue(), mp.JoinableQueue(), mp.SimpleQueue()):
        show(lambda kind: kind[int].__args__, type(queue))
    print(queues.Empty is plain.Empty)


@program
def ends_of_a_queue():
    queue = mp.Queue()
    print(queue._reader.readable, queue._writer.writable, queue._reader.closed)
    queue.put("waits")
    print(queue._reader.poll(20), queue.get(), queue._reader.poll())
    print(isinstance(queue._reader.fileno(), int))
    done(queue)


@program
def queues_cannot_be_pickled_by_hand():
    import pickle

    for make in (mp.Queue, mp.JoinableQueue, mp.SimpleQueue):
        show(pickle.dumps, make())


@program
def queue_pickled_for_anybody():
    for make in (mp.Queue, mp.JoinableQueue, mp.SimpleQueue, mp.Lock):
        show(ForkingPickler.dumps, make())


@program
def copies_of_a_queue():
    import copy

    for call in (copy.copy, copy.deepcopy):
        show(lambda call: call(mp.Queue()), call)


@program
def waiting_threads():
    import threading

    queue, got = mp.Queue(), []
    threads = [threading.Thread(target=lambda: got.append(queue.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(4):
        queue.put(number)
    for thread in threads:
        thread.join()
    print(sorted(got))
    done(queue)


@program
def truth_and_comparison():
    queue = mp.Queue()
    print(bool(queue), queue == queue, queue == mp.Queue(), len({queue, queue}))
    show(len, queue)
    show(iter, queue)


if __name__ == "__main__":
    run_programs()
