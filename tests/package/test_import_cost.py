"""What importing the package loads: nothing that stock does without, but for modules of its own.

`typing` was loaded once, for a table that few ask for, which made all programs wait.
"""

import subprocess
import sys

from .conftest import package_path

NAMES = (
    "pool", "queues", "managers", "shared_memory", "synchronize", "sharedctypes", "connection",
)  # fmt: skip


def modules_loaded_by(package):
    imports = "".join(f"import {package}.{name}\n" for name in NAMES)
    # Stock of 3.9 alone does without these two: the tracker it loads with the first segment and not
    # with shared_memory, whose names in it we change.
    imports += "import fcntl, multiprocessing.resource_tracker\n"
    shown = subprocess.run(
        [sys.executable, "-c", f"{imports}import sys; print(*sys.modules)"],
        env={"PYTHONPATH": package_path()},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(shown.stdout.split())


def test_nothing_is_loaded_that_stock_does_without():
    more = modules_loaded_by("onecopy") - modules_loaded_by("multiprocessing")
    assert {name for name in more if not name.startswith("onecopy")} <= {"__future__"}
