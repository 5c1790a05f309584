// How many threads the libraries of linear algebra may use, and how many processors there are.
#pragma once

namespace onecopy::python {

// Every such library that is loaded in this process, OpenBLAS or a runtime of OpenMP, uses so many
// threads from now on, whatever limited it when it was loaded; with 0, as many as it would by
// itself. Any thread may call, while no other has one of them at work.
void set_math_threads(int threads);

// How many processors' worth of time the control groups above us allow; infinity where none limits
// it. Any thread may call.
double processor_quota();

}  // namespace onecopy::python
