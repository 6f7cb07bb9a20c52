// Reads capabilities, bindings, workgroup size and constants. Source: SPIR-V 1.5, sections 2.3, 3.
#include "runtime/verification/spirv_module.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr std::uint32_t kMagic = 0x07230203;
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint64_t kMostBytes = 16 << 20;
constexpr std::uint32_t kMostBindings = 64;
constexpr std::uint32_t kMostArgumentsBytes = 128;
enum Opcode : std::uint32_t {
  kExecutionMode = 16,
  kCapability = 17,
  kSpecConstantTrue = 48,
  kSpecConstant = 50,
  kDecorate = 71
};
enum Decoration : std::uint32_t { kSpecId = 1, kBinding = 33, kDescriptorSet = 34 };
constexpr std::uint32_t kLocalSize = 17;

// As CAPABILITIES of tools/shaders/reflect.py.
std::optional<std::uint32_t> need_of(std::uint32_t capability) {
  static const std::map<std::uint32_t, std::uint32_t> kNeeds = {
      {1, kNeedNothing},         {9, kNeedFloat16},
      {11, kNeedInt64},          {22, kNeedInt16},
      {39, kNeedInt8},           {61, kNeedSubgroupBasic},
      {62, kNeedSubgroupBasic},  {63, kNeedSubgroupArithmetic},
      {64, kNeedSubgroupBallot}, {65, kNeedSubgroupShuffle},
      {4433, kNeedStorage16},    {4434, kNeedStorage16},
      {4448, kNeedStorage8},     {4449, kNeedStorage8},
      {5345, kNeedMemoryModel},  {6022, kNeedCooperativeMatrix},
      {6017, kNeedIntegerDot},   {6018, kNeedIntegerDot},
      {6019, kNeedIntegerDot},   {5346, kNeedMemoryModel},
      {6912, kNeedMixedDot},
  };
  const auto found = kNeeds.find(capability);
  if (found == kNeeds.end()) return std::nullopt;
  return found->second;
}

using Words = std::span<const std::uint32_t>;

// Calls visit(opcode, operands) for each instruction; false where one ends beyond the module.
bool for_each_instruction(Words words, const std::function<void(std::uint32_t, Words)>& visit) {
  for (std::size_t at = kHeaderWords; at < words.size();) {
    const std::uint32_t count = words[at] >> 16, opcode = words[at] & 0xffff;
    if (count == 0 || count > words.size() - at) return false;
    visit(opcode, words.subspan(at + 1, count - 1));
    at += count;
  }
  return true;
}

std::vector<std::uint32_t> read_words(const std::string& file) {
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(file, error);
  if (error) fail(file, "cannot be read: {}", error.message());
  if (bytes > kMostBytes) fail(file, "has {} bytes, the limit is {}", bytes, kMostBytes);
  std::vector<std::uint32_t> words(bytes / 4);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(words.data()), std::streamsize(words.size() * 4));
  if (!stream || bytes % 4 != 0 || words.size() < kHeaderWords || words[0] != kMagic) {
    fail(file, "is no SPIR-V module");
  }
  return words;
}

}  // namespace

std::vector<std::uint32_t> default_constants(Words words, Words ids) {
  std::multimap<std::uint32_t, std::uint32_t> results;  // specialization id -> result ids
  std::map<std::uint32_t, std::uint32_t> values;        // result id -> default
  for_each_instruction(words, [&](std::uint32_t opcode, Words operands) {
    if (opcode == kDecorate && operands.size() >= 3 && operands[1] == kSpecId) {
      results.emplace(operands[2], operands[0]);
    }
    if (opcode == kSpecConstantTrue && operands.size() >= 2) values[operands[1]] = 1;
    if (opcode == kSpecConstant && operands.size() >= 3) values[operands[1]] = operands[2];
  });
  std::vector<std::uint32_t> defaults;
  for (const std::uint32_t id : ids) {
    // A constant that is a workgroup's extent, too, is declared twice, once as 1.
    std::uint32_t value = 0;
    const auto [first, last] = results.equal_range(id);
    for (auto result = first; result != last; ++result) {
      value = std::max(value, values[result->second]);
    }
    defaults.push_back(value);
  }
  return defaults;
}

SpirvModule::SpirvModule(const std::string& file)
    : name_(std::filesystem::path(file).filename().string()), words_(read_words(file)) {
  std::uint64_t bindings = 0;
  std::uint32_t wrong_set = 0;
  std::optional<std::uint32_t> unknown;
  info_.workgroup = {1, 1, 1};
  const bool whole = for_each_instruction(words_, [&](std::uint32_t opcode, Words operands) {
    if (opcode == kCapability && !operands.empty()) {
      const std::optional<std::uint32_t> need = need_of(operands[0]);
      info_.needs |= need.value_or(kNeedNothing);
      if (!need) unknown = operands[0];
    }
    if (opcode == kDecorate && operands.size() >= 3) {
      if (operands[1] == kBinding) bindings = std::max(bindings, std::uint64_t{operands[2]} + 1);
      if (operands[1] == kDescriptorSet) wrong_set = std::max(wrong_set, operands[2]);
    }
    if (opcode == kExecutionMode && operands.size() >= 5 && operands[1] == kLocalSize) {
      for (std::size_t axis = 0; axis < 3; ++axis) {
        info_.workgroup[axis] = std::int32_t(std::min(operands[2 + axis], 1u << 16));
      }
    }
  });
  if (!whole) fail(file, "is no whole SPIR-V module: an instruction ends beyond it");
  if (unknown) fail(file, "declares SPIR-V capability {}, which Kiln does not know", *unknown);
  if (wrong_set != 0) fail(file, "uses descriptor set {}, only 0 is there", wrong_set);
  if (bindings > kMostBindings) {
    fail(file, "has binding {}, the limit is {}", bindings - 1, kMostBindings - 1);
  }
  operands_.assign(bindings, Access::read_write);
  info_.name = name_;
  info_.operands = operands_;
  info_.arguments_bytes = kMostArgumentsBytes;
  info_.spirv = words_;
}

}  // namespace kiln
