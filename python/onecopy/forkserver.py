"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import forkserver as _stock
from multiprocessing.forkserver import *  # noqa: F403

sys.modules[__name__] = _stock
