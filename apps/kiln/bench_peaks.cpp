// Peaks of the device and of the host below it.
#include "apps/kiln/bench_peaks.h"

#include <fmt/format.h>

#include <span>

namespace kiln::app {

BenchPeaks measure_bench_peaks(const PhysicalDeviceInfo& device) {
  BenchPeaks peaks{.device = measure_peaks(device), .host = {}, .half_gflops = 0};
  if (device.profile.kind == DeviceKind::cpu) {
    peaks.host = measure_host_peak();
  } else {
    peaks.half_gflops = measure_half_peak(device);
  }
  return peaks;
}

std::string to_text(const BenchPeaks& peaks) {
  std::string text = fmt::format("peak of our own kernels: {:.1f} GFLOP/s, {:.1f} GB/s\n",
                                 peaks.device.gflops, peaks.device.gigabytes);
  if (peaks.half_gflops > 0) {
    text += fmt::format("and in packed float16: {:.1f} GFLOP/s; shares are of float32\n",
                        peaks.half_gflops);
  }
  if (peaks.host) {
    text += fmt::format(
        "peak of the host's {} units, {} cores: {:.1f} GFLOP/s in float32; shares are of this\n",
        peaks.host->vectors, peaks.host->cores, peaks.host->gflops);
  }
  return text;
}

nlohmann::json to_json(const BenchPeaks& peaks) {
  nlohmann::json json = {{"gflops_per_second", peaks.device.gflops},
                         {"gigabytes_per_second", peaks.device.gigabytes},
                         {"half_gflops_per_second", nullptr},
                         {"host", nullptr}};
  if (peaks.half_gflops > 0) json["half_gflops_per_second"] = peaks.half_gflops;
  if (peaks.host) {
    json["host"] = {{"gflops_per_second", peaks.host->gflops},
                    {"cores", peaks.host->cores},
                    {"vectors", peaks.host->vectors}};
  }
  return json;
}

std::string tuning_text(std::size_t problems) {
  return problems == 0 ? "not tuned" : fmt::format("{} problems tuned", problems);
}

nlohmann::json bench_device_json(const PhysicalDeviceInfo& device) {
  return {{"name", device.profile.name},
          {"driver", device.profile.driver},
          {"kind", device.profile.kind == DeviceKind::cpu ? "cpu" : "gpu"},
          {"subgroup_size", device.profile.subgroup_size},
          {"tuned_problems", device.profile.tuned_kernels.size()}};
}

SavedJson::SavedJson(const std::string& path) {
  if (!path.empty()) file_.emplace(path);
}

void SavedJson::write(const nlohmann::json& json) {
  if (!file_) return;
  const std::string text = json.dump(1) + '\n';
  file_->write(std::as_bytes(std::span(text)));
  file_->commit();
}

std::string percent_or_dash(double part, double whole) {
  return whole > 0 && part > 0 ? fmt::format("{:.1f} %", part / whole * 100) : "-";
}

}  // namespace kiln::app
