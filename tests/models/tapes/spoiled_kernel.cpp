// Walks over the module's instructions: the high half of a word is a length, the low half a code.
#include "tests/models/tapes/spoiled_kernel.h"

#include "runtime/base/error.h"

namespace kiln::test {
namespace {

// SPIR-V specification, 2.3 and 3.49.13: both have the same operands.
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint32_t kFloatAdd = 129, kFloatSubtract = 131;

}  // namespace

KernelReplacement spoiled(const std::string& kernel) {
  return [kernel](const KernelInfo& info) -> std::vector<std::uint32_t> {
    if (info.name != kernel) return {};
    std::vector<std::uint32_t> words(info.spirv.begin(), info.spirv.end());
    std::size_t changed = 0;
    for (std::size_t i = kHeaderWords; i < words.size(); i += words[i] >> 16) {
      if ((words[i] & 0xffffu) != kFloatAdd) continue;
      words[i] = (words[i] & 0xffff0000u) | kFloatSubtract;
      ++changed;
    }
    if (changed == 0) fail("spoiled", "{} adds no floats", kernel);
    return words;
  };
}

}  // namespace kiln::test
