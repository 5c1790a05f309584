"""Queues awaited in event loops: `get_async` and `put_async`."""

import asyncio
import gc
import os
import signal
import threading

import numpy as np
import pytest

import onecopy as mp

KINDS = {"Queue": mp.Queue, "JoinableQueue": mp.JoinableQueue, "SimpleQueue": mp.SimpleQueue}


@pytest.fixture(params=KINDS)
def made(request):
    return KINDS[request.param]()


@pytest.fixture
def nothing_stays_open():
    """The loop has no reader left, and this process no descriptor. What earlier tests left in
    cycles is collected first."""
    gc.collect()
    before = open_descriptors()
    yield
    gc.collect()
    assert open_descriptors() == before


async def start(*coroutines):
    """Tasks, and each as far as it comes by itself."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    await asyncio.sleep(0)
    return tasks


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_what_is_there_is_got_at_once(made):
    async def main():
        made.put("there")
        return await made.get_async()

    assert asyncio.run(main()) == "there"


def test_the_loop_goes_on_until_there_is_something(made):
    async def main():
        (getter,) = await start(made.get_async())
        assert not getter.done()
        await made.put_async("came")
        return await getter

    assert asyncio.run(main()) == "came"


def test_a_thread_puts(made):
    async def main():
        (getter,) = await start(made.get_async())
        threading.Thread(target=made.put, args=("from a thread",)).start()
        return await getter

    assert asyncio.run(main()) == "from a thread"


def test_first_come_first_served():
    q = mp.Queue()

    async def main():
        getters = await start(*(q.get_async() for _ in range(5)))
        for number in range(5):
            q.put(number)
        return await asyncio.gather(*getters)

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_who_comes_later_does_not_overtake():
    q = mp.Queue(1)

    async def main():
        q.put(0)
        putters = await start(*(q.put_async(number) for number in (1, 2, 3)))
        got = [q.get()]
        putters += await start(q.put_async(4))
        got += [await q.get_async() for _ in range(4)]
        await asyncio.gather(*putters)
        return got

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_a_full_queue_is_waited_for():
    q = mp.Queue(1)

    async def main():
        await q.put_async("first")
        (putter,) = await start(q.put_async("second"))
        assert not putter.done()
        assert q.get() == "first"
        await putter
        assert q.get() == "second"

    asyncio.run(main())


def test_a_thread_makes_room():
    q = mp.Queue(1)
    got = []

    async def main():
        q.put(0)
        (putter,) = await start(q.put_async(1))
        threading.Thread(target=lambda: got.append(q.get())).start()
        await putter

    asyncio.run(main())
    assert [*got, q.get()] == [0, 1]


def test_what_is_put_is_what_it_was_at_the_call():
    q = mp.Queue(1)

    async def main():
        q.put("full")
        value, array = [1], np.zeros(100_000)
        waiting = q.put_async((value, array))
        value.append(2)
        array += 1
        (putter,) = await start(waiting)
        value.append(3)
        q.get()
        await putter
        return q.get()

    value, array = asyncio.run(main())
    assert value == [1]
    assert not array.any()


def test_what_cannot_be_pickled_raises_at_the_call(made):
    with pytest.raises((AttributeError, TypeError, mp.reduction.pickle.PicklingError)):
        made.put_async(lambda: 0)

    assert made.empty()


def test_joining_counts_what_was_put_so():
    q = mp.JoinableQueue()

    async def main():
        await q.put_async(1)
        await q.get_async()

    asyncio.run(main())
    q.task_done()
    q.join()
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()


def test_a_subclass_may_override_get():
    class Doubling(mp.queues.Queue):
        def get(self, block=True, timeout=None):
            return 2 * super().get(block, timeout)

    q = Doubling(ctx=mp.get_context())

    async def main():
        (getter,) = await start(q.get_async())
        q.put(21)
        return await getter

    assert asyncio.run(main()) == 42


# -- ended before there was anything -----------------------------------------------------------


def test_wait_for(made, nothing_stays_open):
    async def main():
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(made.get_async(), 0.001)
        made.put("in time")
        return await asyncio.wait_for(made.get_async(), 60)

    assert asyncio.run(main()) == "in time"


def test_waiting_for_room_in_vain(nothing_stays_open, nothing_leaks):
    q = mp.Queue(1)
    q.put("first")

    async def main():
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(q.put_async(np.zeros(100_000)), 0.001)

    asyncio.run(main())
    assert q.get() == "first"
    assert q.empty()


@pytest.mark.parametrize("moment", range(6))
def test_a_cancelled_get_has_taken_nothing_or_has_returned(moment, nothing_stays_open):
    """After so many turns of the loop: before the ring was heard, between the ring and the getter's
    turn, in it, and after it."""
    q = mp.Queue()

    async def main():
        (getter,) = await start(q.get_async())
        q.put("item")
        for _ in range(moment):
            await asyncio.sleep(0)
        getter.cancel()
        try:
            return [await getter]
        except asyncio.CancelledError:
            return [q.get(timeout=60)]

    assert asyncio.run(main()) == ["item"]
    assert q.empty()


@pytest.mark.parametrize("moment", range(6))
def test_a_cancelled_put_has_put_nothing_or_has_returned(moment, nothing_leaks):
    q = mp.Queue(1)

    async def main():
        q.put("first")
        (putter,) = await start(q.put_async(np.zeros(100_000)))
        q.get()
        for _ in range(moment):
            await asyncio.sleep(0)
        putter.cancel()
        try:
            await putter
        except asyncio.CancelledError:
            return 0
        return 1

    assert asyncio.run(main()) == q.qsize()


@pytest.mark.parametrize("moment", range(6))
def test_the_turn_of_the_cancelled_goes_to_the_next(moment):
    q = mp.Queue()

    async def main():
        first, second = await start(q.get_async(), q.get_async())
        q.put("item")
        for _ in range(moment):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        if not first.cancelled():
            q.put("another")
        return await second

    assert asyncio.run(main()) in ("item", "another")


def test_what_is_never_awaited_is_not_put(nothing_leaks):
    q = mp.Queue(1)

    q.put_async(np.zeros(100_000)).close()

    assert q.empty()


def test_one_reader_in_the_loop_however_many_wait(nothing_stays_open):
    q = mp.Queue()

    async def main():
        before = open_descriptors()
        getters = await start(*(q.get_async() for _ in range(100)))
        assert open_descriptors() == before + 1
        for getter in getters:
            getter.cancel()
        await asyncio.wait(getters)
        assert open_descriptors() == before

    asyncio.run(main())


def test_a_loop_that_is_closed_with_somebody_waiting(nothing_stays_open):
    q = mp.Queue()
    loop = asyncio.new_event_loop()
    getter = loop.create_task(q.get_async())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    q.close()

    getter.get_coro().close()

    assert q._getting == {}
    getter._log_destroy_pending = False


def test_a_program_may_watch_the_bell_itself():
    q = mp.Queue()

    async def main():
        loop, seen = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(q._reader.fileno(), seen.set)
        (getter,) = await start(q.get_async())
        q.put("for both")
        await seen.wait()
        loop.remove_reader(q._reader.fileno())
        return await getter

    assert asyncio.run(main()) == "for both"


def test_waits_in_event_loops_of_asyncio_only():
    q = mp.Queue(1)

    with pytest.raises(RuntimeError, match="no running event loop"):
        q.get_async().send(None)
    q.put(1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        q.put_async(2).send(None)
    assert q.get() == 1


# -- closed queues -----------------------------------------------------------------------------


def test_a_closed_queue_says_that_it_is():
    q = mp.Queue()
    q.close()

    async def main():
        with pytest.raises(ValueError, match="is closed"):
            await q.get_async()
        with pytest.raises(ValueError, match="is closed"):
            await q.put_async(1)

    asyncio.run(main())


def test_a_closed_simple_queue_says_that_it_is():
    q = mp.SimpleQueue()
    q.close()

    async def main():
        with pytest.raises(OSError, match="handle is closed"):
            await q.get_async()
        with pytest.raises(OSError, match="handle is closed"):
            await q.put_async(1)

    asyncio.run(main())


def close_the_queue(q):
    q.close()


def close_its_ends(q):
    q._reader.close()
    q._writer.close()


@pytest.mark.parametrize("close, error", [(close_the_queue, ValueError), (close_its_ends, OSError)])
@pytest.mark.parametrize("in_a_thread", [False, True])
def test_closing_ends_the_waits_of_this_process(close, error, in_a_thread):
    q = mp.Queue(1)
    q.put("full")

    async def main():
        putters = await start(*(q.put_async(number) for number in range(3)))
        if in_a_thread:
            threading.Thread(target=close, args=(q,)).start()
        else:
            close(q)
        for each in await asyncio.gather(*putters, return_exceptions=True):
            assert type(each) is error

    asyncio.run(main())


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_closing_ends_the_waits_for_a_simple_queue(in_a_thread):
    q = mp.SimpleQueue()

    async def main():
        getters = await start(*(q.get_async() for _ in range(3)))
        if in_a_thread:
            threading.Thread(target=q.close).start()
        else:
            q.close()
        for each in await asyncio.gather(*getters, return_exceptions=True):
            assert type(each) is OSError

    asyncio.run(main())


# -- many at once ------------------------------------------------------------------------------


def test_loops_and_threads_share_a_queue():
    """Two event loops with three getters each, and a thread that gets without one."""
    q, got, lock = mp.Queue(), [], threading.Lock()

    def note(number):
        with lock:
            got.append(number)
        return number is not None

    async def get_until_told():
        while note(await q.get_async()):
            pass

    async def main():
        await asyncio.gather(*(get_until_told() for _ in range(3)))

    def get_in_a_thread():
        while note(q.get()):
            pass

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    threads.append(threading.Thread(target=get_in_a_thread))
    for thread in threads:
        thread.start()
    for number in range(2000):
        q.put(number)
    for _ in range(7):
        q.put(None)
    for thread in threads:
        thread.join()

    assert sorted(number for number in got if number is not None) == list(range(2000))


def test_loops_put_into_a_queue_for_two():
    q = mp.Queue(2)

    async def put(numbers):
        for number in numbers:
            await q.put_async(number)

    async def main(numbers):
        await asyncio.gather(put(numbers[::2]), put(numbers[1::2]))

    halves = range(1000), range(1000, 2000)
    threads = [threading.Thread(target=asyncio.run, args=(main(half),)) for half in halves]
    for thread in threads:
        thread.start()
    got = [q.get() for _ in range(2000)]
    for thread in threads:
        thread.join()

    assert sorted(got) == list(range(2000))


WORKERS = """
    import asyncio
    import onecopy as mp

    async def work(inbox, outbox):
        while (number := await inbox.get_async()) is not None:
            await outbox.put_async(number)
        await outbox.put_async(None)

    async def workers(inbox, outbox):
        await asyncio.gather(*(work(inbox, outbox) for _ in range(4)))

    def process(inbox, outbox):
        asyncio.run(workers(inbox, outbox))

    async def put_all(inbox):
        for number in range(500):
            await inbox.put_async(number)
        for _ in range(12):
            await inbox.put_async(None)

    async def get_all(outbox):
        got, left = [], 12
        while left:
            number = await outbox.get_async()
            if number is None:
                left -= 1
            else:
                got.append(number)
        return got

    async def main(inbox, outbox):
        _, got = await asyncio.gather(put_all(inbox), get_all(outbox))
        print(sorted(got) == list(range(500)))

    if __name__ == "__main__":
        import sys
        mp.set_start_method(sys.argv[1])
        inbox, outbox = mp.Queue(3), mp.JoinableQueue(2)
        processes = [mp.Process(target=process, args=(inbox, outbox)) for _ in range(3)]
        for each in processes:
            each.start()
        asyncio.run(main(inbox, outbox))
        for each in processes:
            each.join()
        print([each.exitcode for each in processes])
"""


def test_processes_share_queues(python, method):
    outcome = python(WORKERS, method)

    assert (outcome.stdout, outcome.stderr) == ("True\n[0, 0, 0]\n", "")


def test_a_child_forked_while_its_parent_waits():
    q, answers = mp.Queue(), mp.Queue()

    def child():
        async def main():
            await answers.put_async(await q.get_async())

        asyncio.run(main())

    async def main():
        (getter,) = await start(q.get_async())
        getter.cancel()
        process = mp.get_context("fork").Process(target=child)
        process.start()
        q.put("for whoever comes first")
        answer = await answers.get_async()
        process.join()
        return answer, process.exitcode

    assert asyncio.run(main()) == ("for whoever comes first", 0)


# -- deaths ------------------------------------------------------------------------------------


def test_the_killed_hold_nobody_up(nothing_leaks):
    """Processes that do nothing but get and put are killed anywhere in it. What they had taken is
    gone with them; everybody else goes on."""
    context = mp.get_context("fork")
    q = mp.Queue(2)

    def child(ready):
        async def main():
            ready.put(None)
            while True:
                await q.put_async(await q.get_async())

        asyncio.run(main())

    async def main():
        await q.put_async(0)
        for _ in range(10):
            ready = mp.SimpleQueue()
            processes = [context.Process(target=child, args=(ready,)) for _ in range(2)]
            for each in processes:
                each.start()
            for _ in processes:
                await ready.get_async()
            for number in range(20):
                await q.put_async(number)
                await q.get_async()
            for each in processes:
                os.kill(each.pid, signal.SIGKILL)
                each.join()
            while not q.empty():
                await asyncio.wait_for(q.get_async(), 60)
            await asyncio.wait_for(asyncio.gather(*(q.put_async(n) for n in "abcd"), take(4)), 60)
            await q.put_async(0)

    async def take(count):
        for _ in range(count):
            await q.get_async()

    asyncio.run(main())
    q.close()
