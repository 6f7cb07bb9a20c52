// The one exception type: every message begins with the place it concerns.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace kiln {

// What went wrong, so that a program can choose its exit code.
enum class Fault {
  failed,     // a file, a device or a model is not as needed (exit code 1)
  usage,      // the caller asked for something that makes no sense (exit code 2)
  cancelled,  // the caller asked to stop (exit code 130)
};

class Error : public std::runtime_error {
 public:
  // message: one line, ready for the user.
  explicit Error(const std::string& message, Fault fault = Fault::failed)
      : std::runtime_error(message), fault_(fault) {}

  Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

// Throws Error("[place] text"). place: the file, tensor or option concerned.
template <typename... Values>
[[noreturn]] void fail(std::string_view place, fmt::format_string<Values...> text,
                       Values&&... values) {
  throw Error(fmt::format("[{}] {}", place, fmt::format(text, std::forward<Values>(values)...)));
}

// As fail, for wrong usage: a flag or a field of a request out of its range.
template <typename... Values>
[[noreturn]] void fail_usage(std::string_view place, fmt::format_string<Values...> text,
                             Values&&... values) {
  throw Error(fmt::format("[{}] {}", place, fmt::format(text, std::forward<Values>(values)...)),
              Fault::usage);
}

}  // namespace kiln
