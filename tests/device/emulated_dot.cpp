// Rewrites SPIR-V: the high half of an instruction's first word is its length, the low half its
// code.
#include "tests/device/emulated_dot.h"

#include <cstring>
#include <span>
#include <string_view>

#include "runtime/base/error.h"

namespace kiln::test {
namespace {

using Words = std::vector<std::uint32_t>;

// SPIR-V specification 2.3 and 3.49; SPV_VALVE_mixed_float_dot_product; GLSL.std.450.
constexpr std::size_t kHeaderWords = 5, kBound = 3;
constexpr std::uint32_t kExtension = 10, kInstructionSet = 11, kInstructionOfSet = 12;
constexpr std::uint32_t kCapability = 17, kFloatType = 22, kExtract = 81, kConvert = 115;
constexpr std::uint32_t kDotAdd = 6916, kDotCapability = 6912, kMultiplyAdd = 50;
constexpr std::string_view kDotExtension = "SPV_VALVE_mixed_float_dot_product";

std::string_view text_at(std::span<const std::uint32_t> words) {
  const auto* text = reinterpret_cast<const char*>(words.data());
  return {text, strnlen(text, words.size_bytes())};
}

class Rewriter {
 public:
  explicit Rewriter(const KernelInfo& kernel) : from_(kernel.spirv) {
    made_.assign(from_.begin(), from_.begin() + kHeaderWords);
    find_ids();
    for (std::size_t at = kHeaderWords; at < from_.size(); at += from_[at] >> 16) copy(at);
    if (dots_ == 0) fail("test", "{} has no dot product of pairs", kernel.name);
  }
  Words result() && { return std::move(made_); }

 private:
  void find_ids() {
    for (std::size_t at = kHeaderWords; at < from_.size(); at += from_[at] >> 16) {
      const std::uint32_t code = from_[at] & 0xffffu;
      if (code == kFloatType && from_[at + 2] == 16) half_ = from_[at + 1];
      if (code == kInstructionSet) set_ = from_[at + 1];
    }
    if (half_ == 0 || set_ == 0) fail("test", "a module without halves or GLSL.std.450");
  }

  void copy(std::size_t at) {
    const std::span<const std::uint32_t> words = from_.subspan(at, from_[at] >> 16);
    const std::uint32_t code = words[0] & 0xffffu;
    if (code == kDotAdd) return emulate(words);
    if (code == kCapability && words[1] == kDotCapability) return;
    if (code == kExtension && text_at(words.subspan(1)) == kDotExtension) return;
    made_.insert(made_.end(), words.begin(), words.end());
  }

  // words: code, type, result, pair, pair, addend.
  void emulate(std::span<const std::uint32_t> words) {
    if (words.size() != 6) fail("test", "a dot product of {} words", words.size());
    ++dots_;
    std::uint32_t sum = words[5];
    for (const std::uint32_t part : {0u, 1u}) {
      const std::uint32_t a = widened(words[1], words[3], part);
      const std::uint32_t b = widened(words[1], words[4], part);
      const std::uint32_t next = part == 1 ? words[2] : made_[kBound]++;
      add({kInstructionOfSet, words[1], next, set_, kMultiplyAdd, a, b, sum});
      sum = next;
    }
  }

  std::uint32_t widened(std::uint32_t type, std::uint32_t pair, std::uint32_t part) {
    const std::uint32_t value = made_[kBound]++, wide = made_[kBound]++;
    add({kExtract, half_, value, pair, part});
    add({kConvert, type, wide, value});
    return wide;
  }

  void add(std::initializer_list<std::uint32_t> words) {
    made_.push_back(std::uint32_t(words.size()) << 16 | *words.begin());
    made_.insert(made_.end(), words.begin() + 1, words.end());
  }

  std::span<const std::uint32_t> from_;
  Words made_;
  std::uint32_t half_ = 0, set_ = 0;
  std::size_t dots_ = 0;
};

}  // namespace

bool needs_emulated_dot(const DeviceProfile& device) {
  return !device.serves(kNeedMixedDot) && device.serves(kNeedFloat16 | kNeedStorage16);
}

std::vector<std::uint32_t> with_emulated_dot(const KernelInfo& kernel) {
  if ((kernel.needs & kNeedMixedDot) == 0) return {};
  return Rewriter(kernel).result();
}

}  // namespace kiln::test
