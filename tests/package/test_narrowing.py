"""The set of processors that an import has narrowed, and the one that the program asked for."""

import os

import pytest

ALLOWED = sorted(os.sched_getaffinity(0))
FIRST, LAST = ALLOWED[0], ALLOWED[-1]

pytestmark = pytest.mark.skipif(len(ALLOWED) < 2, reason="there is one processor")

# What some libraries do while they are imported, in C.
NARROWER = f"""
import os
def narrow(): os.sched_setaffinity(0, {{{FIRST}}})
narrow()
"""

PROGRAM = """
import onecopy as mp
import os, sys

def seen(_): return sorted(os.sched_getaffinity(0))

def show(pool):
    for result in pool.map(seen, range(4), 1)[:1]:
        print(*result)
"""

MAKE = """
if __name__ == "__main__":
    with mp.get_context(sys.argv[1]).Pool(2) as pool:
        show(pool)
    print(*seen(0))
"""


def line(*processors):
    return " ".join(map(str, processors)) + "\n"


@pytest.fixture
def shown(program, python, method):
    """What a program prints beside a module `narrower`: the processors of workers, and its own."""
    program(NARROWER, "narrower.py")

    def run(text):
        outcome = python(text, method)
        assert outcome.code == 0, outcome
        return outcome.stdout

    return run


def test_workers_have_what_an_import_took(shown):
    """...from this process, or from the workers and the template, where these import it too."""
    assert shown(PROGRAM + "import narrower\n" + MAKE) == line(*ALLOWED) + line(FIRST)


def test_an_import_within_another_is_one_of_it(shown, program):
    program("import narrower, narrower_still", "outer.py")
    program(NARROWER, "narrower_still.py")

    assert shown(PROGRAM + "import outer\n" + MAKE) == line(*ALLOWED) + line(FIRST)


def test_an_import_in_the_middle_of_a_task_takes_nothing_from_a_worker(shown):
    text = PROGRAM + "def work(_): import narrower; return sorted(os.sched_getaffinity(0))\n"
    text += MAKE.replace("show(pool)", "print(*pool.apply(work, (0,)))")

    assert shown(text) == line(*ALLOWED) + line(*ALLOWED)


@pytest.mark.parametrize(
    "statements",
    [
        f"os.sched_setaffinity(0, {{{LAST}}})",
        f"os.sched_setaffinity(0, {{{LAST}}}); import narrower",
        f"import narrower; os.sched_setaffinity(0, {{{LAST}}})",
    ],
    ids=["alone", "before an import", "after an import"],
)
def test_what_the_program_asked_for_is_kept_to(shown, program, statements):
    program("", "narrower.py")  # which leaves it alone
    text = PROGRAM + f"if __name__ == '__main__': {statements}\n" + MAKE

    assert shown(text) == line(LAST) + line(LAST)


def test_what_the_program_asked_for_after_an_import_narrowed_it_is_kept_to(shown):
    text = (
        PROGRAM
        + f"""
if __name__ == '__main__':
    import narrower
    os.sched_setaffinity(0, {{{LAST}}})
"""
    )
    assert shown(text + MAKE) == line(LAST) + line(LAST)


def test_a_pool_may_be_made_while_the_program_is_imported(python, program):
    program(NARROWER, "narrower.py")
    program(PROGRAM + "import narrower\nwith mp.Pool(1) as pool: show(pool)\n", "app.py")
    outcome = python("import onecopy, app", "fork")

    assert outcome.stdout == line(*ALLOWED), outcome


def test_a_function_of_a_module_is_no_import(shown, program):
    program(NARROWER.replace("\nnarrow()", ""), "narrower.py")
    text = PROGRAM + "import narrower\nif __name__ == '__main__': narrower.narrow()\n"

    assert shown(text + MAKE) == line(FIRST) + line(FIRST)


def test_processors_that_an_import_took_may_be_asked_for(shown):
    make = MAKE.replace("Pool(2)", f"Pool(2, cpus=[{LAST}])")

    assert shown(PROGRAM + "import narrower\n" + make) == line(LAST) + line(FIRST)


def test_a_module_does_not_see_that_it_was_looked_at(python, program):
    program("print(__loader__ is __spec__.loader, sorted(vars(__loader__)))", "mirror.py")
    outcome = python(
        """
        import mirror, onecopy, importlib, sys
        del sys.modules["mirror"]
        import mirror
        importlib.reload(mirror)
        try:
            import nowhere
        except ModuleNotFoundError as error:
            print(error, error.__traceback__.tb_next)
        """
    )
    assert outcome.stdout == "True ['name', 'path']\n" * 3 + "No module named 'nowhere' None\n"
