// Makes the small weight files, whole and damaged, that tests read.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

namespace kiln::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string little_endian(std::uint64_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += char((value >> (8 * i)) & 0xff);
  return text;
}

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string safetensors_file(std::string_view header, std::string_view data = {}) {
  return little_endian(header.size(), 8) + std::string(header) + std::string(data);
}

struct ZipItem {
  std::string name, content;
  bool deflate = false;
};

// How make_zip departs from a plain, right archive.
struct ZipOptions {
  bool zip64 = false;
  std::uint16_t method = 0xffff;  // written in place of the true one, unless 0xffff
  std::uint16_t flags = 0;
  std::int64_t claimed_bytes = -1;   // unpacked size written in place of the true one
  std::int64_t claimed_offset = -1;  // of every local header
  bool wrong_checksum = false;
};
std::string make_zip(const std::vector<ZipItem>& items, const ZipOptions& options = {});

// Writes the opcodes torch.save writes.
class PickleWriter {
 public:
  PickleWriter& raw(std::string_view bytes);
  PickleWriter& integer(std::uint32_t value);
  PickleWriter& text(std::string_view value);
  PickleWriter& global(std::string_view module, std::string_view name);
  PickleWriter& tuple(const std::vector<std::uint32_t>& values);
  PickleWriter& storage(std::string_view type, std::string_view key, std::uint32_t elements);
  // A whole tensor: _rebuild_tensor_v2(storage, offset, dims, strides, False, OrderedDict()).
  PickleWriter& tensor(std::string_view type, std::string_view key, std::uint32_t elements,
                       std::uint32_t offset, const std::vector<std::uint32_t>& dims,
                       const std::vector<std::uint32_t>& strides);
  std::string done() const;

 private:
  std::string text_;
};

// A checkpoint with this pickle and these storages, named "0", "1", ...
std::string make_checkpoint(const std::string& pickle, const std::vector<std::string>& storages,
                            const ZipOptions& options = {}, bool deflate = false);

// A folder of its own for the running test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view content) const;
  std::size_t file_count() const;

 private:
  std::filesystem::path path_;
};

// One line, beginning with the place: what users see of anything that goes wrong.
void expect_one_line_error(const std::function<void()>& act, std::string_view expected_part);

struct BadCase {
  std::string name, file, expected_part;
};

}  // namespace kiln::testing
