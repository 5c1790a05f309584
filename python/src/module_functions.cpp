#include "module_functions.hpp"

namespace onecopy::python {
namespace {

PyObject* call(PyObject* behind, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  return PyObject_Vectorcall(behind, given, static_cast<std::size_t>(count), keywords);
}

// Never freed, as the text that it names: the function may outlive the module.
PyMethodDef* definition_of(nb::handle name) {
  const char* text = PyUnicode_AsUTF8(new_reference(name.ptr()));
  if (text == nullptr) throw nb::python_error();
  return new PyMethodDef{text, as_method(call), METH_FASTCALL | METH_KEYWORDS, nullptr};
}

bool is_function_of_nanobind(nb::handle value) noexcept {
  return PyCallable_Check(value.ptr()) != 0 && !PyType_Check(value.ptr()) &&
         !PyCFunction_Check(value.ptr());
}

}  // namespace

void make_functions_builtin(nb::module_& module) {
  const nb::object module_name = module.attr("__name__");
  const nb::dict names = nb::borrow<nb::dict>(module.attr("__dict__"));
  for (const auto [name, value] : nb::steal<nb::dict>(PyDict_Copy(names.ptr()))) {
    if (!is_function_of_nanobind(value)) continue;
    const nb::object builtin =
        nb::steal(PyCFunction_NewEx(definition_of(name), value.ptr(), module_name.ptr()));
    if (!builtin.is_valid()) throw nb::python_error();
    names[name] = builtin;
  }
}

}  // namespace onecopy::python
