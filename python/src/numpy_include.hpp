// NumPy's C API, for the two files that use it: numpy_api.cpp, which loads it, and allocator.cpp.
// Built against NumPy 2, good for 1.22 and later at run time.
#pragma once

#include "python.hpp"

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL onecopy_numpy_api
#ifndef ONECOPY_LOADS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
