"""Four ways round the cost of copying large data to another process.

  threads   a ThreadPool in place of processes: nothing is copied. It gains where NumPy or pandas
            lets go of the interpreter lock, as over numbers, and not over strings;
  less      the same computation by a process that is sent its whole input, and by one that is sent
            the seed from which to make it. Beside a long computation (--rounds) neither matters;
  parquet   a data frame to a process and back: pickled, or as the paths of uncompressed Parquet
            files, by fastparquet and by pyarrow;
  shared    a block of shared memory that an array looks into, and a ShareableList.

The processes are Pools of one worker, which have started before anything is timed.

    python s2_four_ways.py
    python s2_four_ways.py --size 10000000 --ways parquet
    python s2_four_ways.py --ways less --rounds 200 --start forkserver
"""

from __future__ import annotations

import argparse
import multiprocessing
import pathlib
import sys
import tempfile
import time
from multiprocessing import shared_memory
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

try:
    import fastparquet
    import numpy as np
    import pandas as pd
    import pyarrow
except ModuleNotFoundError as error:
    print(
        f"{error}; what this example needs comes with: "
        f"{sys.executable} -m pip install numpy pandas pyarrow fastparquet",
        file=sys.stderr,
    )
    sys.exit(2)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import DefaultContext
    from multiprocessing.pool import Pool
    from typing import Any, Callable

    from numpy.typing import NDArray

    Progress = Callable[[str], None]

TASKS = 10  # that the threads share
THREADS = 4


def random_ints(seed: int, size: int) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 1_000_000, size)


class WrongAnswerError(Exception):
    pass


def check(right: bool, what: str) -> None:
    if not right:
        raise WrongAnswerError(what)


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - begin


# Each way is a generator of what it has found: lines for answers and, after "time:", for times.


def started_pool(context: DefaultContext) -> Pool:
    pool = context.Pool(1)
    pool.apply(abs, (1,))
    return pool


# 1. Threads.


def sum_of_numbers(numbers: NDArray[Any]) -> int:
    return int(numbers.sum())


def letters_of_words(series: Any) -> int:
    return int(series.str.upper().str.len().sum())


def by_threads(
    context: DefaultContext, options: argparse.Namespace, progress: Progress
) -> Iterator[str]:
    numbers = random_ints(options.seed, options.size)
    words = pd.Series([f"word {number}" for number in numbers.tolist()], dtype=object)
    works = [
        ("NumPy sums", sum_of_numbers, numbers),
        ("pandas sums", sum_of_numbers, pd.Series(numbers)),
        ("pandas letter counts", letters_of_words, words),
    ]
    for name, work, data in works:
        tasks = [data] * TASKS
        progress(name)
        alone, seconds = timed(list, map(work, tasks))
        with ThreadPool(THREADS) as pool:
            shared, threaded = timed(pool.map, work, tasks)
        check(shared == alone, f"{name}: the threads found something else")
        yield f"{TASKS} {name} of {options.size}, each {alone[0]}"
        yield (
            f"time: {name}: in sequence {seconds:.3f} s, on ThreadPool({THREADS}) {threaded:.3f} s"
        )


# 2. Live with it, or pass less.


def compute(numbers: NDArray[Any], rounds: int) -> tuple[int, float]:
    """Returns a number that all rounds have a part in, and the seconds it took."""
    begin = time.perf_counter()
    for _ in range(rounds):
        numbers = (numbers * 1_103_515_245 + 12_345) % 2**31
    return int(numbers.sum()), time.perf_counter() - begin


def make_and_compute(seed: int, size: int, rounds: int) -> tuple[int, float]:
    return compute(random_ints(seed, size), rounds)


def by_passing_less(
    context: DefaultContext, options: argparse.Namespace, progress: Progress
) -> Iterator[str]:
    numbers = random_ints(options.seed, options.size)
    expected, _ = compute(numbers, options.rounds)
    with started_pool(context) as pool:
        cases = [
            ("the array sent", compute, (numbers, options.rounds)),
            ("its seed sent", make_and_compute, (options.seed, options.size, options.rounds)),
        ]
        for name, function, arguments in cases:
            progress(name)
            (found, computing), seconds = timed(pool.apply, function, arguments)
            check(found == expected, f"{name}: {found}, and it is {expected}")
            yield f"{name}: {options.rounds} rounds over {options.size} ints give {found}"
            yield f"time: {name}: {seconds:.3f} s, of which computing {computing:.3f} s"


# 3. By way of the disk.


def make_frame(seed: int, size: int) -> Any:
    whole = random_ints(seed, size)
    names = [f"name {number % 1000}" for number in whole.tolist()]
    return pd.DataFrame({"whole": whole, "half": whole / 2, "name": names})


def double(frame: Any) -> Any:
    return frame.assign(whole=frame["whole"] * 2)


def write(frame: Any, path: str, engine: str) -> None:
    if engine == "fastparquet":  # by itself: pandas 3 deprecates asking pandas for it
        fastparquet.write(path, frame, compression=None, write_index=False)
    else:
        frame.to_parquet(path, engine=engine, compression=None, index=False)


def read(path: str, engine: str) -> Any:
    if engine == "fastparquet":
        return fastparquet.ParquetFile(path).to_pandas()
    return pd.read_parquet(path, engine=engine)


def double_file(path: str, reply_path: str, engine: str) -> None:
    write(double(read(path, engine)), reply_path, engine)


def by_pickle(pool: Pool, frame: Any) -> Any:
    return pool.apply(double, (frame,))


def by_file(pool: Pool, frame: Any, folder: str, engine: str) -> Any:
    path, reply_path = (str(pathlib.Path(folder, name)) for name in ("frame", "reply"))
    write(frame, path, engine)
    pool.apply(double_file, (path, reply_path, engine))
    return read(reply_path, engine)


def by_parquet(
    context: DefaultContext, options: argparse.Namespace, progress: Progress
) -> Iterator[str]:
    progress("making the frame")
    frame = make_frame(options.seed, options.size)
    expected = double(frame)
    with started_pool(context) as pool, tempfile.TemporaryDirectory() as folder:
        cases: list[tuple[str, Callable[..., Any], tuple[str, ...]]] = [
            ("pickled", by_pickle, ()),
            ("fastparquet", by_file, (folder, "fastparquet")),
            ("pyarrow", by_file, (folder, "pyarrow")),
        ]
        for name, function, arguments in cases:
            progress(name)
            reply, seconds = timed(function, pool, frame, *arguments)
            for column in expected:
                check(
                    reply[column].tolist() == expected[column].tolist(),
                    f"{name}: the column {column} came back wrong",
                )
            yield f"{name}: {len(reply)} rows back, sum {int(reply['whole'].sum())}"
            yield f"time: {name}: {seconds:.3f} s there and back"


# 4. Shared memory.


def double_block(name: str, size: int) -> None:
    block = shared_memory.SharedMemory(name)
    numbers = np.ndarray(size, dtype=np.int64, buffer=block.buf)
    numbers *= 2
    del numbers  # the block can be closed only when nothing looks into it
    block.close()


def change_items(name: str) -> None:
    items: shared_memory.ShareableList[Any] = shared_memory.ShareableList(name=name)
    items[0] += 1
    items[3] = "there"
    items.shm.close()


def by_block(context: DefaultContext, numbers: NDArray[Any]) -> tuple[NDArray[Any], float]:
    block = shared_memory.SharedMemory(create=True, size=numbers.nbytes)
    try:
        with started_pool(context) as pool:
            shared = np.ndarray(len(numbers), dtype=np.int64, buffer=block.buf)
            shared[:] = numbers
            _, seconds = timed(pool.apply, double_block, (block.name, len(numbers)))
            found = shared.copy()
            del shared
    finally:
        block.close()
        block.unlink()
    return found, seconds


def by_list(context: DefaultContext, items: list[Any]) -> list[Any]:
    shared: Any = shared_memory.ShareableList(items)
    try:
        with started_pool(context) as pool:
            pool.apply(change_items, (shared.shm.name,))
        found = list(shared)
    finally:
        shared.shm.close()
        shared.shm.unlink()
    return found


def by_shared_memory(
    context: DefaultContext, options: argparse.Namespace, progress: Progress
) -> Iterator[str]:
    progress("a block")
    numbers = random_ints(options.seed, options.size)
    found, seconds = by_block(context, numbers)
    check(np.array_equal(found, numbers * 2), "the block was not doubled")
    yield f"a block: {len(found)} ints doubled in place, sum {int(found.sum())}"
    yield f"time: a block: {seconds:.6f} s there and back"

    progress("a ShareableList")
    items = by_list(context, [1, 2.5, True, "where", b"bytes", None])
    check(items == [2, 2.5, True, "there", b"bytes", None], f"the list came back as {items}")
    yield f"a ShareableList: {items}"


WAYS = {
    "threads": by_threads,
    "less": by_passing_less,
    "parquet": by_parquet,
    "shared": by_shared_memory,
}


def progress_line(way: str) -> Progress:
    """Returns a function that says, on stderr, what begins now; only when it all takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    begin = last_shown = time.monotonic()

    def show(step: str) -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            print(f"{way}: {step} begins after {now - begin:.0f} s", file=sys.stderr, flush=True)

    return show


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times threads, small arguments, Parquet files and shared memory."
    )
    parser.add_argument(
        "--size", type=positive, default=100_000, help="elements of an array, rows (100000)"
    )
    parser.add_argument("--rounds", type=positive, default=20, help="of the computation (20)")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        default="spawn",
        help="how processes are started (spawn)",
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)

    packages = (np, pd, pyarrow, fastparquet)
    versions = ", ".join(f"{package.__name__} {package.__version__}" for package in packages)
    print(f"time:   with {versions}")
    for way in options.ways:
        try:
            for line in WAYS[way](context, options, progress_line(way)):
                if line.startswith("time: "):
                    print(f"time:   {way}: {line[6:]}", flush=True)
                else:
                    print(f"answer: {way}: {line}", flush=True)
        except WrongAnswerError as error:
            print(f"WRONG: {way}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
