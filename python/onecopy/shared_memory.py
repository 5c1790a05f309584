"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import shared_memory as _stock
from multiprocessing.shared_memory import *  # noqa: F403

sys.modules[__name__] = _stock
