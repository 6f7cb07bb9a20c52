// kiln compile from outside: wrong words and wrong files are one line and need no device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

void expect_error(const std::vector<std::string>& arguments, int code, const std::string& part,
                  const TemporaryFolder& folder = TemporaryFolder()) {
  const Outcome outcome = run_kiln(arguments, folder.path());
  EXPECT_EQ(outcome.code, code) << outcome.messages;
  EXPECT_THAT(outcome.messages, testing::HasSubstr(part));
  EXPECT_EQ(std::count(outcome.messages.begin(), outcome.messages.end(), '\n'), 1);
  EXPECT_EQ(outcome.output, "");
}

TEST(Compile, RefusesTimeLimitsThatAreNone) {
  for (const char* limit : {"0", "-1", "nan", "4000"}) {
    expect_error({"compile", "--timeout", limit}, 2, "--timeout");
  }
}

TEST(Compile, NamesTheNearestKernel) {
  expect_error({"compile", "--kernel", "matmull"}, 2, "did you mean 'matmul'");
}

TEST(Compile, RefusesModulesThatAreNone) {
  const TemporaryFolder folder;
  expect_error({"compile", "--module", "missing.spv"}, 1, "missing.spv", folder);
  folder.write("text.spv", "this is a text, twenty bytes");
  expect_error({"compile", "--module", "text.spv"}, 1, "no SPIR-V module", folder);
  folder.write("empty.spv", "");
  expect_error({"compile", "--module", "empty.spv"}, 1, "no SPIR-V module", folder);
}

TEST(Compile, RefusesAFolderThatCannotBeMade) {
  const TemporaryFolder folder;
  folder.write("file", "");
  expect_error({"compile", "--disassembly", "file/texts"}, 1, "file/texts", folder);
}

}  // namespace
}  // namespace kiln::test
