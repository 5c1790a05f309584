#include "names.hpp"

#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <vector>

#include "connection.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "errors.hpp"
#include "memory/block.hpp"
#include "memory/family.hpp"
#include "names/find.hpp"
#include "names/pipes.hpp"
#include "queue.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

// What was found, held by this process: a handle on the queue, the end of a pipe, or the references
// of a message.
struct Opened {
  names::What what = names::What::none;
  channel::Channel queue{};
  std::optional<channel::PipeEnd> pipe{};
  std::vector<std::byte> body{};
  std::vector<memory::BlockIndex> blocks{};
};

Result<Opened> open(const std::string& name, const names::Found& found, os::Deadline deadline,
                    bool waits) {
  Opened opened{.what = found.what};
  if (found.is_queue()) {
    auto queue = names::open_queue(name, found);
    if (!queue) return std::move(queue).failure();
    opened.queue = std::move(*queue);
    return opened;
  }
  if (found.what == names::What::pipe) {
    auto end = names::open_pipe(name, found, deadline, waits);
    if (!end) return std::move(end).failure();
    opened.pipe.emplace(std::move(*end));
    return opened;
  }
  if (found.what != names::What::value && found.what != names::What::pickle) {
    return Failure{Error::invalid, 0,
                   "'" + name + "' names " + names::describe(found.what) + ", for C++ only"};
  }
  auto blocks = names::open_shared(found);
  if (!blocks) return std::move(blocks).failure();
  opened.blocks = std::move(*blocks);
  opened.body = found.body;
  return opened;
}

// What this process takes of an object by decoding the message that stands for it.
PyObject* decode_opened(Opened& opened) {
  channel::Incoming message;
  message.kind = opened.what == names::What::value ? message::Kind::value : message::Kind::pickle;
  message.body = opened.body;
  message.blocks = std::move(opened.blocks);
  return decode(message);
}

nb::object find(const std::string& name, nb::object timeout, nb::tuple queue_types,
                nb::handle pipe_type) {
  os::Deadline deadline = os::Deadline::never();
  if (!parse_timeout(timeout.ptr(), deadline)) throw nb::python_error();
  const bool waits = !deadline.expired();
  Result<Opened> found = Error::not_found;
  const auto round = [&] {
    found = names::find_round(name, deadline, [&](const names::Found& what) {
      return open(name, what, deadline, waits);
    });
    if (found.error() == Error::interrupted) return false;
    return found.error() != Error::not_found || deadline.expired();
  };
  if (!block_until(round, [] { return true; })) throw nb::python_error();
  if (found.error() == Error::not_found && waits) {
    found = Failure{Error::timed_out, 0, "not in time: " + found.failure().text()};
  }
  Opened opened = value_or_raise(std::move(found));
  PyObject* object = nullptr;
  if (opened.queue.valid()) {
    const auto kind =
        static_cast<std::size_t>(opened.what) - static_cast<std::size_t>(names::What::queue);
    const nb::object type = queue_types[kind];
    object = make_queue(reinterpret_cast<PyTypeObject*>(type.ptr()), std::move(opened.queue));
  } else if (opened.pipe) {
    object =
        make_connection(reinterpret_cast<PyTypeObject*>(pipe_type.ptr()), std::move(*opened.pipe));
  } else {
    object = decode_opened(opened);
  }
  if (object == nullptr) throw nb::python_error();
  return nb::steal(object);
}

// `kind`: the place of its type in the tuple that find() is given.
void publish_queue(const std::string& name, nb::handle object, std::uint32_t kind) {
  Queue* queue = as_queue(object.ptr());
  const std::shared_ptr<QueueState> state = queue == nullptr ? nullptr : queue->state;
  if (!state) {
    raise_queue_closed(object.ptr());
    throw nb::python_error();
  }
  const auto what = static_cast<names::What>(static_cast<std::uint32_t>(names::What::queue) + kind);
  value_or_raise(without_gil([&] { return names::publish_queue(name, what, state->channel); }));
}

void publish_pipe(const std::string& name, nb::handle object) {
  Connection* connection = as_connection(object.ptr());
  const std::shared_ptr<channel::PipeEnd> state =
      connection == nullptr ? nullptr : connection->state;
  if (!state) {
    raise_os_error("handle is closed");
    throw nb::python_error();
  }
  value_or_raise(without_gil([&] { return names::publish_pipe(name, *state); }));
}

void publish_value(const std::string& name, nb::handle object) {
  MessageLease message;
  if (!encode(object.ptr(), false, *message)) throw nb::python_error();
  if (message->cargo.has_withdrawals()) {
    value_or_raise(
        Failure{Error::invalid, 0,
                "a value in which there are queues or ends of pipes cannot be published: "
                "publish each of them by itself"});
  }
  const channel::Outgoing outgoing = message->outgoing();
  const auto what =
      outgoing.kind == message::Kind::value ? names::What::value : names::What::pickle;
  value_or_raise(without_gil(
      [&] { return names::publish_value(name, what, outgoing.body, outgoing.blocks); }));
  message->cargo.delivered();
}

nb::list published() {
  nb::list names;
  for (const names::Published& one : without_gil(names::all))
    names.append(nb::str(one.name.c_str()));
  return names;
}

}  // namespace

void add_names_functions(nb::module_& module) {
  module.def("publish_queue", &publish_queue, nb::arg("name"), nb::arg("queue"), nb::arg("kind"));
  module.def("publish_pipe", &publish_pipe, nb::arg("name"), nb::arg("connection"));
  module.def("publish_value", &publish_value, nb::arg("name"), nb::arg("value").none());
  module.def("find", &find, nb::arg("name"), nb::arg("timeout").none(), nb::arg("queue_types"),
             nb::arg("pipe_type"));
  module.def(
      "withdraw",
      [](const std::string& name) {
        value_or_raise(without_gil([&] { return names::withdraw(name); }));
      },
      nb::arg("name"));
  module.def("published", &published);
}

}  // namespace onecopy::python
