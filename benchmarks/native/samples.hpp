// What single hand-offs took: the median of a round, and a histogram over all rounds.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace bench {

class Samples {
 public:
  Samples() { round_.reserve(kMost); }

  void add(double nanoseconds) { round_.push_back(std::max(nanoseconds, 0.0)); }
  std::size_t size() const { return round_.size(); }
  bool full() const { return round_.size() == kMost; }

  // Ends the round.
  void close_round() {
    for (const double sample : round_) ++histogram_[bucket_of(sample)];
    const auto middle = round_.begin() + static_cast<std::ptrdiff_t>(round_.size() / 2);
    std::nth_element(round_.begin(), middle, round_.end());
    medians_.push_back(*middle);
    largest_ = std::max(largest_, *std::max_element(round_.begin(), round_.end()));
    round_.clear();
  }

  const std::vector<double>& medians() const { return medians_; }
  // How many lie from each number of nanoseconds on to the next.
  const std::map<std::uint64_t, std::uint64_t>& histogram() const { return histogram_; }
  double largest() const { return largest_; }

 private:
  static constexpr std::size_t kMost = 1 << 18;  // in a round
  static constexpr int kBits = 4;                // 16 buckets to a doubling

  static std::uint64_t bucket_of(double nanoseconds) {
    const auto whole = static_cast<std::uint64_t>(nanoseconds);
    const int cut = std::max(0, static_cast<int>(std::bit_width(whole)) - kBits - 1);
    return whole >> cut << cut;
  }

  std::vector<double> round_;
  std::vector<double> medians_;
  std::map<std::uint64_t, std::uint64_t> histogram_;
  double largest_ = 0;
};

}  // namespace bench
