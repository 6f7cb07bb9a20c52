// kiln verify and --avoid from outside: wrong words are one line and need no device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

void expect_usage_error(const std::vector<std::string>& arguments, const std::string& part) {
  const TemporaryFolder folder;
  const Outcome outcome = run_kiln(arguments, folder.path());
  EXPECT_EQ(outcome.code, 2) << outcome.messages;
  EXPECT_THAT(outcome.messages, testing::HasSubstr(part));
  EXPECT_EQ(std::count(outcome.messages.begin(), outcome.messages.end(), '\n'), 1);
}

TEST(Verify, RefusesTwoChecksAtOnce) {
  expect_usage_error({"verify", "--golden", "a", "--bisect", "b"}, "give one");
}

TEST(Verify, ChoosesCasesOfGoldenDataOnly) {
  expect_usage_error({"verify", "--only", "unet"}, "--golden");
}

TEST(Verify, SaysThatNoCaseHasSuchAName) {
  const TemporaryFolder folder;
  const std::string golden = std::string(KILN_SOURCE_DIR) + "/tests/golden/schedulers";
  const Outcome none = run_kiln({"verify", "--golden", golden, "--only", "zzz"}, folder.path());
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.messages, testing::HasSubstr("no case has a name with what --only says"));
  const Outcome some =
      run_kiln({"verify", "--golden", golden, "--only", "euler_karras"}, folder.path());
  EXPECT_EQ(some.code, 0) << some.messages;
}

TEST(Avoid, NamesTheNearestKernel) {
  expect_usage_error({"verify", "--avoid", "group_nrm"}, "did you mean 'group_norm'");
  expect_usage_error({"verify", "--avoid", "geglu", "--avoid", "x/y"}, "no kernel 'x/y'");
  expect_usage_error({"txt2img", "-m", "missing", "-p", "x", "--avoid", "matmull"},
                     "did you mean 'matmul'");
}

}  // namespace
}  // namespace kiln::test
