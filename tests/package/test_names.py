"""Every name of the stock package is here, with the same signature, and costs no more to import."""

import importlib
import inspect
import multiprocessing
import pkgutil

import pytest

import onecopy as mp

STOCK_MODULES = [module.name for module in pkgutil.iter_modules(multiprocessing.__path__)]
SHARED = {"dummy", "forkserver", "process", "resource_sharer", "spawn"} | {
    "resource_tracker",
    "util",
}

# What ours take in addition.
MORE = {"Pool": [("cpus", inspect.Parameter.KEYWORD_ONLY, None)]}


def test_all_names_and_five_more():
    assert set(mp.__all__) - set(multiprocessing.__all__) == {
        "Executor",
        "WorkerDied",
        "__version__",
        "install_allocator",
        "memory",
    }
    assert set(multiprocessing.__all__) <= set(mp.__all__)
    assert all(hasattr(mp, name) for name in mp.__all__)
    assert (mp.SUBDEBUG, mp.SUBWARNING) == (multiprocessing.SUBDEBUG, multiprocessing.SUBWARNING)


@pytest.mark.parametrize("name", multiprocessing.__all__)
def test_takes_what_stock_takes(name):
    stock, ours = getattr(multiprocessing, name), getattr(mp, name)
    if not callable(stock) or isinstance(stock, type):
        assert type(stock) is type(ours)
        return
    # The names of parameters, their kinds and their defaults; annotations are more than stock has.
    assert parameters(ours) == parameters(stock) + MORE.get(name, [])


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in found]


@pytest.mark.parametrize("name", ["AuthenticationError", "BufferTooShort", "TimeoutError"])
def test_the_exceptions_are_stocks(name):
    assert getattr(mp, name) is getattr(multiprocessing, name)


@pytest.mark.parametrize("name", STOCK_MODULES)
def test_every_module_of_stock_is_a_module_here(name):
    if name == "popen_spawn_win32":
        return
    stock = importlib.import_module(f"multiprocessing.{name}")
    ours = importlib.import_module(f"onecopy.{name}")

    assert getattr(mp, name) is ours
    assert [public for public in getattr(stock, "__all__", ()) if not hasattr(ours, public)] == []
    # State there is once in a process: what has some is the stock module itself.
    assert (ours is stock) == (name in SHARED)


@pytest.mark.parametrize(
    "name", ["connection", "context", "pool", "queues", "reduction", "shared_memory"]
)
def test_private_names_of_a_replaced_module_are_found_too(name):
    stock = importlib.import_module(f"multiprocessing.{name}")
    ours = importlib.import_module(f"onecopy.{name}")

    assert [private for private in vars(stock) if not hasattr(ours, private)] == []
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        ours.nonsense  # noqa: B018


def test_there_is_one_start_method_in_a_process(python):
    outcome = python(
        """
        import multiprocessing, onecopy
        print(onecopy.get_start_method(allow_none=True))
        multiprocessing.set_start_method("spawn")
        print(onecopy.get_start_method())
        onecopy.set_start_method("forkserver", force=True)
        print(multiprocessing.get_start_method())
        for package in (onecopy, multiprocessing):
            print(type(package.get_context()).__module__)
        """
    )
    assert outcome.stdout == (
        "None\nspawn\nforkserver\nonecopy.context\nmultiprocessing.context\n"
    ), outcome


def test_importing_loads_what_stock_loads_and_little_more(python):
    outcome = python(
        """
        import sys
        import multiprocessing
        before = set(sys.modules)
        import onecopy
        print(*sorted(set(sys.modules) - before))
        """
    )
    assert outcome.stdout.split() == [
        "__future__",
        "onecopy",
        "onecopy._names",
        "onecopy._narrowing",
        "onecopy.context",
    ], outcome


def test_queues_and_pipes_load_no_cryptography(python):
    """It took longer to load than the engine; only a connection with a key needs it."""
    outcome = python(
        """
        import sys
        import onecopy
        onecopy.Queue(), onecopy.Pipe(), onecopy.Lock()
        print(*sorted({"hashlib", "hmac", "_hashlib"} & set(sys.modules)))
        """
    )
    assert outcome.stdout == "\n", outcome


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_the_names_are_stocks_and_it_is_said_once(python, system):
    outcome = python(
        """
        import sys
        import multiprocessing, pkgutil
        from importlib import import_module
        for module in pkgutil.iter_modules(multiprocessing.__path__, "multiprocessing."):
            if "win32" not in module.name:
                import_module(module.name)  # while it is true what system this is
        sys.platform = sys.argv[1]
        sys.modules["onecopy._engine"] = None  # is not there, and must not be asked for
        import onecopy, onecopy.queues
        import onecopy.connection
        from onecopy.shared_memory import SharedMemory
        print(SharedMemory is multiprocessing.shared_memory.SharedMemory)
        print(onecopy.queues is multiprocessing.queues, onecopy.Queue == multiprocessing.Queue)
        print(onecopy.connection is multiprocessing.connection)
        popens = {"popen_fork", "popen_forkserver", "popen_spawn_posix"}
        for name in sorted(onecopy._SUBMODULES | popens):
            stock = import_module(f"multiprocessing.{name}")
            assert import_module(f"onecopy.{name}") is stock, name
        from onecopy.install import install
        install()
        print(multiprocessing.Queue == multiprocessing.context._default_context.Queue)
        print(onecopy.Array("i", 2)[:], onecopy.Lock().acquire())
        queue = onecopy.Queue()
        queue.put(onecopy.install_allocator())
        print(queue.get(), onecopy.__version__.count("."))
        try:
            onecopy.memory()
        except NotImplementedError as error:
            print(error)
        for name in sorted(onecopy._BETWEEN_PROGRAMS):
            try:
                getattr(onecopy, name)("name")
            except NotImplementedError as error:
                assert "programs cannot meet" in str(error)
            else:
                print(name)
        """,
        system,
    )
    assert outcome.stdout == (
        "True\nTrue True\nTrue\nTrue\n[0, 0] True\nFalse 2\n"
        f"Onecopy runs on Linux only so far, and has no memory on {system}\n"
    ), outcome
    assert outcome.stderr.count("Onecopy runs on Linux only so far") == 1


def test_tells_where_the_memory_stands():
    q = mp.Queue()
    q.put(b"x" * 1_000_000)
    told = mp.memory()

    assert told["limit"] > told["in_use"] > 0
    assert isinstance(told["limit_name"], str)
    assert mp.__version__.count(".") == 2
