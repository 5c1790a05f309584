// Queue: a channel with any number of putters and getters, as a Python type to be subclassed.
//
// A raw type and not one of nanobind's, so that a class may descend from it and from stock's queues
// at once. Methods run under the GIL and let it go while they wait; another thread may close the
// queue meanwhile.
#pragma once

#include <memory>

#include "channel/channel.hpp"
#include "os/descriptor.hpp"
#include "python.hpp"

namespace onecopy::python {

struct QueueState {
  channel::Channel channel;
  os::Descriptor bell;       // an eventfd, inherited by fork; none where it was found by its name
  os::Descriptor room_bell;  // another, where the queue is bounded
};

struct Queue {
  PyObject_HEAD
      // Calls keep what they are inside of; null: closed, or never opened.
      std::shared_ptr<QueueState>
          state;
};

bool add_queue_type(PyObject* module);
// A queue of that type, without bells. Null with an exception set.
PyObject* make_queue(PyTypeObject* type, channel::Channel channel);
Queue* as_queue(PyObject* object);  // null where it is something else

}  // namespace onecopy::python
