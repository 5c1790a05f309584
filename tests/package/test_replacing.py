"""Stock's modules that are changed when they are loaded, and not before."""

import pytest

INSTALLED = "import sys, onecopy.install; onecopy.install.install()"

WAYS = {
    "the module": "import multiprocessing.sharedctypes as stock",
    "a name of it": (
        "from multiprocessing.sharedctypes import Array as made;"
        " import multiprocessing.sharedctypes as stock; assert stock.Array is made"
    ),
    "ours first": "import onecopy.sharedctypes; from multiprocessing import sharedctypes as stock",
    "by making one": (
        "import multiprocessing; multiprocessing.Array('i', 2);"
        " import multiprocessing.sharedctypes as stock"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_module_is_changed_whoever_loads_it(python, way):
    outcome = python(
        f"""
        {INSTALLED}
        {WAYS[way]}
        print(stock.Array.__module__, stock.Value("i", 3).value, type(stock.Array("d", 2)).__name__)
        print(stock.__spec__.loader is stock.__loader__, type(stock.__loader__).__name__)
        """
    )
    assert outcome.stdout == (
        "onecopy.sharedctypes 3 SynchronizedArray\nTrue SourceFileLoader\n"
    ), outcome


def test_a_module_that_is_loaded_already_is_changed_at_once(python):
    outcome = python(
        f"""
        import multiprocessing.sharedctypes as stock
        {INSTALLED}
        print(stock.Array.__module__)
        """
    )
    assert outcome.stdout == "onecopy.sharedctypes\n", outcome


def test_a_program_that_does_not_use_it_does_not_load_it(python):
    outcome = python(
        f"""
        {INSTALLED}
        import multiprocessing
        multiprocessing.Queue(), multiprocessing.Lock()
        print([name for name in sys.modules if "sharedctypes" in name or name == "ctypes"])
        """
    )
    assert outcome.stdout == "[]\n", outcome


def test_a_module_that_cannot_be_loaded_says_so_itself(python):
    outcome = python(
        """
        import sys
        from onecopy import _replacing
        _replacing.replace_names("multiprocessing.nothing", "onecopy.nothing", ())
        try:
            import multiprocessing.nothing
        except ModuleNotFoundError as error:
            print(error)
        """
    )
    assert outcome.stdout == "No module named 'multiprocessing.nothing'\n", outcome
