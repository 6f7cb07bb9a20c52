// OutputFile: whole files or none.
#include "runtime/weights/output_file.h"

#include <sys/stat.h>

#include "made_files.h"
#include "runtime/weights/mapped_file.h"

namespace kiln {
namespace {

std::string content(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

TEST(OutputFile, WithoutACommitTheTargetStaysAsItWas) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write("a", "old");
  {
    OutputFile file(path);
    file.write(testing::bytes_of("new"));
    EXPECT_EQ(folder.file_count(), 2u);
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(folder.file_count(), 1u);
}

TEST(OutputFile, ACommitReplacesTheTarget) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write("a", "a long old text");
  write_file(path, testing::bytes_of("new"));
  EXPECT_EQ(content(path), "new");
  EXPECT_EQ(folder.file_count(), 1u);
}

TEST(OutputFile, FollowsSymbolicLinks) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write("a", "old");
  std::filesystem::create_symlink("a", folder.path() / "link");
  write_file(folder.path() / "link", testing::bytes_of("new"));
  EXPECT_EQ(content(path), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
}

TEST(OutputFile, NamesTargetsThatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  const auto refuses = [](const std::filesystem::path& path, const char* part) {
    testing::expect_one_line_error([&] { write_file(path, testing::bytes_of("x")); }, part);
  };
  refuses(folder.path(), "is a folder");
  refuses("", "is not a file name");
  refuses(folder.path() / "absent" / "a", "cannot be written");
  refuses(folder.write("file", "") / "a", "cannot be");
  refuses(folder.path() / std::string(300, 'a'), "");
  refuses("/dev/full", "cannot be written: No space left");
}

TEST(OutputFile, WritesDevicesDirectly) {
  write_file("/dev/null", testing::bytes_of("x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(MappedFile, RefusesPipesWithoutWaiting) {
  const testing::TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  testing::expect_one_line_error([&] { MappedFile::open(pipe); }, "not a regular file");
}

}  // namespace
}  // namespace kiln
