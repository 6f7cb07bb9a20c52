// ZipArchive: the central directory, and reading one entry.
#include "runtime/weights/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"

namespace kiln {
namespace {

constexpr std::uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr std::uint64_t kRecordBytes = 46, kLocalBytes = 30;
constexpr std::uint32_t kEndMark = 0x06054b50, kEnd64Mark = 0x06064b50, kLocatorMark = 0x07064b50;
constexpr std::uint32_t kRecordMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr std::uint32_t kIn64 = 0xffffffff;        // "see the ZIP64 field"
constexpr std::uint64_t kBestDeflateRatio = 1032;  // zlib.net/zlib_tech.html

template <typename T>
T load(std::span<const std::byte> bytes, std::uint64_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | (std::to_integer<T>(bytes[offset + i]) << (8 * i)));
  }
  return value;
}

bool fits(std::uint64_t offset, std::uint64_t size, std::uint64_t total) {
  return offset <= total && size <= total - offset;
}

// The end record is followed by a comment of up to 65535 bytes, so it is searched from the back.
std::uint64_t find_end_record(std::span<const std::byte> file, std::string_view place) {
  if (file.size() < kEndBytes) fail(place, "is too short for a ZIP archive");
  const std::uint64_t last = file.size() - kEndBytes;
  const std::uint64_t first = last > 0xffff ? last - 0xffff : 0;
  for (std::uint64_t at = last + 1; at-- > first;) {
    if (load<std::uint32_t>(file, at) == kEndMark &&
        fits(at + kEndBytes, load<std::uint16_t>(file, at + 20), file.size())) {
      return at;
    }
  }
  fail(place, "is a ZIP archive without its end (truncated file?)");
}

struct Inflater {
  z_stream stream{};

  explicit Inflater(std::string_view place) {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail(place, "zlib cannot be started");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }

  // Fills out from where the last call stopped, reading on in packed. False when data runs out.
  bool fill(std::span<const std::byte>& packed, std::span<std::byte> out) {
    constexpr std::uint64_t kMost = 1u << 30;
    while (!out.empty()) {
      const auto give = static_cast<uInt>(std::min<std::uint64_t>(packed.size(), kMost));
      const auto want = static_cast<uInt>(std::min<std::uint64_t>(out.size(), kMost));
      // zlib's interface is not const-correct; it does not write through next_in.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
      stream.avail_in = give;
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = want;
      const int result = inflate(&stream, Z_NO_FLUSH);
      packed = packed.subspan(give - stream.avail_in);
      out = out.subspan(want - stream.avail_out);
      if (result == Z_STREAM_END) return out.empty();
      const bool moved = stream.avail_in != give || stream.avail_out != want;
      if ((result != Z_OK && result != Z_BUF_ERROR) || !moved) return false;
    }
    return true;
  }
};

}  // namespace

ZipArchive ZipArchive::parse(std::span<const std::byte> file, std::string_view place) {
  ZipArchive archive;
  archive.file_ = file;
  archive.place_ = place;
  const std::uint64_t end = find_end_record(file, place);
  std::uint64_t count = load<std::uint16_t>(file, end + 10);
  std::uint64_t size = load<std::uint32_t>(file, end + 12);
  std::uint64_t offset = load<std::uint32_t>(file, end + 16);
  const bool has_locator =
      end >= kLocatorBytes && load<std::uint32_t>(file, end - kLocatorBytes) == kLocatorMark;
  if (has_locator) {
    const std::uint64_t end64 = load<std::uint64_t>(file, end - kLocatorBytes + 8);
    if (!fits(end64, kEnd64Bytes, file.size()) || load<std::uint32_t>(file, end64) != kEnd64Mark) {
      fail(place, "is a ZIP archive whose ZIP64 end record is damaged");
    }
    count = load<std::uint64_t>(file, end64 + 32);
    size = load<std::uint64_t>(file, end64 + 40);
    offset = load<std::uint64_t>(file, end64 + 48);
  }
  archive.parse_directory(offset, size, count);
  return archive;
}

void ZipArchive::parse_directory(std::uint64_t offset, std::uint64_t size, std::uint64_t count) {
  if (!fits(offset, size, file_.size())) {
    fail(place_, "is a ZIP archive whose directory lies outside the file (truncated file?)");
  }
  if (count > size / kRecordBytes) {
    fail(place_, "is a ZIP archive that states {} entries in {} bytes", count, size);
  }
  std::span<const std::byte> rest = file_.subspan(offset, size);
  for (std::uint64_t i = 0; i < count; ++i) rest = rest.subspan(parse_entry(rest));
}

std::uint64_t ZipArchive::parse_entry(std::span<const std::byte> record) {
  if (record.size() < kRecordBytes || load<std::uint32_t>(record, 0) != kRecordMark) {
    fail(place_, "is a ZIP archive with a damaged directory");
  }
  const std::uint64_t name_bytes = load<std::uint16_t>(record, 28);
  const std::uint64_t extra_bytes = load<std::uint16_t>(record, 30);
  const std::uint64_t comment_bytes = load<std::uint16_t>(record, 32);
  const std::uint64_t total = kRecordBytes + name_bytes + extra_bytes + comment_bytes;
  if (total > record.size()) fail(place_, "is a ZIP archive with a damaged directory");
  const std::string name(reinterpret_cast<const char*>(record.data()) + kRecordBytes, name_bytes);
  ZipEntry entry;
  entry.flags = load<std::uint16_t>(record, 8);
  entry.method = load<std::uint16_t>(record, 10);
  entry.crc = load<std::uint32_t>(record, 16);
  entry.packed_bytes = load<std::uint32_t>(record, 20);
  entry.bytes = load<std::uint32_t>(record, 24);
  entry.header_offset = load<std::uint32_t>(record, 42);
  // ZIP64: only fields that overflowed are present, in this order.
  std::span<const std::byte> extra = record.subspan(kRecordBytes + name_bytes, extra_bytes);
  while (extra.size() >= 4) {
    const std::uint64_t field_bytes = load<std::uint16_t>(extra, 2);
    if (field_bytes > extra.size() - 4) break;
    std::span<const std::byte> field = extra.subspan(4, field_bytes);
    const bool is_zip64 = load<std::uint16_t>(extra, 0) == 1;
    for (std::uint64_t* value : {&entry.bytes, &entry.packed_bytes, &entry.header_offset}) {
      if (!is_zip64 || *value != kIn64 || field.size() < 8) continue;
      *value = load<std::uint64_t>(field, 0);
      field = field.subspan(8);
    }
    extra = extra.subspan(4 + field_bytes);
  }
  if (!entries_.emplace(name, entry).second) {
    fail(place_, "is a ZIP archive with two entries named {}", in_quotes(name));
  }
  return total;
}

const ZipEntry& ZipArchive::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(place_, "is a ZIP archive without {}", in_quotes(name));
  return found->second;
}

std::span<const std::byte> ZipArchive::packed(const ZipEntry& entry) const {
  if ((entry.flags & 1u) != 0) fail(place_, "is an encrypted ZIP archive");
  if (entry.method != 0 && entry.method != 8) {
    fail(place_, "uses ZIP compression method {}; only stored and deflated are supported",
         entry.method);
  }
  if (!fits(entry.header_offset, kLocalBytes, file_.size()) ||
      load<std::uint32_t>(file_, entry.header_offset) != kLocalMark) {
    fail(place_, "is a ZIP archive with an entry outside the file (truncated file?)");
  }
  const std::uint64_t data = entry.header_offset + kLocalBytes +
                             load<std::uint16_t>(file_, entry.header_offset + 26) +
                             load<std::uint16_t>(file_, entry.header_offset + 28);
  if (!fits(data, entry.packed_bytes, file_.size())) {
    fail(place_, "is a ZIP archive with an entry outside the file (truncated file?)");
  }
  const bool possible = entry.method == 0 ? entry.bytes == entry.packed_bytes
                                          : entry.bytes / kBestDeflateRatio <= entry.packed_bytes;
  if (!possible) {
    fail(place_, "is a ZIP archive with an entry that states {} bytes but holds {}", entry.bytes,
         entry.packed_bytes);
  }
  return file_.subspan(data, entry.packed_bytes);
}

std::span<const std::byte> ZipArchive::stored(const ZipEntry& entry) const {
  const std::span<const std::byte> bytes = packed(entry);
  return entry.method == 0 ? bytes : std::span<const std::byte>();
}

void ZipArchive::read(const ZipEntry& entry, std::uint64_t offset, std::span<std::byte> out) const {
  std::span<const std::byte> bytes = packed(entry);
  if (!fits(offset, out.size(), entry.bytes)) {
    fail(place_, "is a ZIP archive with an entry of {} bytes where {} are needed", entry.bytes,
         offset + out.size());
  }
  if (out.empty()) return;
  if (entry.method == 0) {
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return;
  }
  Inflater inflater(place_);
  std::array<std::byte, 16384> skipped;
  bool whole = true;
  for (std::uint64_t left = offset; whole && left > 0;) {
    const std::uint64_t piece = std::min<std::uint64_t>(left, skipped.size());
    whole = inflater.fill(bytes, std::span(skipped).first(piece));
    left -= piece;
  }
  if (!whole || !inflater.fill(bytes, out)) {
    fail(place_, "is a ZIP archive with a damaged compressed entry");
  }
}

std::vector<std::byte> ZipArchive::read_all(std::string_view name,
                                            std::uint64_t limit_bytes) const {
  const ZipEntry& wanted = entry(name);
  if (wanted.bytes > limit_bytes) {
    fail(place_, "{} is {} bytes; the limit is {}", in_quotes(name), wanted.bytes, limit_bytes);
  }
  packed(wanted);  // checks the sizes before the allocation
  std::vector<std::byte> bytes(wanted.bytes);
  read(wanted, 0, bytes);
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != wanted.crc) fail(place_, "{} is damaged: its checksum is wrong", in_quotes(name));
  return bytes;
}

}  // namespace kiln
