// MappedFile through POSIX mmap.
#include "runtime/weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"

namespace kiln {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) fail(path.native(), "cannot be opened: {}", std::strerror(errno));
  struct stat status {};
  if (::fstat(file.value, &status) != 0) {
    fail(path.native(), "cannot be examined: {}", std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) fail(path.native(), "is a folder; a file is needed");
  if (!S_ISREG(status.st_mode)) fail(path.native(), "is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile({}));
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (memory == MAP_FAILED) {
    fail(path.native(), "cannot be mapped into memory: {}", std::strerror(errno));
  }
  const std::span bytes(static_cast<const std::byte*>(memory), size);
  return std::shared_ptr<const MappedFile>(new MappedFile(bytes));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace kiln
