// A large array that the parent asks another process for: one of C++, or one of Python.
//
// Both are asked in the same way, over a queue, and put an array that they keep into another: it is
// copied once, by who sends it, and looked at in the memory that it came in. A sample is the time
// from before the question until the array has come, been looked at and been given back. The
// process of Python (sender.py beside this file) is no child of the family: it joins by a door.
#pragma once

#include <onecopy/door.hpp>
#include <onecopy/names.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "cases.hpp"

namespace bench {

class Asking : public AnyCase {
 public:
  using AnyCase::AnyCase;

  void open(const Cores&) override {}
  void round(Nanoseconds time, Nanoseconds clock) override {
    const Round round{time, clock, 0, samples_};
    ask({.whole = true});
    const Nanoseconds begin = now();
    for (bool last = false; !last;) {
      last = round.is_over(begin);
      const Nanoseconds before = now();
      ask({});
      samples_.add(static_cast<double>(now() - before - clock));
    }
    samples_.close_round();
  }

 protected:
  using Array = onecopy::NdView<double, 1>;
  using Question = std::optional<std::uint64_t>;  // the mark to be sent; nothing at the end

  onecopy::Queue<Question> questions_;
  onecopy::Queue<Array> arrays_;

 private:
  void ask(Mark mark) {
    mark.number = ++number_;
    questions_.put(word_of(mark));
    Array array = arrays_.get();
    expect(read_mark(std::as_writable_bytes(array.span()), bytes()), number_);
  }

  std::uint64_t number_ = 0;
};

class AskingCpp : public Asking {
 public:
  using Asking::Asking;

  void start(const Cores& cores) override {
    child_ = onecopy::Process::start([&] { live(cores); }, {.name = name(), .daemon = true})
                 .value_or_throw();
  }
  void end() override {
    questions_.put(std::nullopt);
    child_.join().value_or_throw();
  }

 private:
  void live(const Cores& cores) {
    cores.pin(Side::child);
    Array array = Array::zeros({bytes() / sizeof(double)});
    while (const Question word = questions_.get()) {
      write_mark(std::as_writable_bytes(array.span()), mark_of(*word));
      arrays_.put(array);
    }
  }

  onecopy::Process child_;
};

class AskingPython : public Asking {
 public:
  AskingPython(const char* name, std::size_t bytes, std::string python)
      : Asking(name, bytes), python_(std::move(python)) {}

  void start(const Cores& cores) override {
    onecopy::publish("questions", questions_).value_or_throw();
    onecopy::publish("arrays", arrays_).value_or_throw();
    const Folder folder;
    onecopy::Door door(folder.path + "/door");
    spawn(door.path(), std::to_string(cores.of(Side::child)), std::to_string(bytes()));
    while (!door.admit_for(std::chrono::milliseconds(100))) {
      // It has said why on stderr.
      if (waitpid(process_, nullptr, WNOHANG) != 0) throw std::runtime_error("Python has ended");
    }
  }
  void end() override {
    questions_.put(std::nullopt);
    int status = 0;
    while (waitpid(process_, &status, 0) < 0) {
      if (errno != EINTR) throw_errno("waitpid");
    }
    if (status != 0) throw std::runtime_error("Python has failed");
  }

 private:
  struct Folder {
    Folder() {
      if (mkdtemp(path.data()) == nullptr) throw_errno("mkdtemp");
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = std::filesystem::temp_directory_path() / "onecopy-bench-XXXXXX";
  };

  void spawn(std::string door, std::string core, std::string bytes) {
    std::string option = "-m", module = "benchmarks.native.sender";
    char* const arguments[] = {python_.data(), option.data(), module.data(), door.data(),
                               core.data(),    bytes.data(),  nullptr};
    errno = posix_spawnp(&process_, python_.c_str(), nullptr, nullptr, arguments, environ);
    if (errno != 0) throw_errno("posix_spawnp");
  }

  std::string python_;
  pid_t process_ = 0;
};

}  // namespace bench
