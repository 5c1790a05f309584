// How many threads the libraries of linear algebra may use.
#pragma once

namespace onecopy::python {

// Every such library that is loaded in this process, OpenBLAS or a runtime of OpenMP, may use as
// many threads as it would by itself, whatever limited it when it was loaded. Any thread may call,
// while no other has one of them at work.
void free_math_threads();

}  // namespace onecopy::python
