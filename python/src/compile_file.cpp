#include "compile_file.hpp"

#include <cstring>

namespace onecopy::python {

nb::object compile_file(const nb::bytes& source, const nb::str& path) {
  if (PySys_Audit("compile", "OO", source.ptr(), path.ptr()) != 0) throw nb::python_error();
  if (std::strlen(source.c_str()) != source.size()) {
    // In the words, and as the kind of error, of this version of Python.
    return nb::module_::import_("builtins").attr("compile")(source, path, "exec", 0, true);
  }
  PyCompilerFlags flags = _PyCompilerFlags_INIT;
  flags.cf_flags = PyCF_SOURCE_IS_UTF8;
  PyObject* const code =
      Py_CompileStringObject(source.c_str(), path.ptr(), Py_file_input, &flags, -1);
  if (code == nullptr) throw nb::python_error();
  return nb::steal(code);
}

}  // namespace onecopy::python
