"""A program under `onecopy run` is the program itself: nothing stands in between."""

import re
import signal
import subprocess
from importlib.metadata import version

import pytest

PROGRAMS = {
    "ends well": "print('done')",
    "exit code": "import sys; sys.exit(3)",
    "exit with text": "import sys; sys.exit('no luck')",
    "exit at once": "import os; os._exit(5)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "interrupted": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('never')",
    "traceback": "def f():\n    return 1 / 0\nf()",
    "traceback after importing": "import multiprocessing.pool\nmultiprocessing.nothing",
    "syntax error": "print('never'",
    "unknown import": "import multiprocessing.nothing",
    "arguments": "import sys; print(sys.argv)",
    "who am I": "import sys; print(__name__, __file__, sys.path, sys.flags, sys.executable)",
    "input": "import sys; print([line for line in sys.stdin])",
    "the stock package": """
import inspect, multiprocessing
print(multiprocessing.__spec__, multiprocessing.__loader__.name, multiprocessing.__file__)
print(len(inspect.getsource(multiprocessing)))
""",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_shows_what_the_plain_interpreter_shows(onecopy, python, program, text):
    path = program(text)
    words = ["-x", "--start", "spawn", "--", "--version", "two words", ""]

    plain = python(path, *words, stdin="one\ntwo\n")
    ours = onecopy("run", path, *words, stdin="one\ntwo\n")

    # The loader says of itself where it lies in memory.
    assert hide_addresses(ours) == hide_addresses(plain)


def hide_addresses(outcome):
    outcome.stdout = re.sub(r"0x[0-9a-f]+", "0x", outcome.stdout)
    return outcome


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_it_ends_the_program(command, program, number):
    path = program(
        """
        import multiprocessing, signal
        print("ready", flush=True)
        signal.pause()
        """
    )
    process = subprocess.Popen(
        [command, "run", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"

    process.send_signal(number)

    _, errors = process.communicate()
    assert process.returncode == -number
    assert errors.endswith("KeyboardInterrupt\n") == (number == signal.SIGINT)


def test_a_signal_handler_of_the_program_is_obeyed(onecopy, program):
    path = program(
        """
        import multiprocessing, os, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        os.kill(os.getpid(), signal.SIGTERM)
        """
    )

    assert onecopy("run", path).code == 7


WHERE_QUEUES_COME_FROM = """
import multiprocessing, subprocess, sys

def home():
    return type(multiprocessing.Queue()).__module__

def tell(queue):
    queue.put((home(), multiprocessing.get_start_method()))

if __name__ == "__main__":
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=tell, args=(queue,))
    process.start()
    print(home(), *queue.get())
    process.join()
    words = "import multiprocessing as m; print(type(m.Queue()).__module__)"
    print(subprocess.run([sys.executable, "-c", words], capture_output=True, text=True).stdout)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_is_onecopy_in_every_process(onecopy, program, method):
    outcome = onecopy("run", "--start", method, program(WHERE_QUEUES_COME_FROM))

    assert outcome.stderr == ""
    assert outcome.stdout.split() == ["onecopy.queues"] * 2 + [method, "onecopy.queues"]


def test_the_start_method_is_the_interpreters_where_none_is_asked_for(onecopy, python, program):
    path = program("import multiprocessing; print(multiprocessing.get_start_method())")

    assert onecopy("run", path).stdout == python(path).stdout


def test_the_program_may_set_its_own_start_method(onecopy, program):
    path = program(
        """
        import multiprocessing
        multiprocessing.set_start_method("forkserver")
        print(multiprocessing.get_start_method())
        """
    )

    assert onecopy("run", "--start=spawn", path).stdout == "forkserver\n"


def test_a_program_that_imports_onecopy_itself(onecopy, program):
    path = program(
        """
        import onecopy, multiprocessing
        print(type(onecopy.Queue()) is type(multiprocessing.Queue()))
        """
    )

    assert onecopy("run", path).stdout == "True\n"


def test_a_run_within_a_run(onecopy, command, program):
    inner = program("import os; print(os.environ['PYTHONPATH'].count('_site'))", "inner.py")
    outer = program(
        f"""
        import subprocess
        print(subprocess.check_output([{command!r}, "run", {inner!r}], text=True), end="")
        """
    )

    assert onecopy("run", outer).stdout == "1\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["--fly"],
        ["run"],
        ["run", "no_such_script.py"],
        ["run", "--start"],
        ["run", "--start", "thread", __file__],
        ["run", "--start=", __file__],
        ["run", "--runs", "3", __file__],
        ["compare"],
        ["compare", "no_such_script.py"],
        ["compare", "--runs", "0", __file__],
        ["compare", "--runs", "many", __file__],
    ],
    ids=" ".join,
)
def test_a_mistake_gets_one_line_and_exit_code_2(onecopy, words):
    outcome = onecopy(*words)

    assert outcome.code == 2
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("onecopy: ")
    assert outcome.stderr.count("\n") == 1


def test_help_names_every_action(onecopy):
    outcome = onecopy("--help")

    assert outcome.code == 0
    assert "onecopy run" in outcome.stdout
    assert "onecopy compare" in outcome.stdout


def test_version_is_the_packages(onecopy):
    assert onecopy("--version").stdout == f"onecopy {version('onecopy')}\n"
