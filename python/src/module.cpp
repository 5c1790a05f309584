// onecopy._engine: the engine as Python sees it. The stub python/onecopy/_engine.pyi describes it.

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include <onecopy/version.hpp>

#include "at_fork.hpp"
#include "barrier.hpp"
#include "buffer.hpp"
#include "build_identity.hpp"
#include "bulk_memory.hpp"
#include "compile_file.hpp"
#include "condition.hpp"
#include "connection.hpp"
#include "crew.hpp"
#include "door.hpp"
#include "elements.hpp"
#include "envelope.hpp"
#include "errors.hpp"
#include "event.hpp"
#include "family.hpp"
#include "inspect.hpp"
#include "kept_ends.hpp"
#include "lock.hpp"
#include "math_threads.hpp"
#include "module_functions.hpp"
#include "names.hpp"
#include "numpy_api.hpp"
#include "os/descriptor.hpp"
#include "os/descriptor_desk.hpp"
#include "os/memory_kills.hpp"
#include "os/system.hpp"
#include "pickle_sink.hpp"
#include "pickler.hpp"
#include "pool_task.hpp"
#include "pool_worker.hpp"
#include "queue.hpp"
#include "reducer_table.hpp"
#include "semaphore.hpp"
#include "shared_buffer.hpp"
#include "turn.hpp"
#include "wait_any.hpp"

NB_MODULE(_engine, module) {
  namespace nb = nanobind;
  namespace os = onecopy::os;
  namespace python = onecopy::python;
#ifdef NDEBUG
  // Every child process would print them, for objects that its parent left it.
  nb::set_leak_warnings(false);
#endif

  module.attr("__version__") = onecopy::kVersionText;
  module.attr("__build__") = python::build_identity();

  if (!python::add_buffer_type(module.ptr()) || !python::add_queue_type(module.ptr()) ||
      !python::add_shared_buffer_type(module.ptr()) || !python::add_connection_type(module.ptr()) ||
      !python::add_lock_type(module.ptr()) || !python::add_semaphore_type(module.ptr()) ||
      !python::add_event_type(module.ptr()) || !python::add_condition_type(module.ptr()) ||
      !python::add_barrier_type(module.ptr()) || !python::add_element_types(module.ptr()) ||
      !python::add_pickle_sink_type(module.ptr()) ||
      !python::add_reducer_table_type(module.ptr()) || !python::add_envelope_type(module.ptr()) ||
      !python::add_crew_type(module.ptr()) || !python::add_pool_worker_type(module.ptr()) ||
      !python::add_turn_type(module.ptr()) || !python::add_kept_ends_type(module.ptr()) ||
      !python::add_door_type(module.ptr()) || !python::add_ways(module.ptr())) {
    throw nb::python_error();
  }
  python::watch_arenas();
  python::watch_for_interrupts();
  module.def("interrupted_at_fork", &python::interrupted_at_fork);
  python::add_family_functions(module);
  python::add_inspect_function(module);
  python::add_names_functions(module);
  python::add_join_function(module);
  module.def("is_pickling_message", &python::is_pickling_message);
  module.def("when_undelivered", &python::when_undelivered, nb::arg("function"));
  module.def("set_math_threads", &python::set_math_threads, nb::arg("threads"));
  module.def("processor_quota", &python::processor_quota);
  module.def("memory_kill_count", [] { return onecopy::os::memory_kill_count(); });
  module.def(
      "check_room_for_descriptors",
      [](std::size_t count) { python::value_or_raise(os::check_room_for(count)); },
      nb::arg("count"));
  // The program's: who stands at a desk does nothing that a fork could come in the middle of.
  module.def("thread_count", [] {
    const std::size_t threads = os::thread_count();
    return threads - std::min(threads, os::desk_count());
  });
  module.def("handles_crashes", &os::handles_crashes);
  module.def("set_pickler", &python::set_pickler, nb::arg("dump"), nb::arg("dumps"),
             nb::arg("loads"));
  module.def(
      "exchange_arrays",
      [](nb::handle one, nb::handle other) {
        if (!python::numpy::exchange(one.ptr(), other.ptr())) throw nb::python_error();
      },
      nb::arg("one"), nb::arg("other"));
  for (const auto& [name, wrapped] : {std::pair("keeping_interrupts", &python::keeping_interrupts),
                                      std::pair("beside_threads", &python::beside_threads)}) {
    module.def(
        name,
        [wrapped](const nb::callable& function) {
          const nb::object made = nb::steal(wrapped(function.ptr()));
          if (!made.is_valid()) throw nb::python_error();
          return made;
        },
        nb::arg("function"));
  }
  module.def("compile_file", &python::compile_file, nb::arg("source"), nb::arg("path"));
  module.def("wait_any", &python::wait_any, nb::arg("waitables"), nb::arg("timeout").none());
  python::make_functions_builtin(module);
}
