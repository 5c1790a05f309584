"""Replacing names in a stock module that may be loaded later, without loading it now.

Some of stock's modules cost more to import than a program that does not use them should pay.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable

# What to do when a module has been loaded, by its name.
_pending: dict[str, Callable[[Any], None]] = {}


def replace_names(stock: str, ours: str, names: Sequence[str]) -> None:
    """`names` of the module `stock` are those of the module `ours` as soon as `stock` is loaded,
    now or later, by whoever imports it."""

    def load_ours(_: ModuleType) -> None:
        # Where ours is what loads stock, it is not ready yet, and changes stock when it is.
        import_module(ours)

    def change_stock(module: ModuleType) -> None:
        for name in names:
            setattr(sys.modules[stock], name, getattr(module, name))

    _when_loaded(ours, change_stock)
    _when_loaded(stock, load_ours)


def _when_loaded(name: str, act: Callable[[Any], None]) -> None:
    module = sys.modules.get(name)
    if module is not None:
        act(module)
        return
    _pending[name] = act
    if not isinstance(sys.meta_path[0], _Finder):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds what the other finders find, and acts after it was loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _pending:
            return None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, _pending[name])  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """The loader of a module, and what to do afterwards. Whoever only asks where a module is finds
    all that its loader has."""

    def __init__(self, loader: Any, act: Callable[[Any], None]) -> None:
        self._loader = loader
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        module.__loader__ = spec.loader = self._loader
        self._loader.exec_module(module)
        _pending.pop(spec.name, None)
        self._act(module)
