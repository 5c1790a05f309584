"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import heap as _stock
from multiprocessing.heap import *  # noqa: F403

sys.modules[__name__] = _stock
