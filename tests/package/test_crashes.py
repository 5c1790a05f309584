"""A child that a fatal signal ends says on stderr where it was."""

import signal

PROGRAM = """
    import ctypes, faulthandler, os, signal, sys
    import onecopy as mp

    def read_address_zero():
        ctypes.string_at(0)

    def abort_quietly():
        faulthandler.disable()
        os.abort()

    def close_stderr_and_crash():
        sys.stderr.close()
        ctypes.string_at(0)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        child = mp.Process(target=globals()[sys.argv[2]])
        child.start()
        child.join()
        print(child.exitcode)
"""


def test_shows_the_traceback_of_a_crash(python, method):
    outcome = python(PROGRAM, method, "read_address_zero")

    assert outcome.stdout == f"{-signal.SIGSEGV}\n"
    assert outcome.stderr.startswith("Fatal Python error: Segmentation fault\n")
    assert "program.py" in outcome.stderr
    assert "in read_address_zero" in outcome.stderr


def test_the_child_may_turn_it_off(python, method):
    outcome = python(PROGRAM, method, "abort_quietly")

    assert (outcome.stdout, outcome.stderr) == (f"{-signal.SIGABRT}\n", "")


def test_a_child_without_stderr_just_ends(python, method):
    outcome = python(PROGRAM, method, "close_stderr_and_crash")

    assert outcome.stdout == f"{-signal.SIGSEGV}\n"


def test_leaves_alone_who_handles_such_signals_already(python):
    """A library may live on SIGSEGV, as the JVM does, and says nothing of it to Python."""
    outcome = python(
        """
        import ctypes, faulthandler, signal
        import onecopy as mp

        libc = ctypes.CDLL(None)
        libc.signal.restype = ctypes.c_void_p
        handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: None)

        def tell():
            print(faulthandler.is_enabled())


        if __name__ == "__main__":
            libc.signal(signal.SIGSEGV, handler)
            child = mp.get_context("fork").Process(target=tell)
            child.start()
            child.join()
        """
    )

    assert outcome.stdout == "False\n"


def test_the_parent_says_where_to(python, tmp_path):
    """What the parent told faulthandler holds in a child that is forked."""
    path = tmp_path / "crashes"
    outcome = python(
        """
        import ctypes, faulthandler, sys
        import onecopy as mp

        if __name__ == "__main__":
            faulthandler.enable(open(sys.argv[1], "w"))
            child = mp.get_context("fork").Process(target=ctypes.string_at, args=(0,))
            child.start()
            child.join()
        """,
        str(path),
    )

    assert outcome.stderr == ""
    assert "Segmentation fault" in path.read_text()


def test_the_parent_itself_is_as_it_was(python, method):
    outcome = python(
        """
        import faulthandler, sys
        import onecopy as mp

        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            child = mp.Process(target=len, args=((),))
            child.start()
            child.join()
            print(faulthandler.is_enabled())
        """,
        method,
    )

    assert outcome.stdout == "False\n"
