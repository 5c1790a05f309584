"""The main module of a program in a child that starts afresh."""

import py_compile

import pytest


@pytest.fixture(params=["spawn", "forkserver"])
def afresh(request):
    return request.param


SPEAKS_OF_ITSELF = """
    import onecopy as mp
    import sys

    SAYS = 'first'

    def say():
        print(SAYS, flush=True)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        for wanted in "first", "second", "third":
            with open(__file__) as file:
                text = file.read()
            with open(__file__, "w") as file:
                file.write(text.replace(f"SAYS = {SAYS!r}", f"SAYS = {wanted!r}"))
            SAYS = wanted
            process = mp.Process(target=say)
            process.start()
            process.join()
"""


def test_is_what_stands_in_the_file_now(python, afresh):
    outcome = python(SPEAKS_OF_ITSELF, afresh)

    assert (outcome.code, outcome.stdout) == (0, "first\nsecond\nthird\n"), outcome


def test_an_error_in_it_is_shown(python, afresh):
    outcome = python(
        """
        import onecopy as mp
        import sys
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            for text in "if", "a\\0b", "# -*- coding: utf-9 -*-":
                with open(__file__, "w") as file:
                    file.write(text)
                process = mp.Process(target=print, args=("never",))
                process.start()
                process.join()
                print(process.exitcode)
        """,
        afresh,
    )
    assert (outcome.code, outcome.stdout) == (0, "1\n1\n1\n"), outcome
    assert outcome.stderr.count("Error: ") == 3, outcome


WARNING = """
    import {package} as mp
    import sys

    def compare(number):
        return number is 1000

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        for _ in range(3):
            process = mp.Process(target=compare, args=(1,))
            process.start()
            process.join()
"""


def test_what_python_warns_of_in_it_is_shown_as_often_as_under_stock(python, afresh):
    stock, ours = (
        python(WARNING.format(package=package), afresh)
        for package in ("multiprocessing", "onecopy")
    )

    assert stock.stderr.count("SyntaxWarning: ") == 4, stock
    assert ours.stderr == stock.stderr


def test_may_be_compiled(program, python, afresh, tmp_path):
    source = program(
        """
        import onecopy as mp
        import sys
        def say():
            print(__name__, __file__.endswith("compiled.pyc"), flush=True)
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            process = mp.Process(target=say)
            process.start()
            process.join()
        """,
        "source.py",
    )
    compiled = py_compile.compile(source, str(tmp_path / "compiled.pyc"), doraise=True)

    outcome = python(
        """
        import os, sys
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
        """,
        compiled,
        afresh,
    )

    assert (outcome.code, outcome.stdout) == (0, "__mp_main__ True\n"), outcome


def test_has_the_future_features_that_it_asks_for(python, afresh):
    outcome = python(
        """
        import onecopy as mp
        import sys
        def say(how: 1 + 1) -> None:
            print(say.__annotations__["how"], flush=True)
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            process = mp.Process(target=say, args=(None,))
            process.start()
            process.join()
        """,
        afresh,
    )
    assert (outcome.code, outcome.stdout) == (0, "2\n"), outcome


def test_to_find_it_nothing_is_loaded_that_stock_loads_for_that(python):
    said = 'print(*sorted({"ast", "pkgutil", "typing"} & set(sys.modules)), flush=True)'
    before = python(f"import sys, multiprocessing.spawn\n{said}")
    outcome = python(
        f"""
        import sys
        import onecopy as mp
        def tell():
            {said}
        if __name__ == "__main__":
            mp.set_start_method("spawn")
            process = mp.Process(target=tell)
            process.start()
            process.join()
        """
    )
    assert (outcome.code, outcome.stdout) == (0, before.stdout), outcome
