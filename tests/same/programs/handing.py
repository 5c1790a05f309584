"""Queues, pipes and locks on the ways by which they reach a process."""

import multiprocessing as mp
from multiprocessing import util

from telling import differs, program, run_programs


def everything():
    return {
        "queue": mp.Queue(),
        "joinable": mp.JoinableQueue(),
        "simple": mp.SimpleQueue(),
        "lock": mp.Lock(),
        "event": mp.Event(),
        "semaphore": mp.BoundedSemaphore(2),
        "condition": mp.Condition(),
        "value": mp.Value("i", 1),
        "array": mp.Array("d", 2),
        "pipe": mp.Pipe(),
    }


def use(things):
    with things["lock"], things["condition"], things["semaphore"]:
        things["value"].value += 1
        things["array"][1] = 2.5
    things["queue"].put("queue")
    things["joinable"].put("joinable")
    things["simple"].put("simple")
    things["pipe"][1].send("pipe")
    things["event"].set()


def tell(things):
    print(things["queue"].get(), things["joinable"].get(), things["simple"].get())
    things["joinable"].task_done()
    things["joinable"].join()
    print(things["pipe"][0].recv(), things["event"].wait(30))
    print(things["value"].value, things["array"][:], things["lock"].acquire(timeout=30))


@program
def by_argument():
    things = everything()
    process = mp.Process(target=use, args=(things,))
    process.start()
    tell(things)
    process.join()


@program
def by_keyword():
    things = everything()
    process = mp.Process(target=use, kwargs={"things": things})
    process.start()
    tell(things)
    process.join()


class Carrier(mp.Process):
    def __init__(self, things):
        super().__init__()
        self.things = things

    def run(self):
        use(self.things)


@program
def by_attribute():
    things = everything()
    process = Carrier(things)
    process.start()
    tell(things)
    process.join()


class Holder:
    def __init__(self, things):
        self.things = things

    def use(self):
        use(self.things)


@program
def by_bound_method():
    holder = Holder(everything())
    process = mp.Process(target=holder.use)
    process.start()
    tell(holder.things)
    process.join()


@program
def to_a_grandchild():
    things = everything()
    process = mp.Process(target=pass_on, args=(things,))
    process.start()
    tell(things)
    process.join()


def pass_on(things):
    process = mp.Process(target=use, args=(things,))
    process.start()
    process.join()


@program
def by_global():
    if mp.get_start_method() != "fork":
        print("not inherited")
        return
    global inherited
    inherited = everything()
    process = mp.Process(target=use_inherited)
    process.start()
    tell(inherited)
    process.join()


def use_inherited():
    use(inherited)


@program
def by_initializer_of_a_pool():
    things = everything()
    with mp.Pool(1, use, (things,)):
        tell(things)


@program
def ends_through_a_pool():
    reader, writer = mp.Pipe(duplex=False)
    with mp.Pool(1) as pool:
        pool.apply(send_one, (writer,))
        print(reader.recv())
        got = pool.apply(make_pipe)
        print(got.recv())


def send_one(writer):
    writer.send("from a worker")


def make_pipe():
    global kept
    reader, kept = mp.Pipe(duplex=False)
    kept.send("made in a worker")
    return reader


@program
def ends_through_ends():
    first, second = mp.Pipe()
    inner, other = mp.Pipe()
    process = mp.Process(target=unwrap, args=(second,))
    process.start()
    first.send({"end": [inner]})
    other.send("to the inner one")
    print(other.recv())
    process.join()


def unwrap(end):
    (inner,) = end.recv()["end"]
    inner.send(inner.recv().upper())


@program
def the_same_one_twice():
    queue = mp.Queue()
    process = mp.Process(target=compare, args=(queue, queue, [queue]))
    process.start()
    print(queue.get())
    process.join()


def compare(first, second, third):
    first.put((first is second, second is third[0]))


@program
def to_a_process_that_starts_later():
    queue, lock = mp.Queue(), mp.Lock()
    process = mp.Process(target=put_locked, args=(queue, lock, "late"))
    queue.put("early")
    print(queue.get())
    lock.acquire()
    process.start()
    lock.release()
    print(queue.get())
    process.join()


def put_locked(queue, lock, word):
    with lock:
        queue.put(word)


@differs(
    "A queue belongs to no start method.",
    "arrived\n",
)
def queue_of_fork_to_spawn():
    queue = mp.get_context("fork").Queue()
    process = mp.get_context("spawn").Process(target=queue.put, args=("arrived",))
    try:
        process.start()
    except RuntimeError as error:
        print(error)
    else:
        process.join()
        print("failed" if process.exitcode else queue.get())


@differs(
    "A lock has no name in the file system, and belongs to no start method.",
    "released\n",
)
def lock_of_fork_to_spawn():
    lock = mp.get_context("fork").Lock()
    lock.acquire()
    process = mp.get_context("spawn").Process(target=release, args=(lock,))
    try:
        process.start()
    except RuntimeError as error:
        print(error)
    else:
        process.join()
        print("failed" if process.exitcode else "released" if lock.acquire(False) else "held")


def release(lock):
    lock.release()


@program
def messages_that_wait_for_a_start():
    queue = mp.Queue()
    for number in range(50):
        queue.put(number)
    answers = mp.Queue()
    process = mp.Process(target=add_up, args=(queue, answers, 50))
    process.start()
    print(answers.get())
    process.join()


def add_up(queue, answers, count):
    answers.put(sum(queue.get() for _ in range(count)))


@program
def what_a_logger_is():
    print(util.get_logger() is mp.get_logger(), mp.get_logger().name, mp.get_logger().level)


if __name__ == "__main__":
    run_programs()
