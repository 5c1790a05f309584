#include "pool/call.hpp"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <tuple>
#include <typeinfo>

#include <cxxabi.h>

namespace onecopy::pool {
namespace {

struct Trailer {
  detail::Invoker invoker;
  std::size_t captured;  // bytes, which lie before it
};

std::string name_of_thrown_type() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return {};
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return name != nullptr ? name.get() : type->name();
}

}  // namespace

void append_callee(message::ByteBuffer& body, const detail::Callable& callable) noexcept {
  body.append(callable.captured.data(), callable.captured.size());
  body.append_plain(Trailer{callable.invoker, callable.captured.size()});
}

std::optional<Callee> cut_off_callee(channel::Incoming& task) noexcept {
  Trailer trailer{};
  if (task.body.size() < sizeof trailer) return std::nullopt;
  const std::size_t rest = task.body.size() - sizeof trailer;
  std::memcpy(&trailer, task.body.data() + rest, sizeof trailer);
  if (trailer.invoker == nullptr || trailer.captured > rest) return std::nullopt;
  const Callee callee{trailer.invoker,
                      task.body.subspan(rest - trailer.captured, trailer.captured)};
  task.body = task.body.first(rest - trailer.captured);
  return callee;
}

detail::TaskFailure failure_of_exception() {
  std::string type = name_of_thrown_type();
  try {
    throw;
  } catch (const std::exception& exception) {
    return {{Error::task_failed, 0, exception.what()}, std::move(type)};
  } catch (...) {
    return {{Error::task_failed, 0, "an exception of type " + type}, type};
  }
}

}  // namespace onecopy::pool

namespace onecopy {

using FailureFields = std::tuple<Error, int, std::string, std::string>;

void Codec<detail::TaskFailure>::write(Encoder& to, const detail::TaskFailure& failure) {
  const auto& [code, system_errno, message] = failure.failure;
  Codec<FailureFields>::write(to, {code, system_errno, message, failure.type});
}

void Codec<detail::TaskFailure>::read(Decoder& from, detail::TaskFailure& failure) {
  FailureFields fields;
  Codec<FailureFields>::read(from, fields);
  auto& [code, system_errno, message] = failure.failure;
  std::tie(code, system_errno, message, failure.type) = std::move(fields);
}

}  // namespace onecopy
