// The report of `kiln compile` as a table, as JSON and as CSV.
#include <fmt/format.h>

#include <cmath>
#include <span>

#include "apps/kiln/compile.h"
#include "runtime/weights/output_file.h"

namespace kiln::app {
namespace {

struct Column {
  const char* name;  // in JSON and CSV
  const char* title;
  int width;
  std::optional<double> PipelineMetrics::*value;
};

constexpr Column kColumns[] = {
    {"registers", "regs", 5, &PipelineMetrics::registers},
    {"spilled", "spill", 5, &PipelineMetrics::spilled},
    {"scratch", "scratch", 7, &PipelineMetrics::scratch},
    {"shared", "shared", 7, &PipelineMetrics::shared},
    {"occupancy", "occup", 6, &PipelineMetrics::occupancy},
    {"instructions", "instr", 7, &PipelineMetrics::instructions},
    {"code_bytes", "bytes", 8, &PipelineMetrics::code_bytes},
    {"cycles", "cycles", 10, &PipelineMetrics::cycles},
};

// Counts are whole numbers; "-" or nothing where the driver does not tell.
std::string text(const std::optional<double>& value, const char* absent) {
  if (!value) return absent;
  return fmt::format("{:.10g}", *value);
}

const char* mark(const CompiledPipeline& one) {
  if (!one.problem.empty()) return "FAIL ";
  return one.metrics.spills() ? "SPILL" : "     ";
}

void print_left_out(const CompileReport& report) {
  for (const std::string& stage : report.not_planned) {
    fmt::print("not planned: {}\n", stage);
  }
  for (const CompileReport::LeftOut& one : report.left_out) {
    fmt::print("{}: {}{}{}: {}\n", one.asked_for ? "REFUSED" : "left out", one.kernel,
               one.element.empty() ? "" : " ", one.element, one.reason);
  }
}

}  // namespace

void print_table(const CompileReport& report) {
  fmt::print("{} ({})\n", report.device, report.driver);
  if (!report.has_statistics) {
    fmt::print("the driver has no VK_KHR_pipeline_executable_properties: compile time only\n");
  }
  fmt::print("      {:>9}", "ms");
  if (report.has_statistics) {
    for (const Column& column : kColumns) fmt::print(" {:>{}}", column.title, column.width);
  }
  fmt::print("  pipeline\n");
  double compile_ms = 0;
  std::string occupancy, cycles;
  for (const CompiledPipeline& one : report.pipelines) {
    compile_ms += one.compile_ms;
    if (!one.metrics.occupancy_unit.empty()) occupancy = one.metrics.occupancy_unit;
    if (!one.metrics.cycles_unit.empty()) cycles = one.metrics.cycles_unit;
    fmt::print("{} {:>9.2f}", mark(one), one.compile_ms);
    if (report.has_statistics) {
      for (const Column& column : kColumns) {
        fmt::print(" {:>{}}", text(one.metrics.*column.value, "-"), column.width);
      }
    }
    fmt::print("  {}\n", one.name());
    if (!one.problem.empty()) fmt::print("      {}: {}\n", one.name(), one.problem);
  }
  if (!occupancy.empty()) fmt::print("occup: \"{}\" in the driver's words\n", occupancy);
  if (!cycles.empty()) fmt::print("cycles: \"{}\" in the driver's words, modelled\n", cycles);
  print_left_out(report);
  for (const std::string& problem : report.problems) fmt::print("PROBLEM: {}\n", problem);
  std::size_t bad = 0;
  for (const CompiledPipeline& one : report.pipelines) bad += one.bad();
  fmt::print("{} pipelines, {} that spill or fail; compiler {:.1f} s, all {:.1f} s\n",
             report.pipelines.size(), bad, compile_ms / 1000, report.elapsed_s);
}

nlohmann::json as_json(const CompileReport& report) {
  nlohmann::json left_out = nlohmann::json::array(), pipelines = nlohmann::json::array();
  for (const CompileReport::LeftOut& one : report.left_out) {
    left_out.push_back({{"kernel", one.kernel}, {"element", one.element}, {"reason", one.reason}});
  }
  for (const CompiledPipeline& one : report.pipelines) {
    nlohmann::json line = {{"kernel", one.kernel},
                           {"element", one.element},
                           {"constants", one.constants},
                           {"user", one.user},
                           {"problem", one.problem},
                           {"spills", one.metrics.spills()},
                           {"compile_ms", one.compile_ms},
                           {"occupancy_unit", one.metrics.occupancy_unit},
                           {"cycles_unit", one.metrics.cycles_unit},
                           {"executables", one.executables}};
    for (const Column& column : kColumns) {
      const std::optional<double>& value = one.metrics.*column.value;
      line[column.name] = value ? nlohmann::json(*value) : nlohmann::json();
    }
    pipelines.push_back(std::move(line));
  }
  return {{"device", report.device},
          {"driver", report.driver},
          {"statistics", report.has_statistics},
          {"left_out", left_out},
          {"not_planned", report.not_planned},
          {"pipelines", pipelines},
          {"problems", report.problems},
          {"elapsed_s", report.elapsed_s},
          {"failed", report.failed()}};
}

void write_csv(const CompileReport& report, const std::string& file) {
  std::string lines = "kernel,element,constants,problem";
  for (const Column& column : kColumns) lines += fmt::format(",{}", column.name);
  lines += ",compile_ms\n";
  for (const CompiledPipeline& one : report.pipelines) {
    std::string problem = one.problem;
    for (std::size_t at = 0; (at = problem.find('"', at)) != std::string::npos; at += 2) {
      problem.insert(at, 1, '"');
    }
    if (!problem.empty()) problem = fmt::format("\"{}\"", problem);
    lines += fmt::format("{},{},{},{}", one.kernel, one.element, one.constants, problem);
    for (const Column& column : kColumns)
      lines += fmt::format(",{}", text(one.metrics.*column.value, ""));
    lines += fmt::format(",{:.2f}\n", one.compile_ms);
  }
  write_file(file, std::as_bytes(std::span(lines)));
}

}  // namespace kiln::app
