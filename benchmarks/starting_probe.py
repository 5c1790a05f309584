"""A program that starts processes and joins them, as a user's does that is a file of its own: it
answers each line, a count, with the seconds that so many of them took.

python benchmarks/starting_probe.py MODULE START_METHOD [PRELOADED_MODULE ...]
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any


def nothing() -> None:
    pass


def start_and_join(context: Any, count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        process = context.Process(target=nothing)
        process.start()
        process.join()
        if process.exitcode != 0:
            sys.exit(f"exit code {process.exitcode}")
    return time.perf_counter() - begin


def main() -> None:
    module, start_method, *preloaded = sys.argv[1:]
    context = importlib.import_module(module).get_context(start_method)
    if preloaded:
        context.set_forkserver_preload(preloaded)
    for line in sys.stdin:
        print(start_and_join(context, int(line)), flush=True)


if __name__ == "__main__":
    main()
