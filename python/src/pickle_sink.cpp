#include "pickle_sink.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include "buffer.hpp"
#include "message/envelope.hpp"
#include "shared_buffer.hpp"

namespace onecopy::python {
namespace {

// Opcodes of pickle (Lib/pickletools.py) that are met or written.
constexpr char kProtocol = '\x80';
constexpr char kFrame = '\x95';
constexpr std::size_t kFrameHead = 9;      // the opcode and the frame's length
constexpr std::size_t kShortestFrame = 4;  // what is shorter comes without a head
constexpr std::size_t kShortestAlone = std::size_t{64} * 1024;  // data written by themselves
constexpr std::size_t kShortHead = 1 + 4;  // an opcode with a length of four bytes
constexpr std::size_t kLongHead = 1 + 8;

using namespace std::string_view_literals;

// What stands in the stream for data that are out of band: the object is made from the next buffer.
constexpr std::string_view kMakeBytes = "cbuiltins\nbytes\n\x97\x85R"sv;
constexpr std::string_view kMakeBytearray = "cbuiltins\nbytearray\n\x97\x85R"sv;
constexpr std::string_view kMakeString =
    "cbuiltins\nstr\n\x97\x8c\x05utf-8\x8c\x0dsurrogatepass\x87R"sv;

std::string_view substitute_for(char opcode) noexcept {
  switch (opcode) {
    case 'B':
    case '\x8e':
      return kMakeBytes;
    case '\x96':
      return kMakeBytearray;
    case 'X':
    case '\x8d':
      return kMakeString;
    default:
      return {};
  }
}

std::uint64_t number_at(std::string_view bytes, std::size_t size) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), size);
  return number;
}

// The opcode and length at the end of what was written, which say that large data follow.
struct Announcement {
  std::size_t head = 0;  // bytes; 0: there is none
  std::uint64_t length = 0;
  std::string_view substitute;
};

// Picklers write whole frames, then at most three bytes that would have made too short a frame,
// then the announcement.
Announcement find_announcement(std::string_view written) noexcept {
  if (!written.empty() && written[0] == kProtocol) {
    written.remove_prefix(std::min<std::size_t>(2, written.size()));
  }
  while (written.size() > kFrameHead && written[0] == kFrame) {
    const std::uint64_t length = number_at(written.substr(1), 8);
    if (length > written.size() - kFrameHead) return {};
    written.remove_prefix(kFrameHead + static_cast<std::size_t>(length));
  }
  const std::size_t head = written.size() < kLongHead ? kShortHead : kLongHead;
  if (written.size() < head || written.size() >= head + kShortestFrame) return {};
  written.remove_prefix(written.size() - head);
  const std::string_view substitute = substitute_for(written[0]);
  const std::uint64_t length = number_at(written.substr(1), head - 1);
  if (substitute.empty() || length < kShortestAlone) return {};
  return {head, length, substitute};
}

struct Sink {
  PyObject_HEAD Pickled* pickled;   // null once pickling is over
  std::vector<Reference>* written;  // bytes, one after the other
  Announcement announced;           // of the last ones written
};

PyTypeObject* sink_type = nullptr;

Sink& self_of(PyObject* object) noexcept { return *reinterpret_cast<Sink*>(object); }

bool is_open(const Sink& self) {
  if (self.pickled != nullptr) return true;
  PyErr_SetString(PyExc_ValueError, "the pickling that this was made for is over");
  return false;
}

std::string_view text_of(PyObject* bytes) noexcept {
  return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

PyObject* bytes_of(std::string_view text) {
  return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// Data as a PickleBuffer that stays as it is: bytes themselves, a copy of anything else.
PyObject* buffer_of(PyObject* data) {
  if (PyBytes_CheckExact(data)) return PyPickleBuffer_FromObject(data);
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return nullptr;
  const Reference copy(stage_copy(view.buf, static_cast<std::size_t>(view.len)));
  PyBuffer_Release(&view);
  return copy ? PyPickleBuffer_FromObject(copy.get()) : nullptr;
}

bool put_out_of_band(Sink& self, PyObject* data) {
  std::vector<Reference>& written = *self.written;
  std::string_view before = text_of(written.back().get());
  before.remove_suffix(self.announced.head);
  Reference shortened(bytes_of(before));
  Reference substitute(bytes_of(self.announced.substitute));
  Reference buffer(buffer_of(data));
  if (!shortened || !substitute || !buffer) return false;
  self.pickled->buffers.push_back(std::move(buffer));
  written.back() = std::move(shortened);
  written.push_back(std::move(substitute));
  self.announced = {};
  return true;
}

bool append(Sink& self, PyObject* data) {
  Reference bytes(PyBytes_CheckExact(data) ? new_reference(data) : PyBytes_FromObject(data));
  if (!bytes) return false;
  self.announced = find_announcement(text_of(bytes.get()));
  self.written->push_back(std::move(bytes));
  return true;
}

PyObject* write(PyObject* object, PyObject* data) {
  Sink& self = self_of(object);
  if (!is_open(self)) return nullptr;
  const Py_ssize_t length = PyObject_Size(data);
  if (length < 0) return nullptr;
  try {
    const bool was_announced =
        self.announced.head != 0 && self.announced.length == static_cast<std::uint64_t>(length);
    if (!(was_announced ? put_out_of_band(self, data) : append(self, data))) return nullptr;
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  return PyLong_FromSsize_t(length);
}

// The buffer_callback: true tells pickle to write the buffer into the stream.
PyObject* take_buffer(PyObject* object, PyObject* buffer) {
  const Sink& self = self_of(object);
  if (!is_open(self)) return nullptr;
  const Py_buffer* view = PyPickleBuffer_GetBuffer(buffer);
  if (view == nullptr) return nullptr;
  const bool large = view->len >= static_cast<Py_ssize_t>(message::kBlockThreshold);
  const bool shared = shared_memory_of(*view).block != memory::kNoBlock;
  if ((!large && !shared) || PyBuffer_IsContiguous(view, 'A') == 0) Py_RETURN_TRUE;
  try {
    self.pickled->buffers.push_back(Reference::to(buffer));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  Py_RETURN_FALSE;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  delete self_of(object).written;
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "only the engine makes sinks");
  return nullptr;
}

PyMethodDef methods[] = {
    {"write", write, METH_O, nullptr},
    {"take_buffer", take_buffer, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("What an object is pickled into.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "onecopy._engine.PickleSink", sizeof(Sink), 0, Py_TPFLAGS_DEFAULT, slots,
};

}  // namespace

bool add_pickle_sink_type(PyObject* module) {
  sink_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return sink_type != nullptr && PyModule_AddType(module, sink_type) == 0;
}

OpenSink::OpenSink(Pickled& pickled) {
  auto* sink = PyObject_New(Sink, sink_type);
  if (sink == nullptr) return;
  sink->pickled = &pickled;
  sink->written = new (std::nothrow) std::vector<Reference>;
  sink->announced = {};
  sink_ = Reference(reinterpret_cast<PyObject*>(sink));
  if (sink->written != nullptr) return;
  PyErr_NoMemory();
  sink_ = {};
}

OpenSink::~OpenSink() {
  if (sink_) self_of(sink_.get()).pickled = nullptr;
}

bool OpenSink::finish() const {
  Sink& self = self_of(sink_.get());
  std::vector<Reference>& written = *self.written;
  if (written.size() == 1) {
    self.pickled->stream = std::move(written[0]);
    return true;
  }
  std::size_t length = 0;
  for (const Reference& bytes : written) length += text_of(bytes.get()).size();
  Reference stream(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(length)));
  if (!stream) return false;
  char* place = PyBytes_AS_STRING(stream.get());
  for (const Reference& bytes : written) {
    const std::string_view text = text_of(bytes.get());
    std::memcpy(place, text.data(), text.size());
    place += text.size();
  }
  self.pickled->stream = std::move(stream);
  return true;
}

}  // namespace onecopy::python
