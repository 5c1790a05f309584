"""What a pool tells about itself: where the time goes, and how far a call is."""

import sys
import time

import pytest

import onecopy as mp


def sleep_so_long(seconds):
    time.sleep(seconds)
    return seconds


def nothing(item):
    pass


def test_each_worker_tells_what_it_did():
    before = time.time()
    with mp.Pool(2) as pool:
        pool.map(sleep_so_long, [0.02] * 6, 1)
        pids = [worker.pid for worker in pool._pool]
        stats = pool.stats()
    assert [worker.pid for worker in stats.workers] == pids
    assert sum(worker.tasks for worker in stats.workers) == 6
    assert sum(worker.computing for worker in stats.workers) >= 6 * 0.02
    for worker in stats.workers:
        assert before - 1 < worker.started <= time.time()
        assert min(worker.waiting, worker.receiving, worker.sending) >= 0
    assert stats.waiting_tasks == 0


def test_the_five_slowest_tasks():
    with mp.Pool(2) as pool:
        pool.map(nothing, range(100), 10)
        pool.map(sleep_so_long, [0.001, 0.3, 0.001, 0.3], 1)
        pool.apply(sleep_so_long, (0.3,))
        list(pool.imap(sleep_so_long, [0.2, 0.2, 0.001], 2))
        slowest = pool.stats().slowest
    assert {task.what for task in slowest[:4]} == {
        "sleep_so_long",
        "sleep_so_long, item 1",
        "sleep_so_long, item 3",
        "sleep_so_long, items 0 to 1",
    }
    assert len(slowest) == 5
    assert [task.seconds for task in slowest] == sorted((t.seconds for t in slowest), reverse=True)
    assert slowest[3].seconds >= 0.3


def test_tasks_that_nobody_has_begun_are_counted():
    with mp.Pool(1) as pool:
        for _ in range(5):
            pool.apply_async(time.sleep, (60,))
        while pool.stats().waiting_tasks > 4:
            time.sleep(0.001)
        assert pool.stats().waiting_tasks == 4


def test_stats_are_a_table():
    with mp.Pool(1) as pool:
        pool.apply(nothing, (1,))
        text = str(pool.stats())
    head, worker, task, last = text.splitlines()
    assert head.split() == [
        "worker", "pid", "tasks", "waiting", "receiving", "computing", "sending",
    ]  # fmt: skip
    assert worker.split()[2] == "1"
    assert task.split()[1:] == ["s", "nothing"]
    assert last == "0 tasks that nobody has begun"


@pytest.mark.parametrize("call", ["map", "starmap"])
def test_a_bar_shows_the_progress(call, capfd):
    with mp.Pool(2) as pool:
        items = [(n, 2) for n in range(20)] if call == "starmap" else range(20)
        function = divmod if call == "starmap" else abs
        results = getattr(pool, call)(function, items, progress=True)
    assert len(results) == 20
    shown = capfd.readouterr().err.split("\r")
    assert shown[1].startswith("  0%") and "0/20" in shown[1]
    assert shown[-1].startswith("100%") and "20/20" in shown[-1]


def test_a_call_that_fails_leaves_its_bar_closed(capfd):
    with mp.Pool(2) as pool, pytest.raises(TypeError):
        pool.map(abs, [1, "text"], progress=True)
    assert capfd.readouterr().err.endswith("\n")


def test_without_tqdm_the_bar_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with mp.Pool(1) as pool:
        with pytest.raises(ImportError, match="progress=True needs tqdm"):
            pool.map(abs, [1], progress=True)
        assert pool.map(abs, [-1]) == [1]
