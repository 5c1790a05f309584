"""This process's membership of the family, and the places it reserves for children.

A child that is forked is a member by the engine's own doing. A child that starts afresh (spawn,
forkserver) is given a Place by its parent, and adopts it before anything that lives in the arena
is unpickled in it. The one process between, the forkserver's template, finds its place in an
environment variable that only the direct child of the process that set it heeds.
"""

from __future__ import annotations

import os
from multiprocessing.context import get_spawning_popen
from pickle import PickleBuffer

from . import (
    _engine,
    _fork_warning,  # noqa: F401
    _pickler,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol, Union

    class Detachable(Protocol):
        """A descriptor under way to another process (reduction.DupFd)."""

        def detach(self) -> int: ...

    class Shared(Protocol):
        """A handle on a shared block of the arena."""

        def _name(self) -> tuple[int, int]: ...
        def _hold_for(self, slot: int) -> None: ...

    Hold = Union["Place", PickleBuffer]


TEMPLATE_PLACE = "ONECOPY_TEMPLATE_PLACE"  # <pid of the parent>:<descriptor>:<slot>:<generation>

_engine.set_pickler(_pickler.dump, _pickler.dumps, _pickler.loads)

# Of one program all processes run the same.
_VERSION = f"{_engine.__version__} (build {_engine.__build__})"

_adopted: tuple[int, int] | None = None  # the place given to this process by its parent
_surplus: tuple[int, int] | None = None  # the same, where this process already had one


def join() -> None:
    """Makes this process a member: of the family it was started from, else of one of its own.

    Raises OSError or MemoryError where the system gives no arena."""
    if not _engine.in_family():
        adopt_template_place()
        _engine.join_family()


def show_life() -> None:
    """Holds a shared lock on the family's memory, which is given back when the last of those who
    have this process's descriptor of it is gone: by it the keeper of segments (_keeper.py) knows
    that the family lives. A template opens that file anew, so that there are two."""
    import fcntl

    fcntl.flock(_engine.family_descriptor(), fcntl.LOCK_SH)


def identity(descriptor: int | None = None) -> tuple[int, int]:
    """What tells one family from another: device and inode of its arena."""
    status = os.fstat(_engine.family_descriptor() if descriptor is None else descriptor)
    return status.st_dev, status.st_ino


class Place:
    """A place in the family for a child that is about to start afresh.

    Pickling it (while that child is being started) yields nothing but the adoption of the place in
    the child; it stands before everything whose unpickling needs the child to be a member.
    """

    __slots__ = ("_descriptor", "generation", "slot")

    def __init__(self, popen: Any) -> None:
        join()
        self.slot, self.generation = _engine.reserve_place()
        try:
            self._descriptor: Detachable = popen.DupFd(
                popen.duplicate_for_child(_engine.family_descriptor())
            )
        except BaseException:
            self.release()
            raise

    @classmethod
    def of(cls, popen: Any) -> Place:
        """The place of the child that `popen` is starting: the one of old, or a new one (for a
        Popen that is not Onecopy's, whose child nobody names; it names itself)."""
        place: Place | None = getattr(popen, "_onecopy_place", None)
        if place is None:
            place = popen._onecopy_place = cls(popen)
        return place

    def release(self) -> None:
        """The child never came."""
        _engine.release_place(self.slot, self.generation)

    def name(self, pid: int) -> None:
        """The child came, and this is its process id."""
        _engine.name_newcomer(self.slot, self.generation, pid)

    def passage(self) -> tuple[str, Detachable, int, int]:
        """The arguments of `adopt`, in the child."""
        return _VERSION, self._descriptor, self.slot, self.generation

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Any, ...]]:
        return adopt, self.passage()


def adopt(version: str, descriptor: Detachable, slot: int, generation: int) -> None:
    """In the child: take the place that the parent reserved.

    Raises RuntimeError where parent and child run different versions or builds, or where this
    process has a family of its own already.
    """
    global _adopted, _surplus
    if _adopted == (slot, generation):
        return
    if version != _VERSION:
        raise RuntimeError(
            f"the parent runs Onecopy {version} and this child {_VERSION},"
            f" from {os.path.dirname(__file__)}: start all of a program with one installation"
        )
    number = descriptor.detach()
    try:
        if not _engine.in_family():
            _engine.adopt(number, slot, generation)
        elif identity() == identity(number):
            _surplus = slot, generation  # forked from a template that is a member
        else:
            raise RuntimeError(
                "this process made queues or pipes of its own before it met those of its parent"
            )
    finally:
        os.close(number)
    _adopted = slot, generation


def check_travels(kind: str) -> None:
    """RuntimeError, in stock's words, where something is pickled neither for a child that is being
    started nor for a message in the family."""
    if get_spawning_popen() is None and not _engine.is_pickling_message():
        raise RuntimeError(
            f"{kind} objects should only be shared between processes through inheritance"
        )


def hold_for_receiver(shared: Shared, kind: str) -> Hold:
    """What keeps a shared block until who unpickles it has opened it. It stands first in the state
    of what lies in the block. Raises as `check_travels` does."""
    check_travels(kind)
    if _engine.is_pickling_message():
        memory: Any = _engine.SharedBuffer._open(*shared._name())
        return PickleBuffer(memory)
    place = Place.of(get_spawning_popen())
    shared._hold_for(place.slot)
    return place


def release_surplus() -> None:
    """Gives back the place that was not needed, once everything it held is held by this process."""
    global _surplus
    if _surplus is not None:
        _engine.release_place(*_surplus)
        _surplus = None


def start_template(start: Callable[[], None], running_pid: Callable[[], int | None]) -> None:
    """Calls `start`, which may start the template, so that a template it starts finds a place here.

    Whatever the template imports may make queues; it and its children must have one family.
    """
    join()
    show_life()
    slot, generation = _engine.reserve_place()
    before = running_pid()
    os.environ[TEMPLATE_PLACE] = f"{os.getpid()}:{_engine.family_descriptor()}:{slot}:{generation}"
    try:
        start()
    finally:
        del os.environ[TEMPLATE_PLACE]
        pid = running_pid()
        if pid is None or pid == before:
            _engine.release_place(slot, generation)
        else:
            _engine.name_newcomer(slot, generation, pid)


def adopt_template_place() -> None:
    """In the template of a forkserver, before it comes to be in a family of its own, or another."""
    place = os.environ.pop(TEMPLATE_PLACE, None)
    if place is None:
        return
    parent, number, slot, generation = map(int, place.split(":"))
    if parent != os.getppid():
        return
    try:
        descriptor = os.open(f"/proc/{parent}/fd/{number}", os.O_RDWR)
    except OSError:
        return  # this process is its own family then, and its children adopt places of their own
    try:
        _engine.adopt(descriptor, slot, generation)
        show_life()
    finally:
        os.close(descriptor)
