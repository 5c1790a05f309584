"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import managers as _stock
from multiprocessing.managers import *  # noqa: F403

sys.modules[__name__] = _stock
