"""Memory, measured in a program of its own so that nothing else has touched it; prints JSON.

python -m benchmarks.memory_probe arrays MODULE START_METHOD COUNT
python -m benchmarks.memory_probe ints MODULE START_METHOD COUNT
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import messages

ARRAY_SIZE = 8 * messages.MB
FIRST_ARRAYS = 100


def resident(pid: int) -> int:
    """Bytes of memory that the process has in use, shared ones included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/status does not tell VmRSS")


def proportional(pid: int) -> int:
    """The same, with what several processes share divided among them, so that it can be added."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/smaps_rollup does not tell Pss")


def arena(module: Any) -> dict[str, int]:
    """The bytes that the module itself says its shared memory takes; none where it has none."""
    if not hasattr(module, "memory"):
        return {}
    told = module.memory()
    return {f"arena {name}": told[name] for name in ("in_use", "resident")}


def take_arrays(arrays: Any, answers: Any) -> None:
    while (array := arrays.get()) is not None:
        answers.put(float(array[-1]))


def probe_arrays(module: Any, context: Any, count: int) -> dict[str, Any]:
    """Resident memory of both sides after the first arrays and after all of them."""
    arrays, answers = context.Queue(), context.Queue()
    process = context.Process(target=take_arrays, args=(arrays, answers), daemon=True)
    process.start()
    message = np.zeros(ARRAY_SIZE // 8)
    points = []
    for number in range(1, count + 1):
        message[-1] = number
        arrays.put(message)
        if answers.get() != number:
            raise SystemExit(f"array {number} did not arrive as it was sent")
        if number in (min(FIRST_ARRAYS, count), count):
            points.append(
                {
                    "arrays": number,
                    "parent": resident(os.getpid()),
                    "child": resident(process.pid),
                    "arena": arena(module),
                }
            )
    arrays.put(None)
    process.join()
    return {"after": points}


def hold_back(numbers: Any, go: Any, answers: Any) -> None:
    """Takes nothing from the queue until told to."""
    while (count := go.get()) is not None:
        answers.put(sum(numbers.get() for _ in range(count)))


def probe_ints(module: Any, context: Any, count: int) -> dict[str, Any]:
    """How much memory `count` ints take that wait in a queue."""
    numbers, go, answers = context.Queue(), context.Queue(), context.Queue()
    process = context.Process(target=hold_back, args=(numbers, go, answers), daemon=True)
    process.start()

    def put_and_weigh(some: int) -> int:
        before = proportional(os.getpid()) + proportional(process.pid)
        for number in range(some):
            numbers.put(number)
        after = proportional(os.getpid()) + proportional(process.pid)
        go.put(some)
        if answers.get() != sum(range(some)):
            raise SystemExit("the ints do not add up")
        return after - before

    put_and_weigh(1000)  # brings in the code and the first pages
    grown = put_and_weigh(count)
    go.put(None)
    process.join()
    return {"ints": count, "bytes": grown, "bytes per int": grown / count}


PROBES = {"arrays": probe_arrays, "ints": probe_ints}


def main() -> None:
    probe, module_name, start_method, count = sys.argv[1:]
    module = importlib.import_module(module_name)
    context = module.get_context(start_method)
    print(json.dumps(PROBES[probe](module, context, int(count))))


if __name__ == "__main__":
    main()
