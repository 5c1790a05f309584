"""How a module of this package also gives the names, private ones included, of the stock module
that it replaces."""

from __future__ import annotations

from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def names_of(stock: ModuleType, module: str) -> Callable[[str], Any]:
    """A `__getattr__` for `module` that finds in `stock` what the module does not define."""

    def find(name: str) -> Any:
        try:
            return getattr(stock, name)
        except AttributeError:
            raise AttributeError(f"module {module!r} has no attribute {name!r}") from None

    return find
