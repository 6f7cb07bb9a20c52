// OutputFile: a file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace kiln {

// Writes beside the target under a temporary name and renames on commit(); without a commit the
// temporary file is removed and the target stays as it was. A target that exists and is a device
// or a pipe (such as /dev/stdout) is written directly.
class OutputFile {
 public:
  // Throws Error naming the target when it cannot be written there.
  explicit OutputFile(const std::filesystem::path& target);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path shown_;      // as the caller named it, for messages
  std::filesystem::path target_;     // with symbolic links resolved
  std::filesystem::path temporary_;  // empty when written directly or committed
  int descriptor_ = -1;
};

// All of it at once.
void write_file(const std::filesystem::path& target, std::span<const std::byte> bytes);

}  // namespace kiln
