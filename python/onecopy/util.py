"""Stock's module itself, so that a process has its state once."""

import sys
from multiprocessing import util as _stock
from multiprocessing.util import *  # noqa: F403

sys.modules[__name__] = _stock
