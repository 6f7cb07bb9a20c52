// Rows of the same set and group stand together; of several kernels the best counts in the sums.
#include "apps/kiln/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/error.h"

namespace kiln::app {
namespace {

constexpr std::size_t kShapeWidth = 36, kKernelWidth = 43;

double gflops_a_second(const BenchRow& row) {
  const double ms = row.times.median_ms();
  return ms > 0 ? double(row.problem.flops()) / ms * 1e-6 : 0;
}

double gigabytes_a_second(const BenchRow& row) {
  const double ms = row.times.median_ms();
  return ms > 0 ? double(row.problem.bytes(row.element)) / ms * 1e-6 : 0;
}

std::string key(const BenchRow& row) {
  return fmt::format("{} {} {}", row.problem.group(), row.problem.name(), to_text(row.element));
}

// Of what the host's units gave around each launch; 0: not measured.
double share_of_host(const BenchRow& row) {
  const double host = row.times.host_flops();
  return host > 0 ? double(row.problem.flops()) / host : 0;
}

// How many times as fast as before; 0: not measured then or now.
double gain(const BenchRow& row, const EarlierTimes& earlier) {
  const auto before = earlier.find(key(row));
  const double now = row.times.median_ms();
  return before == earlier.end() || !(now > 0) ? 0 : before->second / now;
}

std::string row_text(const BenchRow& row, const BenchPeaks& peaks, const EarlierTimes& earlier) {
  std::string text = fmt::format("{:<{}} {:>4} ", row.problem.name(), kShapeWidth, row.count);
  if (row.times.ms.empty()) return text + row.times.problem + '\n';
  const double gflops = gflops_a_second(row), gigabytes = gigabytes_a_second(row);
  text += fmt::format(
      "{:<{}} {:>10.3f} {:>6.1f} % {:>9} {:>8} {:>8} {:>8.2f} {:>8}",
      fmt::format("{}", fmt::join(row.times.kernels, " + ")), kKernelWidth, row.times.median_ms(),
      row.times.spread() * 100, gflops > 0 ? fmt::format("{:.2f}", gflops) : "-",
      percent_or_dash(gflops, peaks.gflops()), percent_or_dash(share_of_host(row), 1), gigabytes,
      percent_or_dash(gigabytes, peaks.device.gigabytes));
  const double faster = gain(row, earlier);
  if (faster > 0) text += fmt::format("   x{:.2f}", faster);
  return text + '\n';
}

bool same_table(const BenchRow& a, const BenchRow& b) {
  return a.set == b.set && a.problem.group() == b.problem.group();
}

// All of a table's shapes together, each with its best kernel and as often as the network has it.
struct TableSum {
  double ms = 0, flops = 0, host_flops = 0, least_gflops = 0, least_of_host = 0, log_gain = 0;
  std::size_t shapes = 0, left_out = 0, gains = 0;
  std::string least;
};

TableSum table_sum(const std::vector<const BenchRow*>& rows, const EarlierTimes& earlier) {
  std::map<std::string, const BenchRow*> best;
  for (const BenchRow* row : rows) {
    const BenchRow*& known = best.try_emplace(key(*row), row).first->second;
    const bool timed = !row->times.ms.empty();
    const bool first = known->times.ms.empty();
    if (timed && (first || row->times.median_ms() < known->times.median_ms())) known = row;
  }
  TableSum sum;
  for (const auto& [name, row] : best) {
    if (row->times.ms.empty()) {
      ++sum.left_out;
      continue;
    }
    ++sum.shapes;
    sum.ms += row->times.median_ms() * row->count;
    sum.flops += double(row->problem.flops()) * row->count;
    sum.host_flops += row->times.host_flops() * row->count;
    if (const double share = share_of_host(*row); sum.shapes == 1 || share < sum.least_of_host) {
      sum.least_of_host = share;
    }
    const double gflops = gflops_a_second(*row);
    if (sum.least.empty() || gflops < sum.least_gflops) {
      sum.least_gflops = gflops;
      sum.least = row->problem.name();
    }
    if (const double faster = gain(*row, earlier); faster > 0) {
      sum.log_gain += std::log(faster);
      ++sum.gains;
    }
  }
  return sum;
}

std::string sum_text(const TableSum& sum, const BenchPeaks& peaks) {
  std::string text =
      fmt::format("{} shapes, as often as the network has them: {:.3f} ms", sum.shapes, sum.ms);
  if (sum.flops > 0 && sum.ms > 0) {
    const double gflops = sum.flops / sum.ms * 1e-6;
    text += fmt::format(", {:.2f} GFLOP/s ({} of peak); least {:.2f} ({}): {}", gflops,
                        percent_or_dash(gflops, peaks.gflops()), sum.least_gflops,
                        percent_or_dash(sum.least_gflops, peaks.gflops()), sum.least);
    if (sum.least_of_host > 0) {
      text += fmt::format("; {} of what the units gave then, least {}",
                          percent_or_dash(sum.flops, sum.host_flops),
                          percent_or_dash(sum.least_of_host, 1));
    }
  }
  if (sum.left_out > 0) text += fmt::format("; {} not timed", sum.left_out);
  if (sum.gains > 0) {
    text += fmt::format("; x{:.2f} of before (geometric mean of {})",
                        std::exp(sum.log_gain / double(sum.gains)), sum.gains);
  }
  return text + '\n';
}

nlohmann::json row_json(const BenchRow& row, const BenchPeaks& peaks, const EarlierTimes& earlier) {
  const double gflops = gflops_a_second(row), gigabytes = gigabytes_a_second(row);
  nlohmann::json json = {{"set", row.set},
                         {"group", row.problem.group()},
                         {"shape", row.problem.name()},
                         {"count", row.count},
                         {"element", to_text(row.element)},
                         {"kernels", row.times.kernels},
                         {"dispatches", row.times.dispatches},
                         {"flops", row.problem.flops()},
                         {"bytes", row.problem.bytes(row.element)},
                         {"ms", nullptr},
                         {"wrong", row.times.wrong},
                         {"problem", nullptr}};
  if (!row.times.problem.empty()) json["problem"] = row.times.problem;
  if (row.times.ms.empty()) return json;
  json["ms"] = row.times.median_ms();
  json["launches_ms"] = row.times.ms;
  json["spread"] = row.times.spread();
  json["gflops_per_second"] = gflops;
  json["gigabytes_per_second"] = gigabytes;
  json["share_of_peak_flops"] = peaks.gflops() > 0 ? gflops / peaks.gflops() : 0;
  if (const double share = share_of_host(row); share > 0) {
    json["host_gflops_per_second"] = row.times.host_gflops;
    json["share_of_host_then"] = share;
  }
  json["share_of_peak_bytes"] = peaks.device.gigabytes > 0 ? gigabytes / peaks.device.gigabytes : 0;
  if (const double faster = gain(row, earlier); faster > 0) json["times_as_fast"] = faster;
  return json;
}

}  // namespace

EarlierTimes earlier_times(const nlohmann::json& file, const std::string& place) {
  EarlierTimes times;
  try {
    for (const nlohmann::json& row : file.at("kernels")) {
      if (row.at("ms").is_null()) continue;
      const double ms = row.at("ms");
      const std::string name =
          fmt::format("{} {} {}", row.at("group").get<std::string>(),
                      row.at("shape").get<std::string>(), row.at("element").get<std::string>());
      double& known = times.try_emplace(name, ms).first->second;
      known = std::min(known, ms);
    }
  } catch (const nlohmann::json::exception&) {
    fail(place, "this is not what kiln bench kernels --json writes");
  }
  return times;
}

std::string kernels_text(const std::vector<BenchRow>& rows, const BenchPeaks& peaks,
                         const EarlierTimes& earlier) {
  std::string text;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::vector<const BenchRow*> table;
    for (std::size_t i = begin; i < rows.size() && same_table(rows[begin], rows[i]); ++i) {
      table.push_back(&rows[i]);
    }
    const BenchRow& first = rows[begin];
    text += fmt::format(
        "\n{}{}{}, {}\n{:<{}} {:>4} {:<{}} {:>10} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}\n", first.set,
        first.set.empty() ? "" : ": ", first.problem.group(), to_text(first.element), "shape",
        kShapeWidth, "of", "kernel", kKernelWidth, "ms", "spread", "GFLOP/s", "of peak", "of then",
        "GB/s", "of peak");
    for (const BenchRow* row : table) text += row_text(*row, peaks, earlier);
    text += sum_text(table_sum(table, earlier), peaks);
    begin += table.size();
  }
  return text;
}

nlohmann::json kernels_json(const std::vector<BenchRow>& rows, const BenchPeaks& peaks,
                            const EarlierTimes& earlier) {
  nlohmann::json list = nlohmann::json::array();
  for (const BenchRow& row : rows) list.push_back(row_json(row, peaks, earlier));
  return list;
}

}  // namespace kiln::app
