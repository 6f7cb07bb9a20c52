// The peaks that shares are told of, measured in the run that tells them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/kiln/bench_probe.h"
#include "apps/kiln/profile_peak.h"
#include "runtime/weights/output_file.h"

namespace kiln::app {

struct BenchPeaks {
  Peaks device;                  // of small kernels of ours
  std::optional<HostPeak> host;  // where the device is the host's CPU
  double half_gflops = 0;        // packed 16-bit multiply-adds; 0: the device has none, or is a CPU

  // What shares refer to: the host's vector units where the device is software, else the device's.
  double gflops() const { return host ? host->gflops : device.gflops; }
};

// Takes a second or two.
BenchPeaks measure_bench_peaks(const PhysicalDeviceInfo& device);

// One line, or two where the host's units count.
std::string to_text(const BenchPeaks& peaks);
nlohmann::json to_json(const BenchPeaks& peaks);
// "3 problems tuned" or "not tuned".
std::string tuning_text(std::size_t problems);
// Name, driver, kind, how many problems are tuned.
nlohmann::json bench_device_json(const PhysicalDeviceInfo& device);

// Opened before the work, so that a path that cannot be written is told at once; the file comes
// into being when it is complete.
class SavedJson {
 public:
  explicit SavedJson(const std::string& path);  // empty: nothing is saved
  void write(const nlohmann::json& json);

 private:
  std::optional<OutputFile> file_;
};

// --- For tables ---
std::string percent_or_dash(double part, double whole);

}  // namespace kiln::app
