"""Pools in event loops."""

import asyncio
import os
import time

import pytest

import onecopy as mp

from .conftest import PATIENCE


def square(x):
    return x * x


async def ticks(until):
    """How often the loop comes by while something is awaited."""
    count = 0
    while not until.done():
        count += 1
        await asyncio.sleep(0.001)
    return count


def test_results_are_awaited_while_the_loop_goes_on():
    async def main():
        with mp.Pool(2) as pool:
            slow = pool.apply_awaitable(time.sleep, (0.2,))
            assert await ticks(slow) > 3
            assert await asyncio.gather(
                *(pool.apply_awaitable(square, (n,)) for n in range(50))
            ) == [n * n for n in range(50)]

    asyncio.run(main())


def test_exceptions_deaths_and_limits_are_raised():
    async def main():
        with mp.Pool(1) as pool:
            with pytest.raises(TypeError):
                await pool.apply_awaitable(square, ("a",))
            with pytest.raises(mp.WorkerDied):
                await pool.apply_awaitable(os._exit, (1,))
            with pytest.raises(mp.TimeoutError):
                await pool.apply_awaitable(time.sleep, (1000,), timeout=0.2)
            assert await pool.apply_awaitable(square, (3,)) == 9

    asyncio.run(main())


def test_who_cancels_waits_no_longer():
    async def main():
        with mp.Pool(1) as pool:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(pool.apply_awaitable(time.sleep, (0.3,)), 0.01)
            assert await pool.apply_awaitable(square, (3,)) == 9

    asyncio.run(main())


def test_without_a_loop_it_says_so():
    with mp.Pool(1) as pool, pytest.raises(RuntimeError, match="no running event loop"):
        pool.apply_awaitable(square, (3,))


def test_what_was_not_done_when_the_pool_was_terminated_says_so():
    async def main():
        with mp.Pool(1) as pool:
            future = pool.apply_awaitable(time.sleep, (PATIENCE,))
        with pytest.raises(mp.ProcessError, match="terminated before this was done"):
            await asyncio.wait_for(future, PATIENCE)

    asyncio.run(main())


def test_a_task_that_raises_what_no_future_may():
    async def main():
        with mp.Pool(1) as pool, pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(pool.apply_awaitable(next, (iter(()),)), PATIENCE)

    asyncio.run(main())
