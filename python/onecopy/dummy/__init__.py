"""Stock's package itself: the API on threads."""

import sys
from multiprocessing import dummy as _stock
from multiprocessing.dummy import *  # noqa: F403
from multiprocessing.dummy import connection as _connection

sys.modules[__name__] = _stock
sys.modules[f"{__name__}.connection"] = _connection
