"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import spawn as _stock
from multiprocessing.spawn import *  # noqa: F403

sys.modules[__name__] = _stock
