// How many threads the libraries of linear algebra may use, and how many processors there are.
#pragma once

namespace onecopy::python {

// Every such library that is loaded in this process, OpenBLAS or a runtime of OpenMP, may use
// `most` threads, or as many as it would by itself where that is fewer, or where `most` is 0:
// whatever limited it when it was loaded. Any thread may call, while no other has one of them at
// work.
void limit_math_threads(int most);

// The processors that this thread may run on, or fewer where control groups above us allow less
// time than that of all of these; at least 1.
int usable_processors();

}  // namespace onecopy::python
