"""The command `onecopy`: programs written for multiprocessing, unchanged, on Onecopy."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

START_METHODS = ("fork", "spawn", "forkserver")

HELP = """\
usage: onecopy run [--start METHOD] PROGRAM [ARGS...]
       onecopy compare [--runs N] [--start METHOD] PROGRAM [ARGS...]
       onecopy top [--once] [--interval SECONDS] [PID]
       onecopy --version

run      runs a Python program with multiprocessing on Onecopy, in it and in every process
         started from it; arguments, exit code and input are the program's own
compare  runs it under stock multiprocessing and under Onecopy in turn, with no input, and
         reports time, processor time, peak memory, and whether the outputs agree; lines
         that begin with "time:" and lines that vary under stock already are not held
         against each other
top      shows the processes, pools, queues and memory of a program that runs on Onecopy, again
         and again until q is hit; PID is any of its processes, and needed only where several
         programs run

PROGRAM is what it is to the interpreter:

SCRIPT     a file, or a folder or zip file with a __main__.py in it
-m MODULE  a module, or a package with a __main__ in it
-c CODE    the code itself
-          standard input; on a terminal, a session (run only)

--start METHOD  the default start method: fork, spawn or forkserver; compare sets it for both
--runs N        how many times under each (3)
--once          top: one picture, and the end; so it is where the output is no terminal
--interval SECONDS  top: from one picture to the next (1)
"""

# What puts Onecopy into a program: a sitecustomize that comes before any other.
SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_site")


class UsageError(Exception):
    """The command line asks for something that there is not."""


def main() -> int:
    try:
        return perform(sys.argv[1:])
    except UsageError as error:
        print(f"onecopy: {error}", file=sys.stderr)
        return 2


def perform(arguments: list[str]) -> int:
    action = arguments[0] if arguments else None
    if action in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if action == "--version":
        from importlib.metadata import version

        print(f"onecopy {version('onecopy')}")
        return 0
    if action == "run":
        options, program = parse(arguments[1:], ("--start",))
        run(program, options)
    if action == "compare":
        options, program = parse(arguments[1:], ("--runs", "--start"))
        if program[0] == "-":
            raise UsageError("compare runs a program several times, with no input: - is for run")
        from onecopy import _compare

        command = [sys.executable, *program]
        return _compare.compare(
            _compare.Way("stock", command, environment_of_stock(options)),
            _compare.Way("onecopy", command, environment(options)),
            runs_of(options),
        )
    if action == "top":
        return top(arguments[1:])
    if action is None:
        raise UsageError("run, compare or top? onecopy --help tells more")
    raise UsageError(f"there is no {action!r}; onecopy --help tells what there is")


def parse(arguments: list[str], known: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The options before the program, and the program with what follows it, untouched."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-") and not begins_program(rest[0]):
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-h", "--help"):
            print(HELP, end="")
            sys.exit(0)
        if name not in known:
            raise UsageError(
                f"there is no option {name}; what there is: {', '.join(known)}, -m, -c"
            )
        if not equals:
            if not rest:
                raise UsageError(f"{name} needs a value")
            value = rest.pop(0)
        options[name] = value
    method = options.get("--start", "fork")
    if method not in START_METHODS:
        raise UsageError(f"--start is {method!r}; it must be {', '.join(START_METHODS)}")
    check_program(rest)
    return options, rest


def top(arguments: list[str]) -> int:
    """`onecopy top` with what follows it."""
    if not sys.platform.startswith("linux"):
        raise UsageError(
            f"top looks at programs on the engine, which does not run on {sys.platform}"
        )
    from onecopy._families import NotFoundError
    from onecopy._top import top as show

    pid, once, interval = None, False, 1.0
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-h", "--help"):
            print(HELP, end="")
            return 0
        if name == "--once" and not equals:
            once = True
        elif name == "--interval":
            if not equals and not rest:
                raise UsageError("--interval needs a value")
            interval = interval_of(value if equals else rest.pop(0))
        elif name.isdecimal() and not equals and pid is None:
            pid = int(name)
        elif name.startswith("-"):
            raise UsageError(f"there is no option {name}; what there is: --once, --interval")
        else:
            raise UsageError(f"top takes the number of one process, not {' '.join([name, *rest])}")
    try:
        return show(pid, once, interval)
    except NotFoundError as error:
        print(f"onecopy: {error}", file=sys.stderr)
        return 1


def interval_of(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        raise UsageError(f"--interval is {text!r}; it must be seconds, from 0.05 to 3600")
    return seconds


def begins_program(word: str) -> bool:
    """Whether it is one of the interpreter's own options that say which program: `-m MODULE`,
    `-c CODE`, either of them in one word, and `-` for standard input."""
    return word == "-" or word[:2] in ("-m", "-c")


def check_program(program: list[str]) -> None:
    """Refuses a program that there is not. The rest is for the interpreter to say."""
    if not program:
        raise UsageError("which program? a SCRIPT, -m MODULE or -c CODE; onecopy --help tells more")
    first = program[0]
    if not begins_program(first):
        if not os.path.exists(first):
            raise UsageError(f"there is no script {first}")
    elif first in ("-m", "-c") and len(program) == 1:
        raise UsageError(f"{first} needs a value")
    elif first.startswith("-m"):
        module = first[2:] or program[1]
        if not is_found(module.partition(".")[0]):
            raise UsageError(f"there is no module {module}")


def is_found(module: str) -> bool:
    """Whether the interpreter will find a module of this name, which has no dot. Loads nothing."""
    from importlib.machinery import PathFinder
    from importlib.util import find_spec

    if not module:
        return False
    if module in sys.modules or find_spec(module) is not None:
        return True
    # The interpreter also looks where it was started.
    return PathFinder.find_spec(module, [""]) is not None


def runs_of(options: dict[str, str]) -> int:
    text = options.get("--runs", "3")
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--runs is {text!r}; it must be a number from 1 up")
    return int(text)


def environment(options: dict[str, str]) -> dict[str, str]:
    """The environment in which multiprocessing is Onecopy; stock_environment() undoes it."""
    return {**stock_environment(), **hook("onecopy", options)}


def environment_of_stock(options: dict[str, str]) -> dict[str, str]:
    """The environment in which multiprocessing is the stock one, but starts as it is told."""
    return {**stock_environment(), **(hook("stock", options) if "--start" in options else {})}


def hook(what: str, options: dict[str, str]) -> dict[str, str]:
    """The variables by which the sitecustomize in SITE comes into a program, and what it does."""
    path = stock_environment().get("PYTHONPATH")
    variables = {"PYTHONPATH": SITE if not path else SITE + os.pathsep + path, "ONECOPY_RUN": what}
    if "--start" in options:
        variables["ONECOPY_START"] = options["--start"]
    return variables


def stock_environment() -> dict[str, str]:
    """This environment, without Onecopy where we are called from within `onecopy run`."""
    changed = dict(os.environ)
    if changed.pop("ONECOPY_RUN", None) is not None:
        parts = changed.get("PYTHONPATH", "").split(os.pathsep)
        parts = [part for part in parts if part != SITE]
        if any(parts):
            changed["PYTHONPATH"] = os.pathsep.join(parts)
        else:
            changed.pop("PYTHONPATH", None)
    return changed


def run(program: list[str], options: dict[str, str]) -> NoReturn:
    """Becomes the program: its input, its signals and its exit code need nobody in between."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *program], environment(options))


if __name__ == "__main__":
    sys.exit(main())
