"""NumPy arrays for a worker that is written in C++, and its answers.

This program opens a door and publishes two queues. The worker, worker.cpp beside this file, is no
child of it: it joins by the door, finds the queues by their names, and takes each array as a
std::vector<double>. It may be started before this program or after it:

    ./run examples/cpp/python_producer_cpp_worker/producer.py --door /tmp/frames/door
    ./run examples/cpp/python_producer_cpp_worker/worker.cpp /tmp/frames/door

With --worker PROGRAM this one starts the worker itself, as any program would be.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import onecopy as mp


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--door", type=Path, help="where to meet (a directory made for it)")
    parser.add_argument("--worker", type=Path, help="the built worker, to be started from here")
    parser.add_argument("--size", type=int, default=1_000_000, help="numbers in a frame")
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    if options.size < 1 or options.frames < 1:
        parser.error("--size and --frames are at least 1")
    if options.door is None and options.worker is None:
        parser.error("a worker needs --door to find, or --worker to be started")
    return options


def main() -> int:
    options = parse()
    frames: mp.Queue[Any] = mp.Queue(8)
    sums: mp.Queue[Any] = mp.Queue()
    mp.publish("frames", frames)
    mp.publish("sums", sums)
    with tempfile.TemporaryDirectory() as folder:
        path = options.door or Path(folder) / "private" / "door"
        with mp.Door(path) as door:
            worker = subprocess.Popen([options.worker, path]) if options.worker else None
            print(f"process {door.admit()} has come in by {path}", flush=True)
        right = work(options, frames, sums)
        if worker is not None and worker.wait() != 0:
            print("the worker failed", file=sys.stderr)
            right = False
    return 0 if right else 1


def work(options: argparse.Namespace, frames: mp.Queue[Any], sums: mp.Queue[Any]) -> bool:
    generator = np.random.default_rng(options.seed)
    arrays = [generator.random(options.size) for _ in range(options.frames)]
    begin = time.perf_counter()
    for number, array in enumerate(arrays):
        frames.put((number, array))
    frames.put(None)
    answers = dict(sums.get(timeout=60) for _ in arrays)
    taken = time.perf_counter() - begin
    expected = {number: array.sum() for number, array in enumerate(arrays)}
    right = answers.keys() == expected.keys() and np.allclose(
        [answers[number] for number in expected], list(expected.values())
    )
    print(f"answer: {len(answers)} sums, {'as' if right else 'NOT as'} NumPy has them")
    print(f"time: {1e3 * taken / options.frames:.3f} ms a frame of {8 * options.size:,} bytes")
    return right


if __name__ == "__main__":
    sys.exit(main())
