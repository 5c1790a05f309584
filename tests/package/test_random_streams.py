"""Random numbers of children that are forked from a template which has NumPy loaded already."""

import os
from pathlib import Path

import pytest

import onecopy

PROGRAM = """
import sys
import onecopy as mp

def draw(numbers):
    import random
    import numpy
    numbers.put((random.random(), numpy.random.random(), numpy.random.random()))

if __name__ == "__main__":
    context = mp.get_context("forkserver")
    context.set_forkserver_preload([sys.argv[1]])
    numbers = context.Queue()
    children = [context.Process(target=draw, args=(numbers,)) for _ in range(3)]
    for child in children:
        child.start()
    drawn = [numbers.get() for _ in children]
    for child in children:
        child.join()
    print(*(len(set(each)) for each in zip(*drawn)))
"""


def test_each_child_of_a_template_has_its_own(python):
    outcome = python(PROGRAM, "numpy.random")
    assert outcome.stdout == "3 3 3\n", outcome


IN_A_POOL = """
import sys
import onecopy as mp

def draw(barrier):
    import random
    import numpy
    barrier.wait()  # each worker has one of the tasks
    return random.random(), numpy.random.random()

if __name__ == "__main__":
    context = mp.get_context(sys.argv[1])
    context.set_forkserver_preload(["numpy.random"])
    with context.Manager() as manager, context.Pool(3) as pool:
        drawn = pool.map(draw, [manager.Barrier(3)] * 3, chunksize=1)
    print(*(len(set(each)) for each in zip(*drawn)))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_each_worker_of_a_pool_has_its_own(python, method):
    outcome = python(IN_A_POOL, method)
    assert outcome.stdout == "3 3\n", outcome


def test_forked_workers_go_on_with_the_stream_of_numpy_as_under_stock(python):
    """...where it has begun; Python's own begins anew in each."""
    outcome = python(IN_A_POOL.replace("import sys\n", "import sys, numpy.random\n", 1), "fork")
    assert outcome.stdout == "3 1\n", outcome


def test_a_seed_given_in_the_template_holds_in_each(python, tmp_path):
    (tmp_path / "seeds_it.py").write_text("import numpy\nnumpy.random.seed(5)\n")
    package = Path(onecopy.__file__).parent.parent
    path = os.pathsep.join(map(str, (tmp_path, package)))
    outcome = python(PROGRAM, "seeds_it", PYTHONPATH=path)
    assert outcome.stdout == "3 1 1\n", outcome
