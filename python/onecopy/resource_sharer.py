"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import resource_sharer as _stock
from multiprocessing.resource_sharer import *  # noqa: F403

sys.modules[__name__] = _stock
