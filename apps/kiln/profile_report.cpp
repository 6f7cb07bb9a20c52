// Tables and JSON of a profile. Times are of the device's clock unless said otherwise.
#include "apps/kiln/profile_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "runtime/base/align.h"
#include "runtime/execution/profile_summary.h"

namespace kiln::app {
namespace {

constexpr std::size_t kNameWidth = 44;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string percent(double part) { return fmt::format("{:.1f} %", part * 100); }

// The first submission of a stage may compile kernels and touch memory; a median of few shows that.
constexpr std::uint32_t kFewestSubmissions = 3;

// What timestamps and the order they force add to a stage, as a part of its undisturbed time.
std::optional<double> overhead(const ProfileReport& report, const StageSum& row) {
  if (report.plain == nullptr || row.submissions < kFewestSubmissions) return {};
  for (const StageSum& plain : sums_by_stage(*report.plain)) {
    if (plain.launches.name != row.launches.name || plain.median_us <= 0) continue;
    return row.median_us / plain.median_us - 1;
  }
  return {};
}

std::string stage_table(const ProfileReport& report) {
  std::string text = fmt::format(
      "{:<10} {:>5} {:>10} {:>11} {:>11} {:>9} {:>8} {:>9} {:>9} {:>9}\n", "stage", "runs",
      "dispatches", "total ms", "median ms", "coverage", "gap us", "overhead", "GFLOP/s", "GB/s");
  for (const StageSum& row : sums_by_stage(report.detailed)) {
    const std::optional<double> added = overhead(report, row);
    text += fmt::format(
        "{:<10} {:>5} {:>10} {:>11.3f} {:>11.3f} {:>9} {:>8.1f} {:>9} {:>9.2f} {:>9.2f}\n",
        row.launches.name, row.submissions, row.dispatches, row.device_us * 1e-3,
        row.median_us * 1e-3, percent(row.coverage()), row.gap_median_us,
        added ? percent(*added) : "-", row.launches.gflops_a_second(),
        row.launches.gigabytes_a_second());
  }
  return text;
}

std::string sum_table(const ProfileReport& report, const std::string& title,
                      const std::vector<ProfileSum>& rows) {
  const double all_us = sum_of_all(report.detailed).us;
  std::string text =
      fmt::format("{:<{}} {:>8} {:>11} {:>7} {:>9} {:>7} {:>8} {:>7}\n", title, kNameWidth,
                  "launches", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of peak");
  for (const ProfileSum& row : rows) {
    const std::size_t word = row.depth == 0 ? 0 : row.name.rfind('.') + 1;
    const std::string name = std::string(2 * row.depth, ' ') + row.name.substr(word);
    const bool counted = row.flops > 0;
    text += fmt::format("{:<{}} {:>8} {:>11.3f} {:>7} {:>9} {:>7} {:>8.2f} {:>7}\n", name,
                        kNameWidth, row.launches, row.us * 1e-3, percent(share(row.us, all_us)),
                        counted ? fmt::format("{:.2f}", row.gflops_a_second()) : "-",
                        counted ? percent(share(row.gflops_a_second(), report.peaks.gflops)) : "-",
                        row.gigabytes_a_second(),
                        percent(share(row.gigabytes_a_second(), report.peaks.gigabytes)));
  }
  return text;
}

struct HeapUse {
  std::uint64_t largest = 0, last = 0;
  std::size_t allocations = 0;
};

std::map<std::uint32_t, HeapUse> heap_uses(const Profile& profile) {
  std::map<std::uint32_t, HeapUse> uses;
  for (const ProfiledMemory& change : profile.memory()) {
    HeapUse& use = uses[change.heap];
    use.largest = std::max(use.largest, change.heap_bytes);
    use.last = change.heap_bytes;
    use.allocations += change.change_bytes > 0;
  }
  return uses;
}

std::string memory_text(const Profile& profile) {
  std::string text;
  for (const auto& [heap, use] : heap_uses(profile)) {
    text += fmt::format("memory: heap {}: at most {:.1f} MiB at once, {} allocations\n", heap,
                        mebibytes(use.largest), use.allocations);
  }
  return text;
}

nlohmann::json sum_json(const ProfileReport& report, const ProfileSum& sum) {
  return {{"name", sum.name},
          {"launches", sum.launches},
          {"us", sum.us},
          {"flops", sum.flops},
          {"bytes", sum.bytes},
          {"gflops_per_second", sum.gflops_a_second()},
          {"gigabytes_per_second", sum.gigabytes_a_second()},
          {"share_of_peak_flops", share(sum.gflops_a_second(), report.peaks.gflops)},
          {"share_of_peak_bytes", share(sum.gigabytes_a_second(), report.peaks.gigabytes)}};
}

nlohmann::json sums_json(const ProfileReport& report, const std::vector<ProfileSum>& sums) {
  nlohmann::json list = nlohmann::json::array();
  for (const ProfileSum& sum : sums) list.push_back(sum_json(report, sum));
  return list;
}

nlohmann::json stages_json(const ProfileReport& report) {
  nlohmann::json list = nlohmann::json::array();
  for (const StageSum& row : sums_by_stage(report.detailed)) {
    nlohmann::json stage = sum_json(report, row.launches);
    stage["submissions"] = row.submissions;
    stage["dispatches"] = row.dispatches;
    stage["device_us"] = row.device_us;
    stage["median_us"] = row.median_us;
    stage["gap_median_us"] = row.gap_median_us;
    stage["gap_largest_us"] = row.gap_largest_us;
    stage["coverage"] = row.coverage();
    const std::optional<double> added = overhead(report, row);
    stage["overhead"] = added ? nlohmann::json(*added) : nlohmann::json();
    list.push_back(std::move(stage));
  }
  return list;
}

nlohmann::json memory_json(const Profile& profile) {
  nlohmann::json changes = nlohmann::json::array();
  for (const ProfiledMemory& change : profile.memory()) {
    changes.push_back({{"host_us", change.time_us},
                       {"heap", change.heap},
                       {"name", change.name},
                       {"change_bytes", change.change_bytes},
                       {"heap_bytes", change.heap_bytes}});
  }
  nlohmann::json heaps = nlohmann::json::array();
  const auto uses = heap_uses(profile);
  for (const auto& [heap, use] : uses) {
    heaps.push_back({{"heap", heap},
                     {"size_bytes", profile.device()->heaps[heap].size_bytes},
                     {"device_local", profile.device()->heaps[heap].device_local},
                     {"largest_bytes", use.largest},
                     {"allocations", use.allocations}});
  }
  return {{"heaps", heaps}, {"changes", changes}};
}

nlohmann::json device_json(const PhysicalDeviceInfo& device) {
  return {{"name", device.profile.name},
          {"driver", device.profile.driver},
          {"timestamp_ns", device.timestamp_ns},
          {"timestamp_bits", device.timestamp_bits}};
}

}  // namespace

std::string report_text(const ProfileReport& report) {
  const Profile& profile = report.detailed;
  const PhysicalDeviceInfo& device = *profile.device();
  std::string text =
      fmt::format("{} ({}); a tick of its clock is {:g} ns, {} bits count\n", device.profile.name,
                  device.profile.driver, device.timestamp_ns, device.timestamp_bits);
  text += fmt::format("peak of our own kernels: {:.1f} GFLOP/s, {:.1f} GB/s\n\n",
                      report.peaks.gflops, report.peaks.gigabytes);
  text += stage_table(report) + '\n';
  text += sum_table(report, "kernel", sums_by_kernel(profile)) + '\n';
  if (report.depth > 0) {
    text += sum_table(report, "scope", sums_by_path(profile, report.depth)) + '\n';
  }
  return text + memory_text(profile);
}

nlohmann::json report_json(const ProfileReport& report) {
  const Profile& profile = report.detailed;
  return {{"command", report.command},
          {"device", device_json(*profile.device())},
          {"peaks",
           {{"gflops_per_second", report.peaks.gflops},
            {"gigabytes_per_second", report.peaks.gigabytes}}},
          {"total", sum_json(report, sum_of_all(profile))},
          {"stages", stages_json(report)},
          {"kernels", sums_json(report, sums_by_kernel(profile))},
          {"paths", sums_json(report, sums_by_path(profile, report.depth))},
          {"memory", memory_json(profile)}};
}

}  // namespace kiln::app
