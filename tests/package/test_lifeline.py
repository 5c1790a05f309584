"""Which children go with their parent."""

import functools
import importlib
import time
from concurrent.futures.process import _process_worker
from multiprocessing import managers, pool

import pytest

import onecopy as mp
from onecopy import _lifeline


@pytest.mark.parametrize(
    "target",
    [pool.worker, managers.BaseManager._run_server, _process_worker],
    ids=lambda target: target.__qualname__,
)
def test_who_only_serves_goes_with_its_parent(target, method):
    process = mp.get_context(method).Process(target=target)

    assert not process.daemon
    assert _lifeline.dies_with_parent(process)


def worker():
    """Named like the worker of a pool, and nobody's servant."""


@pytest.mark.parametrize("target", [None, worker, time.sleep, functools.partial(pool.worker), len])
def test_other_children_live_on(target, method):
    process = mp.get_context(method).Process(target=target)

    assert not _lifeline.dies_with_parent(process)


def test_daemons_go_with_their_parent(method):
    assert _lifeline.dies_with_parent(mp.get_context(method).Process(target=worker, daemon=True))


@pytest.mark.parametrize("servant", sorted(_lifeline.SERVANTS), ids="/".join)
def test_every_servant_is_there_in_this_python(servant):
    module, name = servant
    found = functools.reduce(getattr, name.split("."), importlib.import_module(module))

    assert (found.__module__, found.__qualname__) == servant
