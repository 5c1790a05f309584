"""Extension modules whose loading binds the thread to one processor."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap

import pytest

import onecopy as mp

ALLOWED = sorted(os.sched_getaffinity(0))
METHODS = mp.get_all_start_methods()

pytestmark = pytest.mark.skipif(len(ALLOWED) < 2, reason="there is one processor")

SOURCE = r"""
#include <sched.h>
#include <Python.h>

static void narrow(void) {
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(@FIRST@, &first);
  sched_setaffinity(0, sizeof first, &first);
}

static int narrow_on_execution(PyObject *module) { narrow(); return 0; }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, narrow_on_execution}, {0, NULL}};
static PyModuleDef executed = {PyModuleDef_HEAD_INIT, "binding_executed", NULL, 0, NULL, slots};
static PyModuleDef created = {PyModuleDef_HEAD_INIT, "binding_created", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_binding_executed(void) { return PyModuleDef_Init(&executed); }
PyMODINIT_FUNC PyInit_binding_created(void) { narrow(); return PyModule_Create(&created); }
PyMODINIT_FUNC PyInit_binding_failing(void) {
  PyErr_SetString(PyExc_ImportError, "it does not want to");
  return NULL;
}
"""


@pytest.fixture(scope="session")
def extensions(tmp_path_factory):
    """A folder with the extension modules."""
    folder = tmp_path_factory.mktemp("extensions")
    source = folder / "binding.c"
    source.write_text(SOURCE.replace("@FIRST@", str(ALLOWED[0])))
    compiler = shutil.which("cc") or "gcc"
    includes = f"-I{sysconfig.get_path('include')}"
    names = ["binding_executed", "binding_created", "binding_failing"]
    libraries = [folder / (name + sysconfig.get_config_var("EXT_SUFFIX")) for name in names]
    options = ["-D_GNU_SOURCE", "-shared", "-fPIC", includes]
    subprocess.run([compiler, *options, "-o", libraries[0], source], check=True)
    for library in libraries[1:]:
        shutil.copy(libraries[0], library)
    return folder


@pytest.fixture
def sets_of(extensions, tmp_path):
    """What the function `sets` of a program gives that is run with the extensions at hand."""

    def run(text, *arguments):
        program = tmp_path / "program.py"
        program.write_text(
            textwrap.dedent(text)
            + "\nif __name__ == '__main__':\n    import json; print(json.dumps(sets()))\n"
        )
        environment = dict(os.environ, PYTHONPATH=str(extensions))
        done = subprocess.run(
            [sys.executable, program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("module", ["binding_created", "binding_executed"])
def test_the_workers_are_not_bound(sets_of, module, method):
    seen = sets_of(
        f"""
        import os
        import onecopy as mp
        import {module}

        def sets():
            with mp.get_context("{method}").Pool(2) as pool:
                workers = pool.map(os.sched_getaffinity, [0] * 4, 1)
            return [sorted(each) for each in [os.sched_getaffinity(0), *workers]]
        """
    )
    assert seen == [ALLOWED[:1]] + [ALLOWED] * 4


def test_a_pool_has_as_many_workers_as_there_were_processors(sets_of):
    count = sets_of(
        """
        import onecopy as mp
        import binding_created

        def sets():
            with mp.Pool() as pool:
                return len(pool._pool)
        """
    )
    with mp.Pool() as pool:
        assert count == len(pool._pool)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_that_loads_such_a_module_is_not_bound(sets_of, method):
    seen = sets_of(
        f"""
        import os
        import onecopy as mp

        def load_and_look(name):
            __import__(name)
            return sorted(os.sched_getaffinity(0))

        def sets():
            with mp.get_context("{method}").Pool(1) as pool:
                return pool.map(load_and_look, ["binding_created", "binding_executed"], 1)
        """
    )
    assert seen == [ALLOWED] * 2


@pytest.mark.parametrize("method", METHODS)
def test_what_the_program_says_is_obeyed(sets_of, method):
    last = ALLOWED[-1]
    seen = sets_of(
        f"""
        import os
        import onecopy as mp
        import binding_created

        def sets():
            os.sched_setaffinity(0, [{last}])
            with mp.get_context("{method}").Pool(2) as pool:
                return [sorted(each) for each in pool.map(os.sched_getaffinity, [0] * 4, 1)]
        """
    )
    assert seen == [[last]] * 4


def test_what_a_module_in_python_says_is_obeyed(sets_of, extensions):
    last = ALLOWED[-1]
    (extensions / "chosen.py").write_text(f"import os\nos.sched_setaffinity(0, [{last}])\n")
    seen = sets_of(
        """
        import os
        import onecopy as mp
        import chosen

        def sets():
            with mp.Pool(2) as pool:
                return [sorted(each) for each in pool.map(os.sched_getaffinity, [0] * 4, 1)]
        """
    )
    assert seen == [[last]] * 4


def test_the_look_is_not_in_tracebacks(sets_of):
    lines = sets_of(
        """
        import traceback
        import onecopy as mp

        def sets():
            try:
                import binding_failing
            except ImportError:
                return traceback.format_exc().splitlines()
        """
    )
    assert len(lines) == 4 + ("^" in lines[-2])
    assert lines[-1] == "ImportError: it does not want to"
