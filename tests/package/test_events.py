"""Events of the engine: stock's rules, and what happens when who uses one is killed."""

import multiprocessing.synchronize
import os
import random
import signal
import threading
import time

import onecopy as mp

KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def tell_and_wait(event, ready):
    ready.send(None)
    ready.send(event.wait())


def start_waiter(event):
    heard, ready = mp.Pipe(duplex=False)
    waiter = mp.Process(target=tell_and_wait, args=(event, ready))
    waiter.start()
    heard.recv()
    return waiter, heard


def test_an_event_is_one_of_stocks():
    assert isinstance(mp.Event(), multiprocessing.synchronize.Event)


def test_it_lets_all_go_on_who_wait():
    event = mp.Event()
    waiters = [start_waiter(event) for _ in range(3)]
    event.set()
    for waiter, heard in waiters:
        assert heard.recv() is True
        waiter.join()


def test_an_event_reaches_a_child_by_every_start_method(python, method):
    outcome = python(
        """
        import sys
        import onecopy as mp

        def answer(asked, answered):
            print(asked.wait(30), answered.is_set(), flush=True)
            answered.set()

        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            asked, answered = context.Event(), context.Event()
            child = context.Process(target=answer, args=(asked, answered))
            child.start()
            asked.set()
            print(answered.wait(30))
            child.join()
        """,
        method,
    )
    assert outcome.stdout == "True False\nTrue\n", outcome


def test_who_waited_goes_on_though_it_is_cleared_at_once():
    event = mp.Event()
    for _ in range(20):
        answers = []
        thread = threading.Thread(target=lambda answers=answers: answers.append(event.wait(30)))
        thread.start()
        while thread.is_alive():
            event.set()
            event.clear()
        thread.join()
        assert answers == [True]


def test_a_time_out_holds():
    begin = time.monotonic()
    assert mp.Event().wait(0.1) is False
    assert time.monotonic() - begin >= 0.1


def interrupt_while_waiting(event, ready):
    ready.send(None)
    try:
        event.wait()
    except KeyboardInterrupt:
        ready.send("interrupted")


def test_waiting_answers_ctrl_c():
    heard, ready = mp.Pipe(duplex=False)
    waiter = mp.Process(target=interrupt_while_waiting, args=(mp.Event(), ready))
    waiter.start()
    heard.recv()
    # The first may come before it waits, and be told of elsewhere.
    while not heard.poll(0.05):
        os.kill(waiter.pid, signal.SIGINT)
    assert heard.recv() == "interrupted"
    waiter.join()


def set_and_clear(event):
    while True:
        event.set()
        event.wait()
        event.clear()
        event.wait(0.001)


def test_who_sets_it_and_who_waits_are_killed_at_random(nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    event = mp.Event()

    def start():
        worker = mp.Process(target=set_and_clear, args=(event,), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(3)]
    for _ in range(KILLS):
        time.sleep(dice.random() * 0.005)  # which moment that is, is the point of the test
        victim = dice.randrange(3)
        kill(workers[victim])
        workers[victim] = start()
        assert event.wait(30)
        assert event._validate() == ""
    for worker in workers:
        kill(worker)
    event.clear()
    waiter, heard = start_waiter(event)
    event.set()
    assert heard.recv() is True
    waiter.join()
    assert event._validate() == ""
    heard.close()
