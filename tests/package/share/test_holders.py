"""Who has a shared array: the last process or message that has it frees it."""

import gc
import os
import signal
import time

import numpy as np
import pytest

import onecopy as mp

KILLS = 300 if os.environ.get("ONECOPY_TEST_LONG") else 10


def shared_bytes():
    return mp.memory()["shared"]


def test_the_last_holder_frees_it(through):
    before = shared_bytes()
    shared = mp.zeros(1_000_000)
    assert shared_bytes() - before >= 8_000_000

    received = through(shared[10:])
    del shared
    assert shared_bytes() - before >= 8_000_000
    del received
    assert shared_bytes() == before


def test_a_message_holds_it():
    before = shared_bytes()
    q = mp.Queue()
    q.put(mp.full(1_000_000, 7))
    assert shared_bytes() - before >= 8_000_000

    assert q.get()[999_999] == 7
    assert shared_bytes() == before


def test_it_goes_with_the_last_who_could_receive_it():
    before = shared_bytes()
    q = mp.Queue()
    q.put([mp.zeros(1_000_000), mp.zeros(10)])
    assert shared_bytes() - before >= 8_000_000

    del q
    assert shared_bytes() == before


def test_what_could_not_be_sent_leaves_nothing():
    before = shared_bytes()
    q = mp.Queue()
    with pytest.raises(AttributeError):
        q.put([mp.zeros(1_000_000), lambda: 1])
    gc.collect()

    assert shared_bytes() == before


def send_one_and_die(q, how):
    q.put(mp.full(1_000_000, 7))
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_it_outlives_its_sender(how):
    q = mp.Queue()
    sender = mp.Process(target=send_one_and_die, args=(q, how))
    sender.start()
    sender.join()

    received = q.get()
    assert (received == 7).all()
    received[0] = 8


def receive_and_die(q):
    received = q.get()
    received[0] = 8
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_receiver_that_dies_holds_it_no_more():
    before = shared_bytes()
    q = mp.Queue()
    shared = mp.zeros(1_000_000)
    q.put(shared)
    receiver = mp.Process(target=receive_and_die, args=(q,))
    receiver.start()
    receiver.join()

    assert shared[0] == 8
    del shared
    assert shared_bytes() == before


def pass_around(inbox, outbox):
    while True:
        array, view = inbox.get()
        view[0] += 1
        outbox.put((array, array[:, 1:].T))


@pytest.mark.parametrize("kill_after", [0.0, 0.001, 0.003])
def test_whoever_is_killed_while_arrays_go_round_leaves_nothing(kill_after):
    before = shared_bytes()
    for _ in range(KILLS):
        there, back = mp.Queue(), mp.Queue()
        worker = mp.Process(target=pass_around, args=(there, back))
        worker.start()
        for _ in range(3):
            array = mp.zeros((2, 1000))
            there.put((array, array[0]))
        there.put(back.get())
        time.sleep(kill_after)  # anywhere in its work, a different place each time
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()

        left = [each for q in (there, back) for each in drain(q)]
        assert all(array.shape == (2, 1000) for array, _ in left)
        assert all(np.shares_memory(array, view) for array, view in left)
        del left, array, there, back, worker
    gc.collect()
    assert shared_bytes() == before


def drain(q):
    values = []
    while not q.empty():
        values.append(q.get())
    return values
