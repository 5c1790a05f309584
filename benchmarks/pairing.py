"""Measuring two things in one run: in turns, summed up by medians.

A machine that is busy with something else is slow for a while, not evenly. Two programs measured
one after the other may meet different machines; measured in turns, A B A B, they meet the same one.
So every round measures each leg once, and a ratio is taken inside a round before the median is
taken over rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# A leg does its work so many times and returns the seconds that this took.
Leg = Callable[[int], float]


@dataclass(frozen=True)
class Spread:
    """A median and the extremes around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


def calls_for(leg: Leg, target_seconds: float, most: int = 1_000_000) -> int:
    """How many calls of `leg` fill `target_seconds`, found by doubling; at least one."""
    calls = 1
    while True:
        seconds = leg(calls)
        if calls < most and seconds >= target_seconds / 4:
            seconds = min(seconds, leg(calls))  # once more: it may have been held up
        if calls >= most or seconds >= target_seconds / 4:
            wanted = round(calls * target_seconds / seconds) if seconds > 0 else most
            return max(1, min(most, wanted))
        calls = min(most, calls * 2)


def alternate(
    legs: Sequence[Leg],
    calls: Sequence[int],
    rounds: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[list[float]]:
    """Runs every leg once a round, in order. Seconds per call, by leg and then by round."""
    results: list[list[float]] = [[] for _ in legs]
    for done in range(rounds):
        for leg, count, values in zip(legs, calls, results):
            values.append(leg(count) / count)
        progress(done + 1)
    return results


def ratios(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """first over second, round by round: above 1 where `second` was the faster one."""
    return [a / b for a, b in zip(first, second)]
