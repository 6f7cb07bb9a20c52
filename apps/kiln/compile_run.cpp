// Watches over the process that talks to the driver: time limits, crashes, restarts.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>

#include "apps/kiln/compile.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

using Clock = std::chrono::steady_clock;

// The driver loads and all plans are made before the first pipeline; who allows a pipeline more
// (emulated code, a busy machine) allows a start as much.
constexpr double kStartLimit_s = 60;

// A child with its output and its messages behind pipes; killed if it still runs at the end.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    std::array<int, 2> out{}, err{};
    if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) {
      fail("compile", "no pipe: {}", std::strerror(errno));
    }
    out_ = out[0];
    err_ = err[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    std::vector<char*> argv;
    for (const std::string& word : arguments) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    if (error != 0) fail("compile", "{} cannot be started: {}", argv[0], std::strerror(error));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) end();
    close(out_);
    close(err_);
  }

  // The next line of its output within the time given; none: it ended, or the time passed (then
  // timed_out()).
  std::optional<std::string> line(double limit_s) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(limit_s);
    while (true) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        std::string found = text_.substr(0, end);
        text_.erase(0, end + 1);
        return found;
      }
      if (!open_) return std::nullopt;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) {
        timed_out_ = true;
        return std::nullopt;
      }
      wait_for_text(int(left));
    }
  }

  bool timed_out() const { return timed_out_; }
  // What it said on standard error; the last line is all that is of interest.
  std::string last_message() const {
    const std::size_t end = messages_.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    const std::size_t before = messages_.rfind('\n', end);
    return messages_.substr(before + 1, end - before);
  }
  // Kills it if it still runs. Its wait status.
  int end() {
    if (!status_) {
      if (timed_out_ || open_) kill(pid_, SIGKILL);
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
      pid_ = -1;
      status_ = status;
    }
    return *status_;
  }

 private:
  void wait_for_text(int limit_ms) {
    std::array<pollfd, 2> watched = {{{out_, POLLIN, 0}, {err_open_ ? err_ : -1, POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), limit_ms) <= 0) return;
    if (watched[1].revents != 0) err_open_ = read_some(err_, messages_);
    if (watched[0].revents != 0) open_ = read_some(out_, text_);
    // Only the end of endless messages is kept.
    constexpr std::size_t kKept = 1 << 16;
    if (messages_.size() > 2 * kKept) messages_.erase(0, messages_.size() - kKept);
    if (!open_) {
      while (err_open_) err_open_ = read_some(err_, messages_);
    }
  }

  static bool read_some(int from, std::string& to) {
    std::array<char, 65536> bytes;
    const ssize_t count = read(from, bytes.data(), bytes.size());
    if (count < 0) return errno == EINTR;
    to.append(bytes.data(), std::size_t(count));
    return count > 0;
  }

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  bool open_ = true, err_open_ = true, timed_out_ = false;
  std::string text_, messages_;
  std::optional<int> status_;
};

// This program again, with the words that started it under another loader or emulator
// (KILN_LAUNCH, from tools/lab).
std::vector<std::string> command(const CompileOptions& options, std::size_t first) {
  const char* launch = std::getenv("KILN_LAUNCH");
  std::vector<std::string> words;
  if (launch != nullptr && *launch != '\0') {
    words = {"/bin/sh", "-c", fmt::format("exec {} \"$0\" \"$@\"", launch),
             program_invocation_name};
  } else {
    words = {std::filesystem::read_symlink("/proc/self/exe").string()};
  }
  words.insert(words.end(), {"compile", "--child", std::to_string(first)});
  const auto add = [&](const char* option, const std::vector<std::string>& values) {
    for (const std::string& value : values) words.insert(words.end(), {option, value});
  };
  if (!options.device.empty()) add("--device", {options.device});
  if (!options.disassembly.empty()) add("--disassembly", {options.disassembly});
  add("--model", options.models);
  add("--kernel", options.kernels);
  add("--module", options.modules);
  return words;
}

// How a child ended that had not come to its own end.
std::string ending(const Child& child, int status, double timeout_s) {
  const std::string message = child.last_message();
  const std::string tail = message.empty() ? "" : fmt::format(" ({})", message);
  if (child.timed_out()) {
    return fmt::format("the compiler took more than {:g} s and was stopped", timeout_s);
  }
  if (WIFSIGNALED(status)) {
    return fmt::format("the compiler crashed: {}{}", strsignal(WTERMSIG(status)), tail);
  }
  return fmt::format("the compiler ended the process with status {}{}", WEXITSTATUS(status), tail);
}

PipelineMetrics metrics_of(const nlohmann::json& executables) {
  std::vector<PipelineExecutable> list;
  for (const nlohmann::json& one : executables) {
    PipelineExecutable executable{.name = one.at("name"),
                                  .subgroup_size = one.at("subgroup_size"),
                                  .statistics = {},
                                  .representations = {}};
    for (const nlohmann::json& statistic : one.at("statistics")) {
      executable.statistics.push_back({statistic.at("name"), statistic.at("value")});
    }
    list.push_back(std::move(executable));
  }
  return pipeline_metrics(list);
}

class Supervisor {
 public:
  explicit Supervisor(const CompileOptions& options) : options_(options) {}

  CompileReport run() {
    const auto start = Clock::now();
    while (!complete_) run_child();
    report_.elapsed_s = std::chrono::duration<double>(Clock::now() - start).count();
    return std::move(report_);
  }

 private:
  double limit_s() const {
    return running_ ? options_.timeout_s : std::max(kStartLimit_s, options_.timeout_s);
  }

  void run_child() {
    const std::size_t before = next_;
    Child child(command(options_, next_));
    running_ = header_now_ = false;
    while (const auto line = child.line(limit_s())) {
      const nlohmann::json words = nlohmann::json::parse(*line, nullptr, false);
      if (words.is_object()) receive(words);  // drivers, too, print to standard output
    }
    const int status = child.end();
    if (complete_ && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const std::string how = ending(child, status, limit_s());
    if (running_) {
      report_.pipelines.back().problem = how;
      return;
    }
    if (complete_) {
      report_.problems.push_back("when the device was closed, " + how);
      return;
    }
    if (!header_now_ && before == 0) refuse(child, status, how);
    report_.problems.push_back("between two pipelines, " + how);
    if (next_ == before) complete_ = true;  // it would end the same way again
  }

  // Not even a list of pipelines: what the child says is the answer.
  [[noreturn]] static void refuse(const Child& child, int status, const std::string& how) {
    std::string message = child.last_message();
    constexpr std::string_view kPrefix = "kiln: ";
    if (WIFEXITED(status) && message.starts_with(kPrefix)) {
      throw Error(message.substr(kPrefix.size()),
                  WEXITSTATUS(status) == 2 ? Fault::usage : Fault::failed);
    }
    fail("compile", "{}", how);
  }

  void receive(const nlohmann::json& words) {
    if (words.contains("device")) {
      header_now_ = true;
      if (report_.device.empty()) receive_header(words);
    } else if (words.contains("start")) {
      running_ = true;
      next_ = words.at("start").get<std::size_t>() + 1;
      CompiledPipeline& one = report_.pipelines.emplace_back();
      one.kernel = words.at("kernel");
      one.element = words.at("element");
      one.constants = words.at("constants");
      one.user = words.at("user");
    } else if (words.contains("done")) {
      running_ = false;
      CompiledPipeline& one = report_.pipelines.back();
      one.problem = words.value("problem", "");
      one.compile_ms = words.value("ms", 0.0);
      one.executables = words.value("executables", nlohmann::json::array());
      one.metrics = metrics_of(one.executables);
    } else if (words.contains("end")) {
      complete_ = true;
    }
  }

  void receive_header(const nlohmann::json& words) {
    report_.device = words.at("device");
    report_.driver = words.at("driver");
    report_.has_statistics = words.at("statistics");
    report_.not_planned = words.at("not_planned").get<std::vector<std::string>>();
    for (const nlohmann::json& one : words.at("left_out")) {
      report_.left_out.push_back(
          {one.at("kernel"), one.at("element"), one.at("reason"), one.at("asked_for")});
    }
  }

  const CompileOptions& options_;
  CompileReport report_;
  std::size_t next_ = 0;
  bool running_ = false, header_now_ = false, complete_ = false;
};

}  // namespace

bool CompileReport::failed() const {
  for (const CompiledPipeline& one : pipelines) {
    if (one.bad()) return true;
  }
  for (const LeftOut& one : left_out) {
    if (one.asked_for) return true;
  }
  return !problems.empty();
}

CompileReport compile_all(const CompileOptions& options) {
  // Times and crashes must be the compiler's, not those of a file kept from the last time.
  setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
  setenv("__GL_SHADER_DISK_CACHE", "0", 1);
  return Supervisor(options).run();
}

}  // namespace kiln::app
