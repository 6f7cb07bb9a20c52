// What `kiln bench kernels` measured, for people (tables) and for programs (JSON).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/kiln/bench_peaks.h"
#include "apps/kiln/bench_run.h"

namespace kiln::app {

struct BenchRow {
  std::string set;          // "sd15-512", or "" for a shape of the user's
  std::uint32_t count = 1;  // of such operations in one evaluation of the network
  BenchProblem problem;
  DType element = DType::f32;
  BenchTimes times;
};

// Earlier times in ms by "name element", as kernels_json wrote them; of several kernels the best.
using EarlierTimes = std::map<std::string, double>;
// Throws Error naming the file for one that is no JSON of `kiln bench kernels`.
EarlierTimes earlier_times(const nlohmann::json& file, const std::string& place);

// A table for each set and group, and their sums.
std::string kernels_text(const std::vector<BenchRow>& rows, const BenchPeaks& peaks,
                         const EarlierTimes& earlier);
nlohmann::json kernels_json(const std::vector<BenchRow>& rows, const BenchPeaks& peaks,
                            const EarlierTimes& earlier);

}  // namespace kiln::app
