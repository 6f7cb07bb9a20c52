// What the program says while it works: warnings, progress, and Ctrl-C.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "models/pipeline/kiln.h"

namespace kiln::app {

// Progress goes to stderr: a bar on a terminal, a line now and then otherwise.
class Terminal {
 public:
  explicit Terminal(bool quiet);
  ~Terminal();

  void warn(std::string_view line);
  // What was decided; nothing when quiet.
  void tell(std::string_view line);
  // For Request::progress; false once the user pressed Ctrl-C.
  bool show(const Progress& progress);

 private:
  void bar(const Progress& progress, double rate, double remaining_s);
  void finish_line();

  bool quiet_;
  bool is_terminal_;
  bool line_open_ = false;
  std::string phase_;
  std::uint32_t last_done_ = 0;
  std::chrono::steady_clock::time_point phase_start_{}, last_shown_{};
};

// Makes Ctrl-C set a flag the first time and end the program the second time.
void catch_interrupts();
bool interrupted();

}  // namespace kiln::app
