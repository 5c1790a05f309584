"""The stub of the engine says what is there: no more, no less."""

import ast
from pathlib import Path

import onecopy
from onecopy import _engine

STUB = ast.parse((Path(onecopy.__file__).resolve().parent / "_engine.pyi").read_text())


# What every class has, and what the interpreter adds for the buffer protocol since 3.12.
ORDINARY = {*dir(object), "__buffer__", "__module__", "__weakref__", "__dict__"}


def names_in(body):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def classes():
    return [node for node in STUB.body if isinstance(node, ast.ClassDef)]


def test_the_module_has_what_the_stub_says():
    missing = [name for name in names_in(STUB.body) if not hasattr(_engine, name)]
    for described in classes():
        made = getattr(_engine, described.name, None)
        missing += [
            f"{described.name}.{name}"
            for name in names_in(described.body)
            if not hasattr(made, name)
        ]
    assert missing == []


def test_the_stub_says_what_the_module_has():
    described = set(names_in(STUB.body))
    untold = [name for name in dir(_engine) if name not in described and not name.startswith("__")]
    for node in classes():
        known = set(names_in(node.body))
        made = vars(getattr(_engine, node.name))
        untold += [f"{node.name}.{name}" for name in made if name not in known | ORDINARY]
    assert sorted(untold) == []
