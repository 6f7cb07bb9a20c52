// OutputFile: temporary file, then rename.
#include "runtime/weights/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "runtime/base/error.h"

namespace kiln {

namespace fs = std::filesystem;

OutputFile::OutputFile(const fs::path& target) : shown_(target) {
  if (target.empty() || target.filename().empty()) {
    fail(target.native(), "is not a file name to write to");
  }
  std::error_code error;
  target_ = fs::weakly_canonical(target, error);
  if (error) fail(target.native(), "cannot be written: {}", error.message());
  const fs::file_status status = fs::status(target_, error);
  if (fs::is_directory(status)) fail(target.native(), "is a folder; a file name is needed");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_with_errno("cannot be opened for writing");
    return;
  }
  if (fs::exists(status) && ::access(target_.c_str(), W_OK) != 0) {
    fail_with_errno("cannot be overwritten");
  }
  for (int attempt = 0; attempt < 100 && descriptor_ < 0; ++attempt) {
    temporary_ = target_;
    temporary_.replace_filename(fmt::format(".kiln-{}-{}.part", ::getpid(), attempt));
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) fail_with_errno("cannot be written");
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t most = std::min<std::size_t>(bytes.size(), std::size_t(1) << 30);
    const ssize_t written = ::write(descriptor_, bytes.data(), most);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::commit() {
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail_with_errno("cannot be written");
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with_errno("cannot be written");
  temporary_.clear();
}

void OutputFile::fail_with_errno(const char* what) const {
  fail(shown_.native(), "{}: {}", what, std::strerror(errno));
}

void write_file(const fs::path& target, std::span<const std::byte> bytes) {
  OutputFile file(target);
  file.write(bytes);
  file.commit();
}

}  // namespace kiln
