// Modules from files: what they need is read, and malformed ones are refused.
#include "runtime/verification/spirv_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernels/all.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t instruction(std::uint32_t opcode, std::uint32_t words) {
  return words << 16 | opcode;
}

class SpirvModules : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kiln-spirv-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const Words& words) const {
    const std::string file = (folder_ / "module.spv").string();
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(words.data()), std::streamsize(words.size() * 4));
    return file;
  }
  void expect_refused(const Words& words, const std::string& part) const {
    try {
      SpirvModule module(write(words));
      FAIL() << "accepted, expected: " << part;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(part));
    }
  }

 private:
  std::filesystem::path folder_;
};

const Words kHeader = {0x07230203, 0x00010500, 0, 8, 0};

Words with(Words more) {
  Words words = kHeader;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(SpirvModules, SayWhatTheEnginesOwnKernelsNeed) {
  for (const KernelInfo* kernel : kernels::all()) {
    const SpirvModule module(write({kernel->spirv.begin(), kernel->spirv.end()}));
    EXPECT_EQ(module.info().needs, kernel->needs) << kernel->name;
    EXPECT_EQ(module.info().operands.size(), kernel->operands.size()) << kernel->name;
  }
}

TEST_F(SpirvModules, HaveTheDefaultsOfTheirConstants) {
  // Constant 7 is result 1 with value 5, and result 2 with value 1, as a workgroup's extent.
  const Words words = with({instruction(71, 4), 1, 1, 7, instruction(71, 4), 2, 1, 7,
                            instruction(50, 4), 3, 1, 5, instruction(50, 4), 3, 2, 1});
  EXPECT_THAT(default_constants(words, Words{7, 8}), testing::ElementsAre(5, 0));
}

TEST_F(SpirvModules, OfTheWrongFormAreRefused) {
  expect_refused({}, "no SPIR-V module");
  expect_refused({0x07230203, 0, 0, 0}, "no SPIR-V module");
  expect_refused({0x03022307, 0x00010500, 0, 8, 0}, "no SPIR-V module");
  expect_refused(with({instruction(17, 0)}), "ends beyond it");
  expect_refused(with({instruction(17, 3), 1}), "ends beyond it");
  expect_refused(with({instruction(17, 65535)}), "ends beyond it");
}

TEST_F(SpirvModules, ThatAskForTooMuchAreRefused) {
  expect_refused(with({instruction(17, 2), 5357}), "capability 5357");
  expect_refused(with({instruction(71, 4), 1, 34, 1}), "descriptor set 1");
  expect_refused(with({instruction(71, 4), 1, 33, 64}), "binding 64");
  expect_refused(with({instruction(71, 4), 1, 33, 0xffffffff}), "has binding");
}

}  // namespace
}  // namespace kiln
