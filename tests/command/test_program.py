"""Which program `onecopy run` runs: a script, -m, -c and - are what they are to the interpreter."""

import zipfile

import pytest

SHOWING = """
import sys
spec = globals().get("__spec__")
print(__name__, globals().get("__file__"), globals().get("__package__"))
print(spec and spec.name, spec and spec.origin)
print(sys.argv, sys.path, sys.orig_argv[1:] if hasattr(sys, "orig_argv") else None)
print([line for line in sys.stdin])
sys.stdout.flush()
def fail():
    raise SystemExit(3) if len(sys.argv) == 2 else LookupError("as it should")
fail()
"""


@pytest.fixture
def both(onecopy, python, tmp_path, monkeypatch):
    """Runs a program by the plain interpreter and by the command, in the folder of the test; they
    must show the same. Gives what they showed."""
    monkeypatch.chdir(tmp_path)

    def run(*words, **how):
        plain, ours = python(*words, **how), onecopy("run", *words, **how)
        assert ours == plain
        return ours

    return run


@pytest.fixture
def modules(program):
    """A module, a package that can be run, one that cannot, and a folder to run."""
    program(SHOWING, "module.py")
    program("", "package/__init__.py")
    program(SHOWING, "package/__main__.py")
    program("from . import __main__", "package/inner.py")
    program("", "closed/__init__.py")
    program(SHOWING, "folder/__main__.py")


@pytest.mark.parametrize("arguments", [["one"], ["-m", "-c", "--start", "two words", ""]])
@pytest.mark.parametrize(
    "words",
    [
        ["module.py"],
        ["folder"],
        ["-m", "module"],
        ["-mmodule"],
        ["-m", "package"],
        ["-m", "package.__main__"],
        ["-m", "package.inner"],
        ["-c", SHOWING],
        ["-c" + SHOWING],
    ],
    ids=lambda words: words[0][:2] + " " + words[-1].partition("\n")[0],
)
def test_shows_what_it_shows_under_the_interpreter(both, modules, words, arguments):
    outcome = both(*words, *arguments, stdin="one\ntwo\n")

    assert "['one\\n', 'two\\n']" in outcome.stdout
    assert outcome.code == (3 if arguments == ["one"] else 1)


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "closed"],
        ["-m", "package.missing"],
        ["-m", "module.deeper"],
        ["-c", "print('never'"],
        ["-c", ""],
    ],
    ids=" ".join,
)
def test_what_the_interpreter_cannot_run_it_says_itself(both, modules, words):
    both(*words)


def test_standard_input_may_be_the_program(both):
    outcome = both("-", "word", stdin="import sys\nprint(__name__, sys.argv, sys.path[0])\n1 / 0\n")

    assert outcome.stdout == "__main__ ['-', 'word'] \n"
    assert outcome.code == 1


def test_modules_are_found_where_the_interpreter_finds_them(both, program, tmp_path):
    program("print('here')", "elsewhere/far.py")

    assert both("-m", "far", PYTHONPATH=str(tmp_path / "elsewhere")).stdout == "here\n"
    assert both("-m", "this").code == 0


CHILDREN = """
import multiprocessing, sys

class Thing:
    def __init__(self, value): self.value = value

def double(thing, queue):
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    queue.put((Thing(thing.value * 2), __name__, double.__module__, spec and spec.name, sys.path))

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=double, args=(Thing(21), queue))
    process.start()
    thing, *rest = queue.get()
    process.join()
    with multiprocessing.Pool(2) as pool:
        print(thing.value, rest, process.exitcode, pool.map(str, [thing.value]))
"""


@pytest.mark.parametrize(
    "words",
    [
        *[
            [*words, method]
            for words in (["children.py"], ["-m", "children"], ["-m", "package.children"])
            for method in ("fork", "spawn", "forkserver")
        ],
        # Children that start afresh do not import a __main__ of a package, a folder or a zip file.
        ["-m", "package", "fork"],
        ["folder", "fork"],
        ["program.zip", "fork"],
    ],
    ids=" ".join,
)
def test_children_find_the_main_module_as_under_stock(both, program, tmp_path, words):
    program(CHILDREN, "children.py")
    program(CHILDREN, "folder/__main__.py")
    program("", "package/__init__.py")
    program("from .value import *\n" + CHILDREN, "package/__main__.py")
    program("from .value import *\n" + CHILDREN, "package/children.py")
    program("", "package/value.py")
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as file:
        file.writestr("__main__.py", CHILDREN)

    outcome = both(*words)

    assert outcome.stdout.startswith("42 "), outcome


BY_CODE = """
import multiprocessing, sys
def child(queue): queue.put(__name__)
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    process = context.Process(target={target}, args={args})
    process.start()
    process.join()
    print(process.exitcode, queue.get())
"""


LACKS = "AttributeError: Can't get attribute 'child' on <module '__main__'"


@pytest.mark.parametrize("how", ["-c", "-"])
def test_children_of_given_code_have_its_functions_after_a_fork(both, how):
    code = BY_CODE.format(target="child", args="(queue,)")
    outcome = both(*(["-c", code, "fork"] if how == "-c" else ["-", "fork"]), stdin=code)

    assert outcome.stdout == "0 __main__\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_of_given_code_that_start_afresh_have_what_is_in_modules(both, method):
    code = BY_CODE.format(target="queue.put", args="('from a child',)")

    assert both("-c", code, method).stdout == "0 from a child\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_of_given_code_that_start_afresh_lack_its_functions_as_under_stock(
    onecopy, python, method
):
    code = BY_CODE.format(target="child", args="(queue,)").replace("queue.get()", "queue.empty()")

    plain, ours = python("-c", code, method), onecopy("run", "-c", code, method)

    assert ours.stdout == plain.stdout == "1 True\n"
    assert [LACKS in outcome.stderr for outcome in (plain, ours)] == [True, True], (plain, ours)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("words", [["folder"], ["program.zip"], ["-m", "package"]], ids=" ".join)
def test_children_that_start_afresh_lack_the_functions_of_a_folder_as_under_stock(
    onecopy, python, program, tmp_path, monkeypatch, words, method
):
    code = BY_CODE.format(target="child", args="(queue,)").replace("queue.get()", "queue.empty()")
    program(code, "folder/__main__.py")
    program(code, "package/__main__.py")
    program("", "package/__init__.py")
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as file:
        file.writestr("__main__.py", code)
    monkeypatch.chdir(tmp_path)

    plain, ours = python(*words, method), onecopy("run", *words, method)

    assert ours.stdout == plain.stdout == "1 True\n"
    assert [LACKS in outcome.stderr for outcome in (plain, ours)] == [True, True], (plain, ours)


@pytest.mark.parametrize("action", ["run", "compare"])
@pytest.mark.parametrize(
    "words",
    [
        ["-m"],
        ["-c"],
        ["-m", "no_such_module"],
        ["-mno_such_module"],
        ["-m", "no_such_module.deeper"],
        ["-m", ".relative"],
        ["-m", ""],
        ["-u", __file__],
        ["--start", "thread", "-c", "pass"],
    ],
    ids=" ".join,
)
def test_a_mistake_gets_one_line_and_exit_code_2(onecopy, action, words):
    outcome = onecopy(action, *words)

    assert outcome.code == 2
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("onecopy: ")
    assert outcome.stderr.count("\n") == 1


def test_compare_has_no_input_to_take_a_program_from(onecopy):
    outcome = onecopy("compare", "-", stdin="print(1)")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "no input" in outcome.stderr


@pytest.mark.parametrize(
    "words", [["-m", "answer", "5"], ["-c", "import sys; print(sys.argv[1])", "5"]]
)
def test_compare_takes_them_too(onecopy, program, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    program("import sys; print(sys.argv[1])", "answer.py")

    outcome = onecopy("compare", "--runs", "1", *words)

    assert outcome.code == 0, outcome
    assert "output: the same (lines compared: 1;" in outcome.stdout
