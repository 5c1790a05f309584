"""Stands for runpy in stock's way of giving a child the main module of its parent.

runpy loads pkgutil, and that loads typing, to find out whether a path is one of the import system:
a sixth of what a child takes until it is there. And it compiles the file in every child, which a
template of a forkserver does once for all (`prepare`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import runpy
import sys
import warnings
from multiprocessing import spawn

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

run_module = runpy.run_module

_stock: Any = runpy

# Of the file that a template expects its children to run.
_source: bytes | None = None
_code: CodeType | None = None


def prepare(path: str) -> None:
    """In a template: compile what its children are to run. Where that fails, or warns of something,
    it is left to them, who say so."""
    global _source, _code
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("error")
        if _importer(path) is None:
            source = _read(path)
            _source, _code = source, _engine.compile_file(source, path)


def run_path(path: str, run_name: str) -> Any:
    """As runpy.run_path does: the globals of the file once it has run."""
    if _code is not None and path == _code.co_filename and _read(path) == _source:
        return _run(_code, path, run_name)
    if _importer(path) is not None:  # a folder, or a zip file
        return runpy.run_path(path, run_name=run_name)
    source = _read(path)
    if source.startswith(importlib.util.MAGIC_NUMBER):  # compiled
        return runpy.run_path(path, run_name=run_name)
    return _run(_engine.compile_file(source, path), path, run_name)


def _run(code: CodeType, path: str, run_name: str) -> Any:
    package = run_name.rpartition(".")[0]
    return _stock._run_module_code(code, None, run_name, pkg_name=package, script_name=path)


def _read(path: str) -> bytes:
    with io.open_code(os.path.abspath(path)) as file:
        return file.read()


def _importer(path: str) -> Any:
    """What finds modules in `path`, as pkgutil.get_importer does."""
    try:
        return sys.path_importer_cache[path]
    except KeyError:
        pass
    for hook in sys.path_hooks:
        try:
            importer = hook(path)
        except ImportError:
            continue
        return sys.path_importer_cache.setdefault(path, importer)
    return None


def stand_for_runpy() -> None:
    """In a child, before stock prepares it."""
    stock: Any = spawn
    stock.runpy = sys.modules[__name__]
