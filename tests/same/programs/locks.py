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


@program
def semaphore_that_is_full():
    full = mp.Semaphore(2**31 - 1)
    show(full.release)
    print(full.acquire(), full.get_value(), full.release(), full.get_value())


@program
def units_of_another():
    for make in (mp.Semaphore, mp.BoundedSemaphore):
        semaphore = make(2)
        semaphore.acquire()
        print(in_child(release, semaphore), semaphore.get_value())
        print(in_child(acquire, semaphore), semaphore.get_value())
        print(semaphore._semlock._count(), semaphore._semlock._is_mine())


@program
def what_a_semaphore_knows():
    for semaphore in (mp.Semaphore(3), mp.BoundedSemaphore(3)):
        with semaphore as entered, semaphore:
            print(entered, semaphore, semaphore._semlock._count(), semaphore._semlock._is_mine())
            print(semaphore._semlock.maxvalue, semaphore._semlock.kind)
            print(semaphore._semlock._is_zero(), semaphore._semlock._get_value())
        print(semaphore._semlock._count(), semaphore._semlock._is_mine())


@program
def wrong_arguments_of_acquire():
    for semaphore in (mp.Semaphore(3), mp.BoundedSemaphore(3)):
        show(semaphore.acquire, 1, 2, 3)
        show(semaphore.acquire, True, "soon")
        show(semaphore.acquire, wait=1)
        show(semaphore.acquire, [])
        print(semaphore.acquire(0), semaphore.acquire(1, -1), semaphore.acquire(False, 5))
        print(semaphore.acquire(block=True, timeout=-2))


@program
def condition_over_locks():
    for lock in (mp.Lock(), mp.RLock(), mp.Semaphore(1), mp.BoundedSemaphore(1)):
        condition = mp.Condition(lock)
        print(condition, condition.acquire == lock.acquire, condition.release == lock.release)
        with condition:
            print(condition.wait(0.01), lock.acquire(False) and lock.release())
            condition.notify_all()
        print(condition)


@program
def condition_wait_for():
    condition = mp.Condition()
    answers = iter([0, "", None, "at last"])
    with condition:
        print(condition.wait_for(lambda: 0, 0.02), condition.wait_for(lambda: "", timeout=-1))
        print(condition.wait_for(predicate=lambda: [1]))
        threading.Thread(target=notify_often, args=(condition, answers)).start()
        print(condition.wait_for(lambda: next(answers), 30))
        show(condition.wait_for, lambda: 1 / 0)
        show(condition.wait_for, 5)


def notify_often(condition, answers):
    while answers.__length_hint__():
        with condition:
            condition.notify()


@program
def condition_of_another_thread():
    condition = mp.Condition()

    def try_it():
        show(condition.wait, 0.01)
        show(condition.notify)
        show(condition.notify_all)
        print(condition.acquire(False))

    with condition:
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()


@program
def condition_wrong_numbers():
    condition = mp.Condition()
    with condition:
        for number in (-1, 0, 2.5, 10**400, -(10**400), True):
            show(condition.notify, number)
        for number in ("two", None, []):
            show(condition.notify, number)
        show(condition.notify, 1, 2)
        show(condition.wait, [])


@program
def condition_taken_many_times():
    condition = mp.Condition()
    with condition, condition, condition:
        threading.Thread(target=notify_when_free, args=(condition,)).start()
        print(condition.wait(30), condition._lock)
    print(condition._lock)


def notify_when_free(condition):
    with condition:
        condition.notify()


@program
def barrier_that_is_reset_and_broken():
    for change in ("reset", "abort"):
        barrier, queue = mp.Barrier(2), mp.SimpleQueue()
        process = mp.Process(target=meet_or_tell, args=(barrier, queue))
        process.start()
        while barrier.n_waiting == 0:
            pass
        getattr(barrier, change)()
        print(queue.get())
        process.join()
        print(barrier.broken, barrier.n_waiting)


def meet_or_tell(barrier, queue):
    try:
        queue.put(barrier.wait(30))
    except threading.BrokenBarrierError as error:
        queue.put(repr(error))


@program
def barrier_of_odd_numbers():
    for parties in (1.0, True, 1):
        shown = repr(mp.Barrier(parties))
        # Before Python 3.11 it is the address that stands at the end.
        print(mp.Barrier(parties).wait(0.01), shown.partition(":")[2])
    for parties in (0, -1, 1.5, "1", None):
        show(mp.Barrier(parties).wait, 0.01)
    show(mp.Barrier(2).wait, "soon")
    print(mp.Barrier(1).wait("soon"), mp.Barrier(1, timeout="soon").wait())


@program
def barrier_that_is_passed_again():
    barrier = mp.Barrier(2, action=say, timeout=30)
    process = mp.Process(target=meet_often, args=(barrier,))
    process.start()
    meet_often(barrier)
    process.join()


def meet_often(barrier):
    for _ in range(3):
        barrier.wait()


if __name__ == "__main__":
    run_programs()
