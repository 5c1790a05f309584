"""onecopy._engine.Turn: what one thread at a time has."""

import threading

import pytest

from onecopy._engine import Turn


def test_is_had_for_the_length_of_a_call():
    turn = Turn()
    seen = []
    assert turn.take(lambda: seen.append((turn.is_taken(), turn.is_mine())))
    assert seen == [(True, True)]
    assert not turn.is_taken()
    assert not turn.is_mine()


def test_is_given_back_where_the_call_raises():
    turn = Turn()
    with pytest.raises(ZeroDivisionError):
        turn.take(lambda: 1 / 0)
    assert not turn.is_taken()
    assert turn.take(lambda: None)


def test_is_not_had_twice_by_one_thread():
    turn = Turn()
    inner = []
    assert turn.take(lambda: inner.append(turn.take(lambda: inner.append("called"))))
    assert inner == [False]


def test_is_not_had_by_two_threads():
    turn = Turn()
    begun, go_on = threading.Event(), threading.Event()

    def hold():
        begun.set()
        go_on.wait()

    thread = threading.Thread(target=turn.take, args=(hold,))
    thread.start()
    begun.wait()
    assert turn.is_taken()
    assert not turn.is_mine()
    assert not turn.take(lambda: None)
    go_on.set()
    thread.join()
    assert turn.take(lambda: None)


def test_takes_what_can_be_called():
    turn = Turn()
    with pytest.raises(TypeError, match="not callable"):
        turn.take(1)
    assert not turn.is_taken()
