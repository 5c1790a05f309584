"""Conditions of the engine: stock's rules, and what becomes of killed waiters and notifiers."""

import multiprocessing
import multiprocessing.synchronize
import os
import random
import signal
import threading
import time
import warnings

import pytest

import onecopy as mp

KINDS = ("Lock", "RLock")
KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40


@pytest.fixture(params=KINDS)
def condition(request):
    return mp.Condition(getattr(mp, request.param)())


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def wait_and_tell(condition, ready):
    with condition:
        ready.send(None)
        ready.send(condition.wait())


class Waiter:
    """A process that waits, longer than those that are made later."""

    def __init__(self, condition):
        self.heard, ready = mp.Pipe(duplex=False)
        self.process = mp.Process(target=wait_and_tell, args=(condition, ready))
        self.process.start()
        ready.close()
        self.heard.recv()
        with condition:
            pass  # it waits by now: it had the lock when it told of itself

    def answer(self):
        answer = self.heard.recv()
        self.process.join()
        return answer


def test_a_condition_is_one_of_stocks(condition):
    assert isinstance(condition, multiprocessing.synchronize.Condition)
    assert repr(condition) == f"<Condition({condition._lock!r}, 0)>"


def test_it_notifies_those_first_that_have_waited_longest(condition):
    waiters = [Waiter(condition) for _ in range(3)]
    assert repr(condition).endswith(", 3)>")
    with condition:
        condition.notify(2)
    assert waiters[0].answer() is True
    assert waiters[1].answer() is True
    with condition:
        condition.notify_all()
    assert waiters[2].answer() is True


def test_a_condition_reaches_a_child_by_every_start_method(python, method):
    outcome = python(
        """
        import sys
        import onecopy as mp

        def answer(condition, lock, ready):
            assert condition._lock is lock
            with condition:
                ready.send(None)
                print(condition.wait(30), flush=True)
            with lock:
                condition.notify()

        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            for make in context.Lock, context.RLock:
                lock = make()
                condition = context.Condition(lock)
                heard, ready = context.Pipe(duplex=False)
                child = context.Process(target=answer, args=(condition, lock, ready))
                child.start()
                heard.recv()
                with condition:
                    condition.notify()
                    print(condition.wait(30))
                child.join()
        """,
        method,
    )
    assert sorted(outcome.stdout.split()) == ["True"] * 4, outcome


def test_a_recursive_lock_is_released_fully_and_taken_as_often_again():
    condition = mp.Condition()
    with condition, condition, condition:
        notifier = threading.Thread(target=notify_one, args=(condition,))
        notifier.start()
        assert condition.wait(30) is True
        assert condition._lock._semlock._count() == 3
        notifier.join()
    assert condition._lock._semlock._count() == 0


def notify_one(condition):
    with condition:
        condition.notify()


def test_a_lock_that_another_process_released_cannot_be_waited_with():
    lock = mp.Lock()
    condition = mp.Condition(lock)
    lock.acquire()
    releaser = mp.Process(target=lock.release)
    releaser.start()
    releaser.join()
    lock.acquire()
    with pytest.raises(ValueError, match="released too many times"):
        condition.wait(0.1)
    assert condition._validate() == ""


def test_a_condition_over_a_foreign_lock_is_stocks():
    stock = multiprocessing.get_context("fork")
    for lock in (multiprocessing.synchronize.Lock(ctx=stock), mp.Semaphore(1)):
        condition = mp.Condition(lock)
        assert type(condition) is multiprocessing.synchronize.Condition
        with condition:
            assert condition.wait(0.01) is False


def test_a_killed_waiter_is_no_ghost(condition):
    dead = [Waiter(condition) for _ in range(3)]
    living = Waiter(condition)
    for waiter in dead:
        os.kill(waiter.process.pid, signal.SIGKILL)
    with condition:
        condition.notify(1)
    assert living.answer() is True
    for waiter in dead:
        waiter.process.join()
    with condition:
        condition.notify_all()
        assert condition.wait(0.01) is False
    assert condition._validate() == ""


def test_what_a_killed_waiter_was_notified_of_goes_to_the_next():
    condition = mp.Condition(mp.Lock())
    dead, living = Waiter(condition), Waiter(condition)
    with condition:
        condition.notify(1)
        # It is notified, and cannot have the lock.
        os.kill(dead.process.pid, signal.SIGKILL)
        dead.process.join()
    assert living.answer() is True
    assert condition._validate() == ""


def test_who_is_interrupted_passes_its_notification_on():
    condition = mp.Condition(mp.Lock())
    answers = []

    def interrupt_and_notify():
        with condition:
            pass  # the main thread waits by now
        living = Waiter(condition)
        with condition:
            os.kill(os.getpid(), signal.SIGINT)
            condition.notify(1)
        answers.append(living.answer())

    helper = threading.Thread(target=interrupt_and_notify)
    with condition:
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            condition.wait()
    helper.join()
    assert answers == [True]


def test_who_is_interrupted_has_the_lock_again(python):
    outcome = python(
        """
        import os, signal, threading
        import onecopy as mp

        condition = mp.Condition()
        with condition:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                condition.wait()
            except KeyboardInterrupt:
                print(condition._lock._semlock._is_mine())
        print(condition._lock._semlock._get_value(), repr(condition)[-6:])
        """
    )
    assert outcome.stdout == "True\n1 >, 0)>\n", outcome


def test_the_lock_of_a_killed_notifier_goes_on():
    condition = mp.Condition(mp.Lock())
    waiter = Waiter(condition)
    killer = mp.Process(target=notify_and_die, args=(condition,))
    killer.start()
    killer.join()
    assert waiter.answer() is True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        condition.acquire()
    condition.release()


def notify_and_die(condition):
    with condition:
        condition.notify_all()
        os.kill(os.getpid(), signal.SIGKILL)


def test_wait_for_waits_until_it_is_true():
    condition = mp.Condition()
    seen = iter([0, 0, 3])
    done = threading.Event()

    def keep_notifying():
        while not done.is_set():
            notify_one(condition)

    notifier = threading.Thread(target=keep_notifying)
    notifier.start()
    with condition:
        assert condition.wait_for(lambda: next(seen), 30) == 3
    done.set()
    notifier.join()
    begin = time.monotonic()
    with condition:
        assert condition.wait_for(lambda: 0, 0.1) == 0
    assert time.monotonic() - begin >= 0.1


def test_a_time_out_holds(condition):
    begin = time.monotonic()
    with condition:
        assert condition.wait(0.1) is False
    assert time.monotonic() - begin >= 0.1


def work(condition, shared):
    """Takes turns with others: each makes the number odd or even that the others wait for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        while True:
            with condition:
                condition.wait_for(lambda: shared[0] > 0, 0.05)
                if shared[0] > 0:
                    shared[0] -= 1
                shared[0] += 1
                condition.notify()


@pytest.mark.parametrize("kind", KINDS)
def test_waiters_and_notifiers_are_killed_at_random(kind, nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    condition = mp.Condition(getattr(mp, kind)())
    shared = mp.RawArray("q", 1)

    def start():
        worker = mp.Process(target=work, args=(condition, shared), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for _ in range(KILLS):
            time.sleep(dice.random() * 0.005)  # which moment that is, is the point of the test
            victim = dice.randrange(3)
            kill(workers[victim])
            workers[victim] = start()
            with condition:
                condition.notify(dice.randrange(4))
            assert condition._validate() == ""
        for worker in workers:
            kill(worker)
        with condition:
            assert repr(condition).endswith(", 0)>"), "the dead wait no more"
        fresh = Waiter(condition)
    with condition:
        condition.notify()
    assert fresh.answer() is True
    fresh.heard.close()
    assert condition._validate() == ""
