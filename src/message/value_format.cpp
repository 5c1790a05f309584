#include "message/value_format.hpp"

namespace onecopy::message {

const char* name_of(Tag tag) noexcept {
  switch (tag) {
    case Tag::none:
      return "nothing (None)";
    case Tag::false_:
    case Tag::true_:
      return "a truth value";
    case Tag::integer:
    case Tag::integer_8:
    case Tag::integer_32:
      return "an integer";
    case Tag::big_integer:
      return "an integer of more than 64 bits";
    case Tag::real:
      return "a floating-point number";
    case Tag::complex:
      return "a complex number";
    case Tag::string:
      return "a string";
    case Tag::bytes:
      return "bytes";
    case Tag::list:
      return "a list";
    case Tag::tuple:
      return "a tuple";
    case Tag::dict:
      return "a dictionary";
    case Tag::reals:
      return "a list of floating-point numbers";
    case Tag::integers:
      return "a list of integers";
    case Tag::array:
      return "an array";
    case Tag::shared_array:
      return "a shared array";
    case Tag::record:
      return "a C++ struct";
    case Tag::reference:
      return "a reference";
  }
  return "something unknown";
}

const char* name_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::boolean:
      return "bool";
    case ElementType::int8:
      return "int8";
    case ElementType::int16:
      return "int16";
    case ElementType::int32:
      return "int32";
    case ElementType::int64:
      return "int64";
    case ElementType::uint8:
      return "uint8";
    case ElementType::uint16:
      return "uint16";
    case ElementType::uint32:
      return "uint32";
    case ElementType::uint64:
      return "uint64";
    case ElementType::float16:
      return "float16";
    case ElementType::float32:
      return "float32";
    case ElementType::float64:
      return "float64";
    case ElementType::complex64:
      return "complex64";
    case ElementType::complex128:
      return "complex128";
    case ElementType::long_double:
      return "longdouble";
  }
  return "unknown";
}

}  // namespace onecopy::message
