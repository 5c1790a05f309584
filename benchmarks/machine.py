"""The machine that figures were taken on, and the two cores they are taken on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def use_cores(count: int) -> None:
    """Keeps this process and all it starts on `count` cores; different physical ones where there
    are enough. 0, or more than there are, changes nothing."""
    allowed = _allowed_cores()
    if 0 < count < len(allowed):
        os.sched_setaffinity(0, allowed[:count])


def two_cores() -> tuple[int, int]:
    """For two processes, each on its own: different physical ones where there are any. The same one
    twice where this process may use one only."""
    first, *others = _allowed_cores()
    return first, others[0] if others else first


def placement(first: int, second: int) -> str:
    """Where two cores lie to each other."""
    if first == second:
        return f"both processes on core {first}"
    if second in _siblings(first):
        return f"cores {first} and {second}, two threads of one physical core"
    shared = [level for level in ("2", "3") if second in _sharers_of_cache(first, level)]
    cache = f"L{shared[0]} shared" if shared else "no cache shared"
    return f"cores {first} and {second}, two physical cores, {cache}"


def _allowed_cores() -> list[int]:
    """The logical cores that this process may use: of each physical core one first."""
    allowed = sorted(os.sched_getaffinity(0))
    first_of_each_core = [cpu for cpu in allowed if cpu == min(_siblings(cpu) & set(allowed))]
    others = [cpu for cpu in allowed if cpu not in first_of_each_core]
    return [*first_of_each_core, *others]


def _siblings(cpu: int) -> set[int]:
    """The logical cores of the physical core that `cpu` belongs to."""
    # Not told: every logical core counts as one of its own.
    return {cpu} | _cores_in(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")


def _sharers_of_cache(cpu: int, level: str) -> set[int]:
    """The logical cores that have the cache of that level in common with `cpu`, itself too."""
    sharers: set[int] = set()
    for index in Path(f"/sys/devices/system/cpu/cpu{cpu}/cache").glob("index*"):
        try:
            if (index / "level").read_text().strip() == level:
                sharers |= _cores_in(str(index / "shared_cpu_list"))
        except OSError:
            continue  # not told
    return sharers


def _cores_in(path: str) -> set[int]:
    """The cores in a list of the kernel's, such as 0,4-7; none where it is not told."""
    cores: set[int] = set()
    try:
        for part in Path(path).read_text().strip().split(","):
            first, _, last = part.partition("-")
            cores.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        return set()
    return cores


def available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo does not tell MemAvailable")


def describe() -> dict[str, object]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "cores used": len(os.sched_getaffinity(0)),
        "memory GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "pandas": _version("pandas"),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
