"""Options of the interpreter reach the children, however they start, as under stock."""

from pathlib import Path

import pytest

import onecopy

PROGRAM = """
    import sys
    sys.path.append({package_path!r})  # which some of the options leave out
    import {package} as mp
    import warnings

    def tell(answers):
        answers.put([
            str(sys.flags), sorted(sys._xoptions.items()), sys.warnoptions,
            [str(one) for one in warnings.filters], sys.pycache_prefix,
            [entry for entry in sys.path if {folder!r} not in entry],
        ])

    if __name__ == "__main__":
        for method in "fork", "spawn", "forkserver":
            context = mp.get_context(method)
            answers = context.Queue()
            process = context.Process(target=tell, args=(answers,))
            process.start()
            process.join()
            print(method, process.exitcode, *(answers.get() if process.exitcode == 0 else ()))
            with context.Pool(1) as pool:
                print(pool.map(abs, [-1]))
"""


@pytest.mark.parametrize(
    "options",
    [
        *("-E", "-I", "-S", "-I -S", "-O -b", "-OO -bb -u -B", "-q -s -R"),
        *("-W error", "-W error -X dev", "-W ignore::UserWarning"),
        *("-X utf8=0 -X faulthandler", "-X tracemalloc=3", "-X pycache_prefix={folder}/caches"),
    ],
)
def test_children_have_the_options_of_their_parent(python, tmp_path, options):
    words = options.format(folder=tmp_path).split()
    places = {"package_path": str(Path(onecopy.__file__).parent.parent), "folder": str(tmp_path)}

    stock = python(PROGRAM.format(package="multiprocessing", **places), options=words)
    ours = python(PROGRAM.format(package="onecopy", **places), options=words)

    assert stock.code == 0, stock
    assert (ours.code, ours.stdout, ours.stderr) == (stock.code, stock.stdout, stock.stderr)


LOADED = """
    import sys
    sys.path.append({package_path!r})
    import onecopy as mp

    if __name__ == "__main__":
        with mp.get_context("forkserver").Pool(1) as pool:
            print(pool.apply(eval, ["'onecopy._template' in __import__('sys').modules"]))
"""


def test_a_template_that_does_not_find_the_package_by_itself_is_told_where_it_is(python):
    """It loaded nothing of it before, and each child had to load all."""
    text = LOADED.format(package_path=str(Path(onecopy.__file__).parent.parent))

    outcome = python(text, options=["-S", "-E"])

    assert outcome.stdout == "True\n", outcome
