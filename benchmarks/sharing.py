"""The programs of `./bench shared`: locks, and data that several processes have at once.

Children are told to begin, and tell when they have done, over pipes of the stock module on both
sides, so that what starts and ends a round is not what is measured. Loops over elements run in
children even where there is one only: each then is a program that has met one type of array, and
the interpreter has adapted its loop to that one alone.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import random
import time
from typing import Any

from benchmarks.program import Program, WrongAnswerError

# -- children that work at the same time -----------------------------------------------------------


def work_when_told(told: Any, work: Any, *args: Any) -> None:
    while calls := told.recv():
        told.send(work(calls, *args))


class Crew(Program):
    """Children that each do their work so many times; timed is until the last one has done."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: list[Any] = []

    def hire(self, context: Any, work: Any, *args: Any) -> None:
        ours, theirs = multiprocessing.Pipe()
        self.tell.append(ours)
        self.start(context, work_when_told, theirs, work, *args)
        theirs.close()

    def together(self, calls: int) -> list[Any]:
        for child in self.tell:
            child.send(calls)
        return [child.recv() for child in self.tell]

    def run(self, calls: int) -> float:
        begin = time.perf_counter()
        self.together(calls)
        return time.perf_counter() - begin

    def stop(self) -> None:
        for child in self.tell:
            child.send(0)

    def abandon(self) -> None:
        super().abandon()
        for child in self.tell:
            child.close()


# What a child does for one call: much, beside what it costs to tell it and to hear from it.
EACH = 1000


# -- elements of an array --------------------------------------------------------------------------


def random_numbers(part: int, count: int) -> list[float]:
    generator = random.Random(part)
    return [generator.random() for _ in range(count)]


def fill_part(calls: int, array: Any, part: int, count: int) -> None:
    first = part * count
    for _ in range(calls):
        generator = random.Random(part)
        for index in range(first, first + count):
            array[index] = generator.random()


class Fill(Crew):
    """Each process writes its part of one Array of doubles, element by element (question S4)."""

    def __init__(self, context: Any, processes: int, count: int, lock: bool = True) -> None:
        super().__init__()
        self.count = count
        self.array = context.Array("d", processes * count, lock=lock)
        for part in range(processes):
            self.hire(context, fill_part, self.array, part, count)

    def check(self) -> None:
        self.together(1)
        expected = [
            number for part in range(len(self.tell)) for number in random_numbers(part, self.count)
        ]
        if self.array[:] != expected:
            raise WrongAnswerError("the array differs from what was written")

    def run(self, calls: int) -> float:
        # One fill after another: each is waited for.
        begin = time.perf_counter()
        for _ in range(calls):
            self.together(1)
        return time.perf_counter() - begin


def set_elements(calls: int, array: Any, first: int) -> Any:
    indices = range(first, first + EACH)
    for _ in range(calls):
        for index in indices:
            array[index] = 1.5
    return array[indices[-1]]


def get_elements(calls: int, array: Any, first: int) -> Any:
    indices = range(first, first + EACH)
    for _ in range(calls):
        for index in indices:
            number = array[index]
    return number


class Elements(Crew):
    """Each process sets, or gets, the elements of its own part of one array."""

    def __init__(self, context: Any, work: Any, processes: int, array: Any) -> None:
        super().__init__()
        self.units = processes * EACH
        self.array = array  # stock's must stay until a child that starts afresh has opened it
        for part in range(processes):
            self.hire(context, work, array, part * EACH)

    def check(self) -> None:
        if self.together(1) != [1.5] * len(self.tell):
            raise WrongAnswerError("an element is not what was written")


# -- locks -----------------------------------------------------------------------------------------


def take_and_release(calls: int, lock: Any) -> None:
    for _ in range(calls * EACH):
        with lock:
            pass


class Locks(Crew):
    """Each process takes and releases one Lock, and does nothing else."""

    def __init__(self, context: Any, processes: int) -> None:
        super().__init__()
        self.units = processes * EACH
        self.lock = context.Lock()
        for _ in range(processes):
            self.hire(context, take_and_release, self.lock)

    def check(self) -> None:
        self.together(1)
        if not self.lock.acquire(timeout=10):
            raise WrongAnswerError("the lock is held when all have released it")
        self.lock.release()


def count_up(calls: int, value: Any) -> None:
    for _ in range(calls * EACH):
        with value.get_lock():
            value.value += 1


class Count(Crew):
    """Each process counts in one Value."""

    def __init__(self, context: Any, processes: int) -> None:
        super().__init__()
        self.units = processes * EACH
        self.value = context.Value("q", 0)
        for _ in range(processes):
            self.hire(context, count_up, self.value)

    def check(self) -> None:
        self.together(1)
        if self.value.value != EACH * len(self.tell):
            raise WrongAnswerError("counts were lost")


# -- whole arrays, in one process ------------------------------------------------------------------


class Creation(Program):
    """An Array of doubles is made, written all over and dropped; timed is the making alone, or all
    of it."""

    def __init__(self, context: Any, count: int, timed_to_the_end: bool = False) -> None:
        super().__init__()
        self.context, self.count, self.timed_to_the_end = context, count, timed_to_the_end

    def once(self) -> float:
        begin = time.perf_counter()
        array = self.context.Array("d", self.count)
        made = time.perf_counter()
        ctypes.memset(array.get_obj(), 1, 8 * self.count)
        del array
        return (time.perf_counter() if self.timed_to_the_end else made) - begin

    def check(self) -> None:
        self.once()
        if any(self.context.Array("d", self.count)[:]):
            raise WrongAnswerError("a new array is not all zeros")

    def run(self, calls: int) -> float:
        return sum(self.once() for _ in range(calls))


class SetSlice(Program):
    """A list is written over a whole Array."""

    def __init__(self, context: Any, numbers: list[float]) -> None:
        super().__init__()
        self.array, self.numbers = context.Array("d", len(numbers)), numbers

    def check(self) -> None:
        self.run(1)
        if self.array[:] != self.numbers:
            raise WrongAnswerError("the array differs from the list")

    def run(self, calls: int) -> float:
        array, numbers = self.array, self.numbers
        begin = time.perf_counter()
        for _ in range(calls):
            array[:] = numbers
        return time.perf_counter() - begin


class GetSlice(Program):
    """A whole Array is read into a list, which is dropped."""

    def __init__(self, context: Any, numbers: list[float]) -> None:
        super().__init__()
        self.array, self.numbers = context.Array("d", numbers), numbers

    def check(self) -> None:
        if self.array[:] != self.numbers:
            raise WrongAnswerError("the list differs from the array")

    def run(self, calls: int) -> float:
        array = self.array
        begin = time.perf_counter()
        for _ in range(calls):
            array[:]
        return time.perf_counter() - begin


# -- a dict in a manager ---------------------------------------------------------------------------


class ManagedDict(Program):
    """One item of a manager's dict is set; setting returns when the manager has answered."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        before = multiprocessing.active_children()
        self.manager = context.Manager()
        self.processes = [each for each in multiprocessing.active_children() if each not in before]
        self.dict = self.manager.dict()

    def check(self) -> None:
        self.run(1)
        if dict(self.dict) != {"key": 12345}:
            raise WrongAnswerError("the dict differs from what was set")

    def run(self, calls: int) -> float:
        shared = self.dict
        begin = time.perf_counter()
        for _ in range(calls):
            shared["key"] = 12345
        return time.perf_counter() - begin

    def stop(self) -> None:
        self.manager.shutdown()
