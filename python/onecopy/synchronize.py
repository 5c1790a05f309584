"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import synchronize as _stock
from multiprocessing.synchronize import *  # noqa: F403

sys.modules[__name__] = _stock
