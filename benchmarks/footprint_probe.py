"""The shared bytes of many Values and Locks, measured in a program of its own; prints JSON.

python -m benchmarks.footprint_probe MODULE START_METHOD COUNT
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def resident_shared() -> int:
    """Bytes of shared memory that this process has in use: stock has a page for each lock, and one
    file that Values lie in side by side."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssShmem:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status does not tell RssShmem")


def measure_of(module: Any) -> tuple[str, Callable[[], int]]:
    """How the module's shared bytes are counted, in words and as a function."""
    if hasattr(module, "memory"):
        return "onecopy.memory()['shared']", lambda: int(module.memory()["shared"])
    return "resident shared memory, in pages", resident_shared


def bytes_of_each(
    make: Callable[[], Any], use: Callable[[Any], None], count: int, shared: Callable[[], int]
) -> float:
    use(make())  # brings in what the first one needs
    before = shared()
    made = [make() for _ in range(count)]
    for each in made:
        use(each)  # what was never touched is not resident
    return (shared() - before) / count


def use_value(value: Any) -> None:
    with value.get_lock():
        value.value += 1


def use_lock(lock: Any) -> None:
    with lock:
        pass


def main() -> None:
    module_name, start_method, count = sys.argv[1:]
    module = importlib.import_module(module_name)
    context = module.get_context(start_method)
    measure, shared = measure_of(module)
    answer = {
        "measure": measure,
        "Value": bytes_of_each(lambda: context.Value("d"), use_value, int(count), shared),
        "Lock": bytes_of_each(context.Lock, use_lock, int(count), shared),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
