"""The first Array of a program: started afresh for every sample, prints the seconds that making it
took, with all that this loads.

python -m benchmarks.first_creation MODULE START_METHOD COUNT
"""

from __future__ import annotations

import importlib
import json
import sys
import time


def main() -> None:
    module, start_method, count = sys.argv[1:]
    context = importlib.import_module(module).get_context(start_method)
    size = int(count)

    begin = time.perf_counter()
    array = context.Array("d", size)
    seconds = time.perf_counter() - begin

    print(json.dumps({"seconds": seconds, "same": array[:] == [0.0] * size}))


if __name__ == "__main__":
    main()
