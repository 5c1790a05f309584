"""The examples give the same answers however they are run."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ONECOPY = Path(sys.executable).parent / "onecopy"

S0 = ["s0_pipe_queue_array.py", "--size", "2000", "--calls", "4", "--seed", "3"]
S1 = ["s1_pool_and_loop.py", "--size", "2000", "--workers", "2", "--repeats", "2", "--seed", "3"]
S2 = ["s2_four_ways.py", "--size", "2000", "--rounds", "3", "--seed", "3"]
HAZARDS = ["s2_fork_hazards.py", "--size", "200", "--children", "2"]
S3_MAP = ["s3_pool_and_map.py", "--size", "2000", "--rounds", "2", "--workers", "2"]
S3_INHERITED = ["s3_inherited_input.py", "--size", "20000", "--processes", "3"]
S3_BLAS = ["s3_blas_threads.py", "--size", "400", "--matrices", "3"]
S4 = ["s4_random_numbers.py", "--size", "2000", "--seed", "3"]
S4 += ["--ways", "queues", "locked", "own-lock", "unlocked"]
# Each with the number of its answers.
PROGRAMS = [(S0, 6), (S1, 6), (S2, 10), (S3_MAP, 9), (S3_INHERITED, 3), (S3_BLAS, 4), (S4, 16)]
NAMES = [program[0] for program, _ in PROGRAMS]

RUNNERS = {"stock": [sys.executable]}
if ONECOPY.exists():
    RUNNERS["onecopy"] = [str(ONECOPY), "run"]


def run(command):
    return subprocess.run(
        command, cwd=EXAMPLES, capture_output=True, text=True, timeout=100, check=False
    )


def answers(done):
    return [line for line in done.stdout.splitlines() if line.startswith("answer:")]


@pytest.fixture(scope="module")
def expected():
    """What each example answers under the stock module and the default start method."""
    found = {}
    for program, count in PROGRAMS:
        done = run([sys.executable, *program])
        assert done.returncode == 0, done.stderr
        found[program[0]] = answers(done)
        assert len(found[program[0]]) == count
    return found


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("program", [program for program, _ in PROGRAMS], ids=NAMES)
@pytest.mark.parametrize("runner", list(RUNNERS))
def test_answers_do_not_depend_on_who_carries_the_data(expected, runner, program, start):
    done = run([*RUNNERS[runner], *program, "--start", start])

    assert done.returncode == 0, done.stderr
    assert answers(done) == expected[program[0]]
    assert "time:" in done.stdout


def test_s0_shows_the_calls_of_each_way():
    done = run([sys.executable, *S0, "--ways", "Array", "--modes", "kept", "--profile"])
    assert done.returncode == 0, done.stderr
    assert re.search(r"^profile: +\d+\.\d+ s in +\d+ calls of ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("program", [*NAMES, HAZARDS[0]])
@pytest.mark.parametrize("options", [["--size", "0"], ["--start", "magic"]])
def test_a_bad_option_is_refused(program, options):
    done = run([sys.executable, program, *options])
    assert done.returncode == 2
    assert options[0] in done.stderr


@pytest.mark.parametrize("program", [name for name in NAMES if name != S3_BLAS[0]])
def test_a_way_that_is_not_there_is_refused(program):
    done = run([sys.executable, program, "--ways", "pigeon"])
    assert done.returncode == 2
    assert "--ways" in done.stderr


def load(program, monkeypatch, *arguments):
    path = EXAMPLES / program
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    return module


def test_s0_notices_a_wrong_sum(monkeypatch, capsys):
    module = load(S0[0], monkeypatch, "--size", "10", "--calls", "2", "--ways", "Pipe")

    def lie(way, context, numbers, calls, progress):
        return [module.expected_totals(numbers, calls)[0], 7], 1.0

    monkeypatch.setattr(module, "MODES", {"anew": ("made anew", lie), "kept": ("kept", lie)})

    assert module.main() == 1
    assert "WRONG: Pipe, made anew: call 1 gave the sum 7" in capsys.readouterr().err


def test_s0_notices_a_silent_child(monkeypatch, capsys):
    module = load(S0[0], monkeypatch, "--size", "10", "--calls", "2", "--ways", "Pipe")

    def fail(way, context, numbers, calls, progress):
        raise EOFError

    monkeypatch.setattr(module, "MODES", {"anew": ("made anew", fail), "kept": ("kept", fail)})

    assert module.main() == 1
    assert "FAILED: Pipe, made anew: the child is gone" in capsys.readouterr().err


def test_s1_notices_a_list_that_is_not_reversed(monkeypatch, capsys):
    module = load(S1[0], monkeypatch, "--size", "10", "--ways", "loop")
    monkeypatch.setattr(module, "reverse", lambda numbers: None)

    assert module.main() == 1
    assert "WRONG: loop: the caller's lists are not reversed" in capsys.readouterr().err


def test_s1_notices_a_list_that_another_process_reversed(monkeypatch, capsys):
    module = load(S1[0], monkeypatch, "--size", "10", "--ways", "pool")
    monkeypatch.setitem(module.WAYS, "pool", module.by_loop)

    assert module.main() == 1
    assert "WRONG: pool: the caller's lists are not as they were" in capsys.readouterr().err


def test_s1_notices_a_child_that_fails(monkeypatch, capsys):
    module = load(S1[0], monkeypatch, "--size", "10", "--ways", "processes", "--start", "fork")

    def fail(numbers):
        sys.exit(3)

    monkeypatch.setattr(module, "reverse", fail)

    assert module.main() == 1
    told = capsys.readouterr().err
    assert re.search(r"FAILED: processes: ForkProcess-\d+ ended with exit code 3", told)


def test_s2_notices_a_frame_that_came_back_wrong(monkeypatch, capsys):
    module = load(S2[0], monkeypatch, "--size", "10", "--ways", "parquet", "--start", "fork")
    monkeypatch.setattr(module, "by_pickle", lambda pool, frame: frame)

    assert module.main() == 1
    assert "WRONG: parquet: pickled: the column whole came back" in capsys.readouterr().err


def test_s2_notices_a_block_that_was_not_changed(monkeypatch, capsys):
    module = load(S2[0], monkeypatch, "--size", "10", "--ways", "shared", "--start", "fork")
    monkeypatch.setattr(module, "double_block", print)

    assert module.main() == 1
    assert "WRONG: shared: the block was not doubled" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["pandas", "pyarrow", "fastparquet"])
def test_s2_says_which_package_is_missing_and_what_installs_it(package):
    program = (
        "import runpy, sys\n"
        f"sys.modules[{package!r}] = None\n"
        "runpy.run_path('s2_four_ways.py', run_name='__main__')\n"
    )
    done = run([sys.executable, "-c", program])

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert package in done.stderr.partition(";")[0]
    assert "-m pip install numpy pandas pyarrow fastparquet" in done.stderr


@pytest.mark.parametrize("runner", list(RUNNERS))
def test_only_a_forked_child_meets_the_lock_of_a_thread_that_it_has_not(runner):
    done = run([*RUNNERS[runner], *HAZARDS, "--hazards", "stdout", "lock"])

    assert done.returncode == 0, done.stderr
    assert re.search(r"^time: +stdout, fork: .*hung$", done.stdout, re.MULTILINE), "by luck"
    assert answers(done) == [
        "answer: stdout, spawn: none of 2 hung",
        "answer: stdout, forkserver: none of 2 hung",
        "answer: lock, fork: child 1 hung",
        "answer: lock, spawn: none of 2 hung",
        "answer: lock, forkserver: none of 2 hung",
    ]


def test_the_hazards_notice_a_child_that_does_not_hang(monkeypatch, capsys):
    arguments = ["--hazards", "lock", "--start", "fork", "--children", "1"]
    module = load(HAZARDS[0], monkeypatch, *arguments)
    hold_lock, _ = module.HAZARDS["lock"]
    monkeypatch.setitem(module.HAZARDS, "lock", (hold_lock, str))

    assert module.main() == 1
    assert "WRONG: lock, fork: none of 1 hung" in capsys.readouterr().err


def test_the_hazards_notice_a_child_that_fails(monkeypatch, capsys):
    arguments = ["--hazards", "lock", "--start", "fork", "--children", "1"]
    module = load(HAZARDS[0], monkeypatch, *arguments)
    hold_lock, _ = module.HAZARDS["lock"]
    monkeypatch.setitem(module.HAZARDS, "lock", (hold_lock, sys.exit))

    assert module.main() == 1
    assert "FAILED: lock, fork: a child is gone" in capsys.readouterr().err


def test_s3_notices_a_wrong_result_of_a_pool(monkeypatch, capsys):
    module = load(S3_MAP[0], monkeypatch, "--size", "10", "--works", "fibonacci")

    def lie(context, workers, cores, *job):
        return [7], 1.0, {1}

    monkeypatch.setitem(module.WAYS, "narrowed", (lie, len))

    assert module.main() == 1
    assert "WRONG: fibonacci, narrowed: the Pool found [7]" in capsys.readouterr().err


def test_s3_notices_workers_with_other_cores(monkeypatch, capsys):
    module = load(S3_MAP[0], monkeypatch, "--size", "10", "--works", "fibonacci")

    def see_two(context, workers, cores, work, items, progress):
        return list(map(work, items)), 1.0, {2}

    monkeypatch.setitem(module.WAYS, "narrowed", (see_two, lambda cores: 1))

    assert module.main() == 1
    assert "WRONG: fibonacci, narrowed: the workers see {2} cores" in capsys.readouterr().err


def test_s3_notices_a_wrong_sum(monkeypatch, capsys):
    arguments = ["--size", "10", "--processes", "2", "--ways", "inherited"]
    module = load(S3_INHERITED[0], monkeypatch, *arguments)

    def lie(context, make_process, parts, progress):
        return [(0, 7, 1, 1), (1, 8, 1, 1)]

    monkeypatch.setattr(module, "add_up", lie)

    assert module.main() == 1
    assert "WRONG: inherited: the sums are" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["sent", "queued", "inherited"])
def test_s3_notices_a_child_that_fails(way, monkeypatch, capsys):
    arguments = ["--size", "10", "--processes", "2", "--ways", way, "--start", "fork"]
    module = load(S3_INHERITED[0], monkeypatch, *arguments)

    def fail(*answered):
        sys.exit(3)

    monkeypatch.setattr(module, "answer", fail)

    assert module.main() == 1
    failed = rf"^FAILED: {way}: ForkProcess-\d+ ended with exit code 3$"
    assert re.search(failed, capsys.readouterr().err, re.MULTILINE)


def test_s3_notices_a_wrong_decomposition(monkeypatch, capsys):
    module = load(S3_BLAS[0], monkeypatch, "--size", "9", "--matrices", "1")

    def lie(context, workers, threads, items, progress):
        return [(1.5, False, (1.0, 7, 1, 1, 1))], 1.0

    monkeypatch.setattr(module, "decompose_all", lie)

    assert module.main() == 1
    error = "WRONG: 1 workers of 1 threads: u, s and v do not make up the matrix"
    assert error in capsys.readouterr().err


def test_s3_notices_that_threads_change_the_sum(monkeypatch, capsys):
    module = load(S3_BLAS[0], monkeypatch, "--size", "9", "--matrices", "1")

    def lie(context, workers, threads, items, progress):
        return [(1.5 * workers, True, (1.0, 7, 1, 1, 1))], 1.0

    monkeypatch.setattr(module, "decompose_all", lie)

    assert module.main() == 1
    assert "the sums are [3.0], and were [1.5]" in capsys.readouterr().err


def test_s4_notices_a_wrong_number(monkeypatch, capsys):
    module = load(S4[0], monkeypatch, "--size", "10", "--processes", "2")

    def lie(context, seed, parts, size, progress):
        lists = [module.random_numbers(seed, part, size) for part in range(parts)]
        lists[1][4] = 0.5
        return lists

    monkeypatch.setitem(module.WAYS, "queues", lie)

    assert module.main() == 1
    assert "WRONG: queues: number 4 of process 1 arrived as 0.5" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["queues", "locked"])
def test_s4_notices_a_child_that_fails(way):
    # Seeding a generator, which only the children do, stands in for any error of theirs.
    program = (
        "import runpy, random, sys\n"
        f"sys.argv = ['s4', '--size', '10', '--start', 'fork', '--ways', {way!r}]\n"
        "class Broken(random.Random):\n"
        "    def __init__(self, *seed):\n"
        "        if seed: raise OSError('no entropy')\n"
        "random.Random = Broken\n"
        "runpy.run_path('s4_random_numbers.py', run_name='__main__')\n"
    )
    done = run([sys.executable, "-c", program])
    assert done.returncode == 1
    assert re.search(rf"^FAILED: {way}: ForkProcess-1 ended", done.stderr, re.MULTILINE)
