"""The two modules that take turns."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

MODULES = {"stock": "multiprocessing", "onecopy": "onecopy"}


@dataclass(frozen=True)
class Side:
    """A module under its name, and the start method it is used with."""

    name: str
    module: Any
    start_method: str

    @classmethod
    def named(cls, name: str, start_method: str) -> Side:
        return cls(name, importlib.import_module(MODULES[name]), start_method)

    def context(self) -> Any:
        return self.module.get_context(self.start_method)
