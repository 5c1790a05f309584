"""Locks, semaphores, conditions, events and barriers, and their corners."""

import multiprocessing as mp
import threading

from telling import program, run_programs, show


def in_child(target, *args):
    process = mp.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def try_lock(lock, answers):
    answers.put(lock.acquire(False))


def acquire(lock):
    lock.acquire()


def release(lock):
    lock.release()


def tried(lock):
    answers = mp.SimpleQueue()
    in_child(try_lock, lock, answers)
    return answers.get()


@program
def lock():
    lock = mp.Lock()
    print(lock, lock.acquire(), lock.acquire(False), lock.acquire(timeout=0.01), lock)
    print(tried(lock))
    lock.release()
    print(lock, lock.acquire(block=True, timeout=1))
    lock.release()
    show(lock.release)
    with lock as entered:
        print(entered, lock)
    print(lock.acquire(True, -1), lock.acquire(True, -5), lock.acquire(False, 5))


@program
def wrong_arguments_of_locks():
    show(mp.Lock, 1)
    show(mp.RLock, 1)
    lock = mp.Lock()
    show(lock.acquire, 1, 2, 3)
    show(lock.acquire, True, "soon")
    show(lock.acquire, wait=1)
    show(lock.release, 1)
    show(lock.acquire, False, "soon")
    show(lock.acquire, [])
    show(lock.acquire, None, 0.01)
    print(lock.acquire(0), lock.acquire(1, 0.01))


@program
def lock_released_by_another():
    lock = mp.Lock()
    lock.acquire()
    print(in_child(release, lock), lock.acquire(False))
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    print(lock.acquire(False))


@program
def recursive_lock():
    lock = mp.RLock()
    print(lock, lock.acquire(), lock.acquire(), lock.acquire(False), lock, tried(lock))
    for _ in range(3):
        lock.release()
    print(lock)
    show(lock.release)
    with lock, lock:
        print(lock)
    print(tried(lock))


@program
def recursive_lock_of_another():
    lock = mp.RLock()
    lock.acquire()
    answers = mp.SimpleQueue()
    in_child(release_it, lock, answers)
    print(answers.get())
    thread = threading.Thread(target=release_it, args=(lock, answers))
    thread.start()
    thread.join()
    print(answers.get())
    lock.release()


def release_it(lock, answers):
    try:
        answers.put((str(lock).partition("(")[2], lock.release()))
    except Exception as error:
        answers.put((type(error).__name__, str(error)))


@program
def semaphore():
    semaphore = mp.Semaphore(2)
    print(semaphore, semaphore.acquire(), semaphore.acquire(), semaphore.acquire(False))
    print(semaphore.get_value(), tried(semaphore), semaphore)
    for _ in range(4):
        semaphore.release()
    print(semaphore.get_value(), mp.Semaphore(), mp.Semaphore(0).acquire(timeout=0.01))
    with semaphore:
        print(semaphore.get_value())


@program
def bounded_semaphore():
    semaphore = mp.BoundedSemaphore(2)
    print(semaphore, semaphore.acquire(), semaphore.get_value())
    semaphore.release()
    show(semaphore.release)
    print(semaphore.get_value(), mp.BoundedSemaphore())
    show(mp.BoundedSemaphore().release)


@program
def wrong_arguments_of_semaphores():
    for make in (mp.Semaphore, mp.BoundedSemaphore):
        for value in (-1, "two", 1.5, None, 2**31, 2**31 - 1):
            show(lambda make, value: make(value).get_value(), make, value)
        show(make, 1, 2)


@program
def condition():
    condition = mp.Condition()
    show(condition.wait, 0.01)
    show(condition.notify)
    show(condition.notify_all)
    show(condition.release)
    with condition:
        print(
            condition.wait(0.01),
            condition.wait(timeout=0),
            condition.notify(),
            condition.notify_all(),
        )
        print(condition.wait_for(lambda: False, 0.01), condition.wait_for(lambda: "yes"))
        show(condition.wait, "soon")
    print(condition.acquire(), condition.acquire(), condition.release(), condition.release())


@program
def condition_between_processes():
    condition, queue = mp.Condition(mp.Lock()), mp.SimpleQueue()
    processes = [mp.Process(target=await_it, args=(condition, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    for _ in processes:
        print(queue.get())
    with condition:
        condition.notify(1)
    print(queue.get())
    with condition:
        condition.notify_all()
    print(queue.get(), queue.get())
    for process in processes:
        process.join()


def await_it(condition, queue):
    with condition:
        queue.put("waits")
        queue.put(condition.wait(30))


@program
def wrong_arguments_of_conditions():
    show(mp.Condition, 1)
    show(lambda: mp.Condition(lock=None).acquire())
    show(mp.Condition, 1, 2)


@program
def condition_notify_numbers():
    with mp.Condition() as entered:
        print(entered)
    condition = mp.Condition()
    with condition:
        print(condition.notify(0), condition.notify(5), condition.notify(n=2))


@program
def event():
    event = mp.Event()
    print(event.is_set(), event.wait(0.01), event.wait(0), event.set(), event.is_set())
    print(event.wait(), event.wait(timeout=5), event.clear(), event.is_set(), event.clear())
    show(event.wait, "soon")
    show(mp.Event, 1)


@program
def event_between_processes():
    first, second = mp.Event(), mp.Event()
    process = mp.Process(target=answer_event, args=(first, second))
    process.start()
    first.set()
    print(second.wait(30))
    process.join()


def answer_event(first, second):
    if first.wait(30):
        second.set()


@program
def barrier():
    barrier, queue = mp.Barrier(3), mp.SimpleQueue()
    print(barrier.parties, barrier.n_waiting, barrier.broken)
    processes = [mp.Process(target=meet, args=(barrier, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    mine = barrier.wait(30)
    print(sorted([mine, queue.get(), queue.get()]))
    for process in processes:
        process.join()
    print(barrier.n_waiting, barrier.broken)


def meet(barrier, queue):
    queue.put(barrier.wait(30))


@program
def broken_barrier():
    barrier = mp.Barrier(2, timeout=0.01)
    for _ in range(2):
        try:
            barrier.wait()
        except threading.BrokenBarrierError as error:
            print(type(error).__name__, error.args, barrier.broken)
    barrier.reset()
    print(barrier.broken)
    barrier.abort()
    print(barrier.broken)
    show(barrier.wait, 1)


@program
def action_of_a_barrier():
    barrier = mp.Barrier(1, action=say)
    print(barrier.wait(), barrier.wait(5))
    failing = mp.Barrier(1, fail)
    show(failing.wait)
    print(failing.broken)


def say():
    print("all are here", flush=True)


def fail():
    raise LookupError("in the action")


@program
def wrong_arguments_of_barriers():
    for parties in (0, -1, "two", 1.5, None):
        show(lambda parties: mp.Barrier(parties).parties, parties)
    show(mp.Barrier)


@program
def only_by_inheritance():
    import pickle

    for make in (mp.Lock, mp.RLock, mp.Semaphore, mp.BoundedSemaphore, mp.Condition, mp.Event):
        show(lambda each: len(pickle.dumps(each)), make())
    show(lambda each: len(pickle.dumps(each)), mp.Barrier(2))


@program
def counting_under_a_lock():
    lock, value = mp.Lock(), mp.Value("i", 0, lock=False)
    processes = [mp.Process(target=count, args=(lock, value)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value)


def count(lock, value):
    for _ in range(200):
        with lock:
            value.value += 1


@program
def kinds():
    from multiprocessing import synchronize

    for make in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event"):
        print(make, isinstance(getattr(mp, make)(), getattr(synchronize, make)))
    print(isinstance(mp.BoundedSemaphore(), synchronize.Semaphore))


@program
def lock_left_by_a_process():
    lock = mp.Lock()
    print(in_child(acquire, lock), lock.acquire(timeout=0.05))
    lock.release()
    print(lock.acquire(timeout=5))


if __name__ == "__main__":
    run_programs()
