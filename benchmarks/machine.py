"""The machine that figures were taken on, and the two cores they are taken on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def use_cores(count: int) -> None:
    """Keeps this process and all it starts on `count` cores; different physical ones where there
    are enough. 0, or more than there are, changes nothing."""
    allowed = sorted(os.sched_getaffinity(0))
    if not 0 < count < len(allowed):
        return
    first_of_each_core = [cpu for cpu in allowed if cpu == min(_siblings(cpu) & set(allowed))]
    others = [cpu for cpu in allowed if cpu not in first_of_each_core]
    os.sched_setaffinity(0, [*first_of_each_core, *others][:count])


def _siblings(cpu: int) -> set[int]:
    """The logical cores of the physical core that `cpu` belongs to."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    siblings = {cpu}
    try:
        for part in path.read_text().strip().split(","):
            first, _, last = part.partition("-")
            siblings.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        pass  # not told: every logical core counts as one of its own
    return siblings


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
