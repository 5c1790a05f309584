// Elements of shared arrays, and shared values.
#include <onecopy/array.hpp>

#include <onecopy/value.hpp>

#include "counted.hpp"

namespace onecopy::instructions {

void count_elements() {
  Array<double> array(1000);
  double sum = 0;
  count("array-set", [&] { array.set(7, 0.5); });
  count("array-get", [&] { sum += array.get(7); });

  struct Point {
    double x, y;
  };
  Array<Point> points(1000);
  count("array-set-16-bytes", [&] { points.set(7, {0.5, 1.5}); });

  Value<long> value;
  count("value-set", [&] { value.set(7); });
  count("value-get", [&] { sum += static_cast<double>(value.get()); });
  count("value-update", [&] { value.update([](long before) { return before + 1; }); });
  // Or the compiler might do without the gets.
  asm volatile("" : : "g"(sum));
}

}  // namespace onecopy::instructions
