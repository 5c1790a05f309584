"""The programs of `./bench transfer`: a parent, its children, and what passes between them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import messages
from benchmarks.program import Program, WrongAnswerError


class Exchange(Program):
    def __init__(self) -> None:
        super().__init__()
        self.queues: list[Any] = []

    def queue(self, context: Any) -> Any:
        queue = context.Queue()
        self.queues.append(queue)
        return queue

    def run_int(self, calls: int) -> float:
        """The same with an int in place of the message: what handing over costs by itself."""
        raise NotImplementedError

    def abandon(self) -> None:
        super().abandon()
        for queue in self.queues:
            queue.cancel_join_thread()
            queue.close()


class IntOver(Program):
    """The channel of an exchange that is open, with an int in place of its message."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange

    def check(self) -> None:
        """The exchange has been checked."""

    def run(self, calls: int) -> float:
        return self.exchange.run_int(calls)


# -- the same message there and back ---------------------------------------------------------------


def echo_over_queues(questions: Any, answers: Any) -> None:
    while True:
        message = questions.get()
        if message is None:
            return
        answers.put(message)


def echo_over_pipe(connection: Any) -> None:
    while True:
        message = connection.recv()
        if message is None:
            return
        connection.send(message)


class Echo(Exchange):
    send: Any
    receive: Any
    message: Any

    def round_trips(self, calls: int, message: Any) -> float:
        send, receive = self.send, self.receive
        begin = time.perf_counter()
        for _ in range(calls):
            send(message)
            receive()
        return time.perf_counter() - begin

    def run(self, calls: int) -> float:
        return self.round_trips(calls, self.message)

    def run_int(self, calls: int) -> float:
        return self.round_trips(calls, 12345)

    def check(self) -> None:
        self.send(self.message)
        if not messages.same(self.message, self.receive()):
            raise WrongAnswerError("the echo differs from what was sent")

    def stop(self) -> None:
        self.send(None)


class QueueEcho(Echo):
    def __init__(self, context: Any, message: Any) -> None:
        super().__init__()
        self.message = message
        questions, answers = self.queue(context), self.queue(context)
        self.send, self.receive = questions.put, answers.get
        self.start(context, echo_over_queues, questions, answers)


class PipeEcho(Echo):
    def __init__(self, context: Any, message: Any) -> None:
        super().__init__()
        self.message = message
        self.connection, far_end = context.Pipe()
        self.send, self.receive = self.connection.send, self.connection.recv
        self.start(context, echo_over_pipe, far_end)
        far_end.close()

    def abandon(self) -> None:
        super().abandon()
        self.connection.close()


# -- many messages one way, one answer -------------------------------------------------------------


def add_up(numbers: Any, answers: Any) -> None:
    while True:
        count = numbers.get()
        if count is None:
            return
        answers.put(sum(numbers.get() for _ in range(count)))


class Flood(Exchange):
    """`count` ints as fast as they go; the child answers with their sum when it has them all."""

    def __init__(self, context: Any, count: int) -> None:
        super().__init__()
        self.units = count
        self.numbers, self.answers = self.queue(context), self.queue(context)
        self.start(context, add_up, self.numbers, self.answers)

    def flood(self) -> int:
        put = self.numbers.put
        put(self.units)
        for number in range(self.units):
            put(number)
        return int(self.answers.get())

    def check(self) -> None:
        if self.flood() != sum(range(self.units)):
            raise WrongAnswerError("the ints do not add up")

    def run(self, calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            self.flood()
        return time.perf_counter() - begin

    def stop(self) -> None:
        self.numbers.put(None)


# -- a list from each of several processes ---------------------------------------------------------


def send_list_when_asked(asked: Any, results: Any, count: int, seed: int) -> None:
    numbers = messages.floats(count, seed)
    while asked.get():
        results.put(numbers)


class Lists(Exchange):
    """Every child is asked for its list of floats; the lists come over a Queue each."""

    def __init__(self, context: Any, processes: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.asked = [self.queue(context) for _ in range(processes)]
        self.results = [self.queue(context) for _ in range(processes)]
        for seed, (asked, results) in enumerate(zip(self.asked, self.results)):
            self.start(context, send_list_when_asked, asked, results, count, seed)

    def collect(self) -> list[list[float]]:
        for asked in self.asked:
            asked.put(True)
        return [results.get() for results in self.results]

    def check(self) -> None:
        for seed, received in enumerate(self.collect()):
            if received != messages.floats(self.count, seed):
                raise WrongAnswerError(f"list {seed} differs from what was sent")

    def run(self, calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            self.collect()
        return time.perf_counter() - begin

    def stop(self) -> None:
        for asked in self.asked:
            asked.put(False)


# -- temporaries -----------------------------------------------------------------------------------


def put_temporaries(control: Any, results: Any, size: int) -> None:
    source = np.ones(size // 8)
    made_at = 0.0

    def make_array() -> np.ndarray:
        nonlocal made_at
        made = source * 2
        made_at = time.perf_counter()
        return made

    def make_int() -> int:
        # The same work before it, so that the receiver has waited, and slept, just as long.
        make_array()
        nonlocal made_at
        made_at = time.perf_counter()
        return 12345

    while True:
        kind = control.recv()
        if kind is None:
            return
        if kind == "array":
            results.put(make_array())
        else:
            results.put(make_int())
        control.send(made_at)


class Temporary(Exchange):
    """A child puts an array that nobody else refers to. Timed is the way from the moment the array
    is made to the moment `get` returns, on the one monotonic clock that both processes read."""

    def __init__(self, context: Any, size: int) -> None:
        super().__init__()
        self.size = size
        self.control, far_end = context.Pipe()
        self.results = self.queue(context)
        self.start(context, put_temporaries, far_end, self.results, size)
        far_end.close()

    def once(self, kind: str) -> tuple[Any, float]:
        self.control.send(kind)
        value = self.results.get()
        received_at = time.perf_counter()
        return value, received_at - self.control.recv()

    def check(self) -> None:
        value, _ = self.once("array")
        if value.nbytes != self.size or value.min() != 2 or value.max() != 2:
            raise WrongAnswerError("the array differs from what was put")

    def run(self, calls: int) -> float:
        return sum(self.once("array")[1] for _ in range(calls))

    def run_int(self, calls: int) -> float:
        return sum(self.once("int")[1] for _ in range(calls))

    def stop(self) -> None:
        self.control.send(None)

    def abandon(self) -> None:
        super().abandon()
        self.control.close()
