"""The engine as Python sees it. Written in C++ (python/src), one class a concept."""

from collections.abc import Callable, Coroutine, Sequence
from types import CodeType
from typing import Any, TypeVar, final

from typing_extensions import Self, disjoint_base

__version__: str
__build__: str  # which build of that version this is, of any two different

# -- names ----------------------------------------------------------------------------------------

def publish_queue(name: str, queue: Queue, kind: int) -> None:
    """`kind` is the place of the queue's type in the tuple that `find` is given."""

def publish_pipe(name: str, connection: Connection) -> None: ...
def publish_value(name: str, value: object) -> None: ...
def find(
    name: str,
    timeout: float | None,
    queue_types: tuple[type[Queue], ...],
    pipe_type: type[Connection],
) -> Any: ...
def withdraw(name: str) -> None: ...
def published() -> list[str]: ...

# -- the family -----------------------------------------------------------------------------------

def join_family() -> None:
    """Become a member: of the family this process was started from, else of a new one."""

def in_family() -> bool: ...
def family_secret() -> bytes:
    """16 bytes that members alone can know."""

def family_descriptor() -> int:
    """The arena's descriptor, checked to be the arena's still."""

def reserve_place() -> tuple[int, int]:
    """Reserve a place (slot, generation) for a child about to be started afresh."""

def release_place(slot: int, generation: int) -> None:
    """Give up a place that nobody has adopted; nothing once somebody has."""

def name_newcomer(slot: int, generation: int, pid: int) -> None: ...
def adopt(descriptor: int, slot: int, generation: int) -> None:
    """Become the member of a reserved place. The descriptor is not consumed."""

def join_door(path: str, timeout: float | None) -> bytes:
    """Become a member of the family behind the door there. What its opener gives all guests."""

@final
class Door:
    """A door to this process's family. `note`, at most 64 bytes, goes to all guests."""

    def __init__(self, path: str, note: bytes) -> None: ...
    def admit(self, timeout: float | None, /) -> int | None:
        """The process that has come in; None: nobody in time."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...
    @property
    def path(self) -> str: ...
    @property
    def closed(self) -> bool: ...

def reclaim_dead() -> int:
    """Take back what dead members held; the number of members found dead."""

def leave_locks_held() -> None:
    """For the usual end of a process: what it holds of locks and semaphores stays held, in
    nobody's name."""

def arm_lifeline(descriptor: int) -> None:
    """SIGKILL for this process when the other end of this socket closes."""

def lifeline_pair() -> tuple[int, int]:
    """(end kept by the parent, end armed by the child). Forked siblings close the kept ends they
    inherit by themselves."""

def close_lifeline(kept: int) -> None: ...
def interrupted_at_fork() -> bool:
    """Whether a Ctrl-C was held back when this process last forked: the child has not got it."""

def keeping_interrupts(function: Callable[[], object]) -> Callable[[], object]:
    """What calls `function` at a fork (os.register_at_fork), where exceptions are printed and
    lost: a Ctrl-C that interrupts it has it run once more, and is raised after the fork."""

def beside_threads(function: Callable[[], object]) -> Callable[[], object]:
    """The same, where this process has more than one thread; elsewhere nothing is called."""

def compile_file(source: bytes, path: str) -> CodeType:
    """What compile(source, path, "exec", dont_inherit=True) returns, without making the types of
    the syntax tree first."""

def memory() -> dict[str, Any]:
    """Bytes of the arena: in_use, warm, resident, highest_resident, limit and limit_name, queued,
    frozen and shared; blocks_in_use and queued_blocks; and of each of the members slot, pid,
    living, blocks and bytes. All zero before there is a family."""

def trace() -> dict[str, int]:
    """The counters of this process, and sums of nanoseconds, by name."""

def inspect(descriptor: int) -> dict[str, Any]:
    """All that can be seen of a family from outside, by a descriptor of its arena that can be read
    from. The caller need not be a member, and nothing in the arena changes. Times are monotonic, in
    nanoseconds.

    taken_at, version; of the memory, in bytes: limit (0: none given), resident, highest_resident,
    and usage: (blocks, bytes) by_purpose, held, queued, frozen, shared and warm. The members, as
    memory() has them, with generation, joined_at and trace; the channels that are open; the pools
    with their seats; the locks that are held; the largest blocks. Members stand for each other by
    their slot.

    Raises RuntimeError for an arena of another version, UnpicklingError for what is no arena."""

def install_allocator() -> bool:
    """Large arrays that this thread makes are born in the arena from now on (NEP 49). Imports
    NumPy; False where there is none, or one before 1.22."""

def want_allocator() -> None:
    """install_allocator() as soon as NumPy is there: now, or in the first put, get, send or recv
    after its import (after the value was rebuilt, whose pickle may have imported it)."""

def set_math_threads(threads: int) -> None:
    """The libraries of linear algebra that are loaded (OpenBLAS, runtimes of OpenMP) use so many
    threads from now on; with 0, as many as they would by themselves."""

def memory_kill_count() -> int:
    """How many processes of this control group, or of the machine where there is none, the kernel
    has killed because memory ran out."""

def processor_quota() -> float:
    """How many processors' worth of time the cgroups allow: 1.5 is one and a half, inf any."""

def check_room_for_descriptors(count: int) -> None:
    """OSError while fewer than `count` more descriptors can be opened."""

def thread_count() -> int:
    """How many threads this process has, Python's or not, but for those of the engine, which hand
    out published ends of pipes; 0 where the system does not tell."""

def handles_crashes() -> bool:
    """Whether this process handles any signal that tells of a crash: SIGSEGV, SIGFPE, SIGABRT,
    SIGBUS, SIGILL; in C too, which Python's own table of handlers does not show."""

# -- values ---------------------------------------------------------------------------------------

def set_pickler(
    dump: Callable[[Any, PickleSink], bytes | None],
    dumps: Callable[[Any], bytes],
    loads: Callable[..., Any],
) -> None:
    """How to pickle what the fast path does not know: dump(object, sink) into the sink with
    protocol 5, or to bytes; dumps(object) with everything in band; loads(data) or
    loads(data, buffers=...)."""

@final
class PickleSink:
    """What an object is pickled into. Made by the engine for one pickling."""

    def write(self, data: Any, /) -> int:
        """Appends to the stream. Large data that a pickler writes by themselves go out of band."""

    def take_buffer(self, buffer: Any, /) -> bool:
        """The buffer_callback."""

class ReducerTable(dict[type, Any]):
    """Reducers by type, for a pickler's dispatch_table. Only for classes of NumPy arrays, and not
    for whatever is looked up, calls __missing__."""

    def __getitem__(self, cls: type, /) -> Any: ...

def exchange_arrays(one: Any, other: Any) -> None:
    """Two NumPy arrays exchange data, dtype and shape, and keep their classes and attributes."""

def is_pickling_message() -> bool:
    """Whether this thread is pickling what goes into a message of the family: then what is shared
    may go as a reference, a PickleBuffer of a SharedBuffer."""

def when_undelivered(function: Callable[[], object]) -> None:
    """`function` is called if the message that this thread is pickling comes to nothing: its
    pickling fails, it is refused, or dropped. Nothing where this thread is pickling none."""

@final
class Buffer:
    """The block that a received array or large bytes object lies in, held as long as something
    looks into it. Made by the engine only; offers the buffer protocol."""

    @staticmethod
    def _make(length: int, /) -> Buffer:
        """A writable one on a new block, for the caller to fill and to give to a pickler, whose
        message takes the block."""

    @staticmethod
    def _copy(data: Any, /) -> Buffer:
        """The same, holding the bytes of `data`."""

    def __len__(self) -> int:
        """In bytes."""

@final
class SharedBuffer:
    """A block that is one and the same memory for all who have it, or a part of one; offers the
    buffer protocol. What shared arrays, and the ctypes objects of Array and Value, lie in."""

    @classmethod
    def _make(cls, length: int, zero: bool) -> Self:
        """A new one of `length` bytes, which are zero or anything. MemoryError names the limit."""

    @classmethod
    def _make_for_elements(cls, length: int) -> Self:
        """The same, zeroed; what NumPy sees in it is sent by value."""

    @classmethod
    def _copy_of(cls, data: Any) -> Self:
        """A new one with the bytes of `data`, a contiguous buffer, in it."""

    @classmethod
    def _open(cls, block: int, time: int) -> Self:
        """One that somebody still holds, by its name."""

    @classmethod
    def _around(cls, array: Any) -> tuple[Self, int] | None:
        """The whole memory that an array lies in, and the offset of its first element in bytes;
        None where that is not shared."""

    @classmethod
    def _are_there(cls) -> bool:
        """Whether this process has any."""

    def _own_view(self) -> Self:
        """The same bytes, of which whatever is written through this one stays this process's own.
        For memory that nobody writes to any more. MemoryError, OSError: it cannot be mapped."""

    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None:
        """Count the reserved member `slot` as a holder of the memory."""

    def __len__(self) -> int:
        """In bytes."""

# -- channels -------------------------------------------------------------------------------------

@final
class Envelope:
    """An object that was encoded for a queue and is not yet in it. Made by the engine only."""

@disjoint_base
class Queue:
    """Messages in order, any number of putters and getters. `maxsize` 0: bounded by memory only.

    Raises queue.Full, queue.Empty, MemoryError (names the limit), and whatever pickling raises, in
    the caller. A subclass may be pickled by name, descriptor and hold (see `_open`).
    """

    def __init__(self, maxsize: int = 0) -> None: ...
    def _open(self, index: int, generation: int, bell: int = -1, room_bell: int = -1) -> None:
        """Make this one for an existing queue; its bells (eventfds) are its own from now on. Only a
        bounded queue has one for room."""

    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None:
        """Count the reserved member `slot` as a holder of this queue."""

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> Any: ...
    def put_nowait(self, obj: Any) -> None: ...
    def get_nowait(self) -> Any: ...
    def qsize(self) -> int: ...
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def _poll(self, timeout: float | None = 0.0) -> bool:
        """Wait until a message is there; False when the time is over."""

    def put_async(self, obj: Any) -> Coroutine[Any, Any, None]:
        """Encode the object, and give what `_deliver(envelope)` of the subclass gives."""

    def _put_envelope(self, envelope: Envelope) -> None:
        """Put what is in it, if there is room now. OSError: nothing is in it any more, or it is
        another process's."""

    def _bell(self) -> int:
        """The doorbell, readable exactly while a message waits, from the first call on."""

    def _room_bell(self) -> int:
        """The bell for room, readable exactly while there is some, from the first call on; -1 where
        the queue has no bound."""

    def _has_name(self) -> bool:
        """Whether it has been published, so that others may use it who ring no bell."""

    def _has_room(self) -> bool:
        """A bell for room that rings without cause is silent afterwards, as the doorbell is after
        `_poll`."""

    def _descriptors(self) -> tuple[int, ...]:
        """The bells as they are, to be handed to another member (`_open`); changes nothing."""

    def _close(self) -> None:
        """Give up this handle. Every later call, and one under way in another thread, raises
        ValueError; empty() and _poll() raise OSError, as stock's do."""

    def _task_done(self) -> None:
        """ValueError('task_done() called too many times')."""

    def _join(self) -> None: ...
    @property
    def _maxsize(self) -> int: ...

# -- pools ----------------------------------------------------------------------------------------

@disjoint_base
class Crew:
    """A pool as its parent has it: tasks go out, answers come in, and each worker has a seat.

    For the process that made it: OSError in another. Tasks are known by their numbers, which count
    from 0 on modulo 2^32. Once a worker is known to be dead, ask `is_taken` of the tasks without an
    answer, then `at` of the seats of the living, and get all answers that are ready. What was taken
    then, is in no living worker's seat, and has no answer, is lost: the dead one's seat names it.
    """

    def __init__(self, seats: int) -> None: ...
    def put(self, task: object, /) -> int:
        """The task's number. Raises what encoding raises; ValueError once the pool is closed."""

    def put_all(self, tasks: list[Any], /) -> tuple[list[int], BaseException | None]:
        """Put the tasks up to the first that cannot be put, and take them out of the list: None is
        left, so that what nobody else refers to moves. Their numbers, and what that one raised."""

    def get(
        self,
        answers: list[tuple[int | None, bool, Any, int]],
        most: int,
        block: bool = True,
        timeout: float | None = None,
    ) -> int:
        """Append the answers that are there, `most` at most; how many there were. Each is a number
        (None: a worker tells something), success, value, and the nanoseconds of computing. Where
        the value cannot be read it is a failure, and the value is whatever reading raised; a
        KeyboardInterrupt is raised besides. Waits for the first as Queue.get() does."""

    def ready(self) -> bool:
        """Whether an answer waits."""

    def at(self, seat: int, /) -> int | None:
        """The task in that seat: not yet answered, or about to be taken. IndexError."""

    def is_taken(self, number: int, /) -> bool: ...
    def waiting(self) -> int:
        """How many tasks nobody has taken."""

    def close(self) -> None:
        """Workers leave after the last task. Not while another thread puts one."""

    def discard(self) -> int:
        """Take out the tasks that wait; how many. They have no answer."""

    def clear_seat(self, seat: int, /) -> None:
        """The worker in it is dead, and what it had is settled: another may sit down."""

    def figures(self, seat: int, /) -> tuple[int, int, int, int, int, int]:
        """Tasks taken; started at (monotonic nanoseconds, 0: nobody sits there); nanoseconds spent
        waiting, receiving, computing and sending."""

    def _validate(self) -> str:
        """What is wrong with it; empty: nothing."""

    def _name(self) -> tuple[int, int, int, int, int, int]:
        """What a PoolWorker is made from."""

    def _hold_for(self, slot: int) -> None:
        """Count the reserved member `slot` as a holder of the pool."""

CALL: int  # the function once, with the arguments, a tuple, and the keywords, a dict
MAP: int  # with each of the arguments: a list
STARMAP: int  # with each of the arguments, of which each holds arguments: a list

@final
class PoolWorker:
    """A pool as the worker in that seat has it, for one thread of the process that made it. OSError
    where the pool is gone, ValueError where it has no such seat."""

    def __init__(self, name: tuple[int, int, int, int, int, int], seat: int) -> None: ...
    def take(self) -> tuple[int, Any]:
        """The next task: its number, and what was put. Waits for one. EOFError, while `number` is
        None, once the pool is closed and nothing is left. What reading the task raised is raised
        while `number` is the task's. ValueError: the task before has no answer yet."""

    @property
    def number(self) -> int | None:
        """The task that was taken and has no answer yet."""

    @property
    def at_work(self) -> bool:
        """Whether serve() does or answers a task, rather than waits for one or reads it."""

    def serve(
        self,
        unpack: Callable[[Any], Callable[..., object]],
        fail: Callable[[int, BaseException], object],
        unsent: Callable[[int, BaseException, Any], object],
        most: int | None,
        /,
    ) -> int:
        """Take tasks and answer each, `most` of them (None: until there will be none); how many
        there were. A task is (packed, way, arguments, keywords), see CALL, MAP and STARMAP;
        `unpack(packed)` is its function. What it returns is the answer: arrays born in the arena
        move. What it raises is given to `fail` with the task's number, and a result that cannot be
        sent with the reason to `unsent`; these answer. Raises what they raise."""

    def answer(self, number: int, success: bool, value: object, /) -> None:
        """Answer the task. Raises what encoding raises; then it has no answer yet."""

    def tell(self, value: object, /) -> None:
        """Put something among the answers that is the answer of no task. ValueError: there is a
        task, which has no answer yet."""

@final
class Turn:
    """What one thread at a time has, and gives back whatever a signal handler raises meanwhile."""

    def __init__(self) -> None: ...
    def take(self, call: Callable[[], object], /) -> bool:
        """Call it while no other thread, and nothing else of this one, has the turn; False where
        somebody has. Raises what it raises."""

    def is_taken(self) -> bool:
        """Whether a thread has the turn."""

    def is_mine(self) -> bool:
        """Whether this thread has it."""

@final
class KeptEnds:
    """What a parent keeps open of a child: descriptors, and the end of a lifeline. They are closed
    when this is called, or gone; in a forked child they are left alone."""

    def __init__(self) -> None: ...
    def take(
        self,
        registry: dict[Any, Any],
        key: object,
        descriptors: Sequence[int],
        lifeline: int,
        /,
    ) -> None:
        """From now on these are its own, and nothing stands at `key` of the registry, by which
        somebody else would have closed them. Both, or an exception and neither: no signal handler
        runs in between. -1: there is no lifeline."""

    def __call__(self, *args: object, **kwargs: object) -> None: ...
    def cut_lifeline(self) -> None:
        """Close the lifeline alone: the child has ended."""

# -- locks ----------------------------------------------------------------------------------------

@disjoint_base
class Lock:
    """A lock of processes, plain (anybody may release it) or recursive (its thread may take it
    again). The methods are those of _multiprocessing.SemLock."""

    def __init__(self, recursive: bool) -> None: ...
    def _open(self, recursive: bool, block: int, time: int) -> None:
        """Make this one for an existing lock."""

    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None:
        """Count the reserved member `slot` as a holder of the lock's memory."""

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """RuntimeWarning where the holder before was killed."""

    def release(self) -> None:
        """ValueError: nobody held it. AssertionError: not this thread (a recursive one)."""

    def __enter__(self) -> bool: ...
    def __exit__(self, *exception: object) -> None: ...
    def _count(self) -> int: ...
    def _is_mine(self) -> bool: ...
    def _get_value(self) -> int: ...
    def _is_zero(self) -> bool: ...
    def _after_fork(self) -> None: ...
    @property
    def recovered(self) -> int | None: ...
    @property
    def kind(self) -> int: ...
    @property
    def maxvalue(self) -> int: ...
    @property
    def name(self) -> None: ...
    @property
    def handle(self) -> int: ...

@disjoint_base
class Semaphore:
    """A semaphore of processes. The methods are those of _multiprocessing.SemLock."""

    def __init__(self, value: int, bounded: bool) -> None: ...
    def _open(self, block: int, time: int) -> None:
        """Make this one for an existing semaphore."""

    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None:
        """Count the reserved member `slot` as a holder of the semaphore's memory."""

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """RuntimeWarning where units of a process that was killed have come back."""

    def release(self) -> None:
        """ValueError: there are as many units as there may be."""

    def get_value(self) -> int: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *exception: object) -> None: ...
    def _count(self) -> int: ...
    def _is_mine(self) -> bool: ...
    def _get_value(self) -> int: ...
    def _is_zero(self) -> bool: ...
    def _after_fork(self) -> None: ...
    def _validate(self) -> str:
        """What is wrong with it; empty: nothing."""

    @property
    def recovered(self) -> int | None: ...
    @property
    def kind(self) -> int: ...
    @property
    def maxvalue(self) -> int: ...
    @property
    def name(self) -> None: ...
    @property
    def handle(self) -> int: ...

@disjoint_base
class Event:
    """A flag between processes: one word."""

    def __init__(self) -> None: ...
    def _open(self, block: int, time: int) -> None: ...
    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None: ...
    def is_set(self) -> bool: ...
    def set(self) -> None: ...
    def clear(self) -> None: ...
    def wait(self, timeout: float | None = None) -> bool: ...
    def _validate(self) -> str: ...

@disjoint_base
class Condition:
    """Waiters of processes, over a lock of the engine."""

    def __init__(self, lock: Lock) -> None: ...
    def _open(self, lock: Lock, block: int, time: int) -> None: ...
    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None: ...
    def wait(self, timeout: float | None = None) -> bool:
        """AssertionError: this thread does not have the lock. OSError: too many wait."""

    def notify(self, n: int = 1) -> None:
        """AssertionError: this thread does not have the lock."""

    def notify_all(self) -> None: ...
    def _waiting(self) -> int: ...
    def _validate(self) -> str: ...
    @property
    def _lock(self) -> Any: ...

@disjoint_base
class Barrier:
    """Where processes wait for each other. `parties` of 0: never enough."""

    def __init__(self, parties: int) -> None: ...
    def _open(self, block: int, time: int) -> None: ...
    def _name(self) -> tuple[int, int]: ...
    def _hold_for(self, slot: int) -> None: ...
    def _pass(self, timeout: float | None, action: Callable[[], object] | None, /) -> int:
        """Which of the parties this is. threading.BrokenBarrierError."""

    def abort(self) -> None: ...
    def reset(self) -> None: ...
    def _validate(self) -> str: ...
    @property
    def _state(self) -> int: ...
    @property
    def _count(self) -> int: ...

@disjoint_base
class Elements:
    """The elements of a synchronized array: one at a time without its lock, unless it is held."""

    def get_lock(self) -> Any: ...
    def _stand_on(self, obj: object, lock: Lock, code: str) -> None:
        """`obj`: a ctypes array; `code`: what its elements are, as array.array calls it."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: int | slice, /) -> Any: ...
    def __setitem__(self, key: int | slice, value: Any, /) -> None: ...
    def __delitem__(self, key: int | slice, /) -> None:
        """AttributeError: it cannot be done."""

@disjoint_base
class Element:
    """The one element of a synchronized value."""

    value: Any
    def get_lock(self) -> Any: ...
    def _stand_on(self, obj: object, lock: Lock, code: str) -> None:
        """As of Elements, with a ctypes number."""

_End = TypeVar("_End", bound=Connection)

@disjoint_base
class Connection:
    """One end of a pipe: a ring for each direction and a real socket for sleeping, EOF and
    `fileno()`. Same methods, exceptions and texts as multiprocessing.connection.Connection."""

    @staticmethod
    def _pair(end: type[_End], duplex: bool) -> tuple[_End, _End]: ...
    @classmethod
    def _open(
        cls,
        descriptor: int,
        receive: tuple[int, int] | None,
        send: tuple[int, int] | None,
    ) -> Self:
        """A handle on an end whose socket `descriptor` (owned from now on) arrived here."""

    @classmethod
    def _make_on(cls, descriptor: int) -> Self:
        """An end of a new pipe, on the socket `descriptor` (owned from now on), which never blocks.
        Whoever has the socket's peer opens the other end with the names in reverse."""

    def _names(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """The (receive, send) channels."""

    def _hold_for(self, slot: int) -> None: ...
    def send(self, obj: Any) -> None: ...
    def recv(self) -> Any: ...
    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None) -> None: ...
    def recv_bytes(self, maxlength: int | None = None) -> bytes: ...
    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int: ...
    def poll(self, timeout: float | None = 0.0) -> bool: ...
    def fileno(self) -> int:
        """The socket; readable exactly while a message (or EOF) waits, from the first call on."""

    def _descriptor(self) -> int:
        """The socket as it is, to be handed to another member (`_open`); changes nothing."""

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def readable(self) -> bool: ...
    @property
    def writable(self) -> bool: ...

def wait_any(waitables: Sequence[Any], timeout: float | None) -> list[int]:
    """Indices of those of `waitables` (Queue, Connection, or integer descriptors) that are ready,
    waiting at most `timeout` seconds (None: for ever) for the first."""
