// Progress on stderr and the interrupt flag.
#include "apps/kiln/terminal.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace kiln::app {
namespace {

volatile sig_atomic_t interrupt_count = 0;  // a signal handler has no other way to speak

constexpr int kBarWidth = 30;
constexpr double kLineEvery_s = 5;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string clock_text(double seconds) {
  const int whole = int(std::clamp(seconds, 0.0, 359999.0));
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Terminal::Terminal(bool quiet) : quiet_(quiet), is_terminal_(isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { finish_line(); }

void Terminal::finish_line() {
  if (line_open_) std::fputc('\n', stderr);
  line_open_ = false;
}

void Terminal::warn(std::string_view line) {
  finish_line();
  fmt::print(stderr, "warning: {}\n", line);
}

void Terminal::tell(std::string_view line) {
  if (quiet_) return;
  finish_line();
  fmt::print(stderr, "{}\n", line);
}

void Terminal::bar(const Progress& progress, double rate, double remaining_s) {
  const int filled = int(progress.done * std::uint64_t(kBarWidth) / std::max(progress.total, 1u));
  fmt::print(stderr, "\r{:<8} [{:<{}}] {}/{} {:.2f} it/s, {} left ", progress.phase,
             std::string(std::size_t(filled), '='), kBarWidth, progress.done, progress.total, rate,
             clock_text(remaining_s));
  std::fflush(stderr);
  line_open_ = true;
  if (progress.done == progress.total) finish_line();
}

bool Terminal::show(const Progress& progress) {
  if (phase_ != progress.phase || progress.done < last_done_) {
    finish_line();
    phase_ = std::string(progress.phase);
    phase_start_ = last_shown_ = std::chrono::steady_clock::now();
    if (!quiet_ && progress.total == 0) fmt::print(stderr, "{}\n", phase_);
  }
  last_done_ = progress.done;
  if (!quiet_ && progress.total > 0 && progress.done > 0) {
    const double elapsed = std::max(seconds_since(phase_start_), 1e-6);
    const double rate = progress.done / elapsed;
    const double remaining = (progress.total - progress.done) / rate;
    if (is_terminal_) {
      bar(progress, rate, remaining);
    } else if (progress.done == progress.total || seconds_since(last_shown_) > kLineEvery_s) {
      fmt::print(stderr, "{} {}/{} {:.2f} it/s, {} left\n", progress.phase, progress.done,
                 progress.total, rate, clock_text(remaining));
      last_shown_ = std::chrono::steady_clock::now();
    }
  }
  return !interrupted();
}

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) {
    if (interrupt_count > 0) _exit(130);
    interrupt_count = 1;
  };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return interrupt_count > 0; }

}  // namespace kiln::app
