// Waiting for any of several queues, connections and descriptors.
#pragma once

#include <vector>

#include "python.hpp"

namespace onecopy::python {

// Indices of the ready ones, after waiting at most `timeout` seconds (None: for ever) for the
// first. Throws nb::python_error.
std::vector<std::size_t> wait_any(nb::sequence waitables, nb::object timeout);

}  // namespace onecopy::python
