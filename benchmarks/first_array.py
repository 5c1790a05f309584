"""The first array of a program: started afresh for every sample, prints the seconds of one echo.

python -m benchmarks.first_array MODULE START_METHOD BYTES
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

from benchmarks import messages


def echo_once(ready: Any, questions: Any, answers: Any) -> None:
    ready.set()
    message = questions.get()
    answers.put(message)


def main() -> None:
    module, start_method, size = sys.argv[1:]
    context = importlib.import_module(module).get_context(start_method)
    message = messages.array(int(size))
    ready, questions, answers = context.Event(), context.Queue(), context.Queue()
    process = context.Process(target=echo_once, args=(ready, questions, answers), daemon=True)
    process.start()
    ready.wait(60)

    begin = time.perf_counter()
    questions.put(message)
    reply = answers.get(timeout=60)
    seconds = time.perf_counter() - begin

    process.join()
    print(json.dumps({"seconds": seconds, "same": messages.same(message, reply)}))


if __name__ == "__main__":
    main()
