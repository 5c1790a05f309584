"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import sharedctypes as _stock
from multiprocessing.sharedctypes import *  # noqa: F403

sys.modules[__name__] = _stock
