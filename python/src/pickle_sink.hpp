// PickleSink: what a pickler writes an object into. The stream is collected; buffers that the
// object gives out of band (the buffer_callback) are kept beside it, and so are large bytes,
// bytearrays and strings, which pickle would have in its stream: in their place the stream says how
// they are made from a buffer.
//
// CPython's pickler writes data of 64 KiB or more past its own buffer, by a write() of their own
// that follows one which ends in their opcode and length. Where a pickler does not, they stay in
// the stream, which is as valid.
#pragma once

#include <cstdint>
#include <vector>

#include "python.hpp"
#include "withdrawals.hpp"

namespace onecopy::python {

// An object's pickle stream, and its large buffers out of band, in the pickler's order.
struct Pickled {
  Reference stream;  // bytes
  // Contiguous PickleBuffers of at least kBlockThreshold bytes, or shared.
  std::vector<Reference> buffers;
  Withdrawals withdrawals;
};

// Makes the type and adds it to the module. False with an exception set.
bool add_pickle_sink_type(PyObject* module);

// A sink for one pickling. A pickler that keeps the sink for longer can do nothing with it.
class OpenSink {
 public:
  explicit OpenSink(Pickled& pickled);
  ~OpenSink();
  OpenSink(const OpenSink&) = delete;
  OpenSink& operator=(const OpenSink&) = delete;

  explicit operator bool() const noexcept { return static_cast<bool>(sink_); }
  PyObject* get() const noexcept { return sink_.get(); }
  // All was written. False with an exception set.
  bool finish() const;

 private:
  Reference sink_;
};

}  // namespace onecopy::python
