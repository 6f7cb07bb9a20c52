// Events of Chrome's trace format: M names tracks, X are spans, C are counters.
#include "apps/kiln/profile_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/align.h"

namespace kiln::app {
namespace {

constexpr int kDeviceProcess = 1, kHostProcess = 2, kOnlyThread = 1;

nlohmann::json track_name(const char* what, int process, const std::string& name) {
  return {{"ph", "M"},          {"name", what}, {"pid", process},
          {"tid", kOnlyThread}, {"ts", 0},      {"args", {{"name", name}}}};
}

nlohmann::json span_event(std::string_view name, std::string_view category, const Span& span,
                          double offset_us) {
  return {{"ph", "X"},
          {"name", name},
          {"cat", category},
          {"pid", kDeviceProcess},
          {"tid", kOnlyThread},
          {"ts", span.begin_us + offset_us},
          {"dur", std::max(span.us(), 0.0)}};
}

std::vector<std::string_view> words_of(std::string_view path) {
  std::vector<std::string_view> words;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    words.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return words;
}

// Scopes that are open while the dispatches of a run pass by.
class OpenScopes {
 public:
  OpenScopes(nlohmann::json& events, double offset_us) : events_(events), offset_us_(offset_us) {}

  void enter(std::string_view path, const Span& span) {
    const std::vector<std::string_view> words = words_of(path);
    std::size_t same = 0;
    while (same < std::min(words.size(), open_.size()) && words[same] == open_[same].word) ++same;
    close(same);
    for (std::size_t i = same; i < words.size(); ++i) {
      events_.push_back(span_event(words[i], "scope", span, offset_us_));
      open_.push_back({words[i], span.begin_us, events_.size() - 1});
    }
    end_us_ = span.end_us;
  }
  void close(std::size_t keep) {
    while (open_.size() > keep) {
      events_[open_.back().event]["dur"] = end_us_ - open_.back().begin_us;
      open_.pop_back();
    }
  }

 private:
  struct Scope {
    std::string_view word;
    double begin_us;
    std::size_t event;
  };
  nlohmann::json& events_;
  double offset_us_;
  double end_us_ = 0;
  std::vector<Scope> open_;
};

nlohmann::json dispatch_event(const ProfiledDispatch& dispatch, const Span& span,
                              double offset_us) {
  nlohmann::json event = span_event(dispatch.kernel, "dispatch", span, offset_us);
  const double us = span.us();
  event["args"] = {
      {"path", dispatch.path},
      {"op", dispatch.op},
      {"shapes", dispatch.shapes},
      {"grid", fmt::format("{}x{}x{}", dispatch.grid.x, dispatch.grid.y, dispatch.grid.z)},
      {"flops", dispatch.flops},
      {"bytes_read", dispatch.bytes.read},
      {"bytes_written", dispatch.bytes.written},
      {"gflops_per_second", us > 0 ? double(dispatch.flops) / us * 1e-3 : 0.0},
      {"gigabytes_per_second", us > 0 ? double(dispatch.bytes.total()) / us * 1e-3 : 0.0}};
  return event;
}

void add_run(const ProfiledStage& stage, const ProfiledRun& run, double offset_us,
             nlohmann::json& events) {
  nlohmann::json whole = span_event(stage.name, "stage", run.device, offset_us);
  whole["args"] = {{"dispatches", stage.dispatches.size()}};
  events.push_back(std::move(whole));
  OpenScopes scopes(events, offset_us);
  for (std::size_t i = 0; i < run.dispatches.size(); ++i) {
    scopes.enter(stage.dispatches[i].path, run.dispatches[i]);
    events.push_back(dispatch_event(stage.dispatches[i], run.dispatches[i], offset_us));
  }
  scopes.close(0);
}

nlohmann::json submission_event(const ProfiledStage& stage, const ProfiledRun& run) {
  return {{"ph", "i"},
          {"s", "t"},
          {"name", "submit " + stage.name},
          {"cat", "submit"},
          {"pid", kHostProcess},
          {"tid", kOnlyThread},
          {"ts", run.submitted_us}};
}

nlohmann::json memory_event(const ProfiledMemory& change) {
  return {{"ph", "C"},
          {"name", fmt::format("heap {} MiB", change.heap)},
          {"cat", "memory"},
          {"pid", kHostProcess},
          {"tid", kOnlyThread},
          {"ts", change.time_us},
          {"args", {{"held", mebibytes(change.heap_bytes)}}}};
}

}  // namespace

nlohmann::json chrome_trace(const Profile& profile) {
  nlohmann::json events = nlohmann::json::array();
  const std::string device = profile.device() ? profile.device()->profile.name : "device";
  events.push_back(track_name("process_name", kDeviceProcess, device));
  events.push_back(track_name("thread_name", kDeviceProcess, "compute queue"));
  events.push_back(track_name("process_name", kHostProcess, "host"));
  events.push_back(track_name("thread_name", kHostProcess, "submissions and memory"));
  const double offset_us = profile.device_to_host_us();
  for (const ProfiledRun& run : profile.runs()) {
    add_run(profile.stages()[run.stage], run, offset_us, events);
    events.push_back(submission_event(profile.stages()[run.stage], run));
  }
  for (const ProfiledMemory& change : profile.memory()) events.push_back(memory_event(change));
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
    return a["ts"].template get<double>() < b["ts"].template get<double>();
  });
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
}

}  // namespace kiln::app
