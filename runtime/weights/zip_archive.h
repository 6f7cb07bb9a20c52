// Reads ZIP archives: stored and deflated entries, ZIP64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct ZipEntry {
  std::uint16_t method = 0;  // 0 stored, 8 deflated
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_bytes = 0;   // as in the archive
  std::uint64_t bytes = 0;          // unpacked
  std::uint64_t header_offset = 0;  // of the local header
};

// Source: PKWARE APPNOTE.TXT 6.3. Every offset and size is checked before use; an entry cannot
// claim to unpack to more than deflate could make of its bytes.
class ZipArchive {
 public:
  // file must outlive the archive. place: the file, for messages. Throws Error.
  static ZipArchive parse(std::span<const std::byte> file, std::string_view place);

  const std::map<std::string, ZipEntry, std::less<>>& entries() const { return entries_; }
  // Throws Error when there is no such entry.
  const ZipEntry& entry(std::string_view name) const;

  // The bytes of a stored entry where they lie in the file; empty for a deflated one.
  std::span<const std::byte> stored(const ZipEntry& entry) const;
  // Fills out with the entry's bytes from offset on.
  void read(const ZipEntry& entry, std::uint64_t offset, std::span<std::byte> out) const;
  // The whole entry, its checksum verified. Throws Error when it is larger than limit_bytes.
  std::vector<std::byte> read_all(std::string_view name, std::uint64_t limit_bytes) const;

 private:
  void parse_directory(std::uint64_t offset, std::uint64_t size, std::uint64_t count);
  std::uint64_t parse_entry(std::span<const std::byte> record);
  std::span<const std::byte> packed(const ZipEntry& entry) const;

  std::span<const std::byte> file_;
  std::string place_;
  std::map<std::string, ZipEntry, std::less<>> entries_;
};

}  // namespace kiln
