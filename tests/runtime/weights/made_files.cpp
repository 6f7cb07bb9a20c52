// Archives written byte by byte, so that they can also be wrong.
#include "made_files.h"

#include <unistd.h>
#include <zlib.h>

namespace kiln::testing {
namespace {

std::string deflated(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, uLong(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = uInt(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = uInt(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

std::string make_zip(const std::vector<ZipItem>& items, const ZipOptions& options) {
  std::string file, directory;
  for (const ZipItem& item : items) {
    const std::string packed = item.deflate ? deflated(item.content) : item.content;
    auto crc = std::uint64_t(
        crc32(0, reinterpret_cast<const Bytef*>(item.content.data()), uInt(item.content.size())));
    if (options.wrong_checksum) crc ^= 1;
    const std::uint64_t method = options.method != 0xffff ? options.method : (item.deflate ? 8 : 0);
    const std::uint64_t bytes =
        options.claimed_bytes >= 0 ? std::uint64_t(options.claimed_bytes) : item.content.size();
    const std::uint64_t offset =
        options.claimed_offset >= 0 ? std::uint64_t(options.claimed_offset) : file.size();
    const std::string sizes64 = little_endian(1, 2) + little_endian(24, 2) +
                                little_endian(bytes, 8) + little_endian(packed.size(), 8) +
                                little_endian(offset, 8);
    const std::string extra = options.zip64 ? sizes64 : "";
    const auto in32 = [&](std::uint64_t value) {
      return little_endian(options.zip64 ? 0xffffffff : value, 4);
    };
    const std::string shared = little_endian(options.flags, 2) + little_endian(method, 2) +
                               little_endian(0, 4) + little_endian(crc, 4) + in32(packed.size()) +
                               in32(bytes) + little_endian(item.name.size(), 2);
    file += "PK\3\4" + little_endian(20, 2) + shared + little_endian(0, 2) + item.name + packed;
    directory += "PK\1\2" + little_endian(20, 2) + little_endian(20, 2) + shared +
                 little_endian(extra.size(), 2) + std::string(10, '\0') + in32(offset) + item.name +
                 extra;
  }
  const std::uint64_t start = file.size();
  file += directory;
  if (options.zip64) {
    const std::uint64_t end64 = file.size();
    file += "PK\6\6" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) +
            std::string(8, '\0') + little_endian(items.size(), 8) + little_endian(items.size(), 8) +
            little_endian(directory.size(), 8) + little_endian(start, 8);
    file += "PK\6\7" + little_endian(0, 4) + little_endian(end64, 8) + little_endian(1, 4);
  }
  const std::uint64_t count = options.zip64 ? 0xffff : items.size();
  file += "PK\5\6" + std::string(4, '\0') + little_endian(count, 2) + little_endian(count, 2) +
          little_endian(options.zip64 ? 0xffffffff : directory.size(), 4) +
          little_endian(options.zip64 ? 0xffffffff : start, 4) + std::string(2, '\0');
  return file;
}

PickleWriter& PickleWriter::raw(std::string_view bytes) {
  text_.append(bytes);
  return *this;
}

PickleWriter& PickleWriter::integer(std::uint32_t value) {
  return raw("J").raw(little_endian(value, 4));
}

PickleWriter& PickleWriter::text(std::string_view value) {
  return raw("X").raw(little_endian(value.size(), 4)).raw(value);
}

PickleWriter& PickleWriter::global(std::string_view module, std::string_view name) {
  return raw("c").raw(module).raw("\n").raw(name).raw("\n");
}

PickleWriter& PickleWriter::tuple(const std::vector<std::uint32_t>& values) {
  raw("(");
  for (const std::uint32_t value : values) integer(value);
  return raw("t");
}

PickleWriter& PickleWriter::storage(std::string_view type, std::string_view key,
                                    std::uint32_t elements) {
  raw("(").text("storage").global("torch", type).text(key).text("cpu").integer(elements);
  return raw("tQ");
}

PickleWriter& PickleWriter::tensor(std::string_view type, std::string_view key,
                                   std::uint32_t elements, std::uint32_t offset,
                                   const std::vector<std::uint32_t>& dims,
                                   const std::vector<std::uint32_t>& strides) {
  global("torch._utils", "_rebuild_tensor_v2").raw("(").storage(type, key, elements);
  integer(offset).tuple(dims).tuple(strides).raw("\x89");
  return global("collections", "OrderedDict").raw(")RtR");
}

std::string PickleWriter::done() const {
  std::string all = "\x80\x02";
  all.append(text_).append(".");
  return all;
}

std::string make_checkpoint(const std::string& pickle, const std::vector<std::string>& storages,
                            const ZipOptions& options, bool deflate) {
  std::vector<ZipItem> items{{"archive/data.pkl", pickle, deflate}};
  for (std::size_t i = 0; i < storages.size(); ++i) {
    items.push_back({"archive/data/" + std::to_string(i), storages[i], deflate});
  }
  return make_zip(items, options);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "kiln-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path TemporaryFolder::write(const std::string& name,
                                             std::string_view content) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file.write(content.data(), std::streamsize(content.size()));
  EXPECT_TRUE(file.good()) << name;
  return path_ / name;
}

std::size_t TemporaryFolder::file_count() const {
  std::size_t count = 0;
  for (const auto& item : std::filesystem::directory_iterator(path_)) count += item.exists();
  return count;
}

void expect_one_line_error(const std::function<void()>& act, std::string_view expected_part) {
  try {
    act();
    ADD_FAILURE() << "was accepted, expected an error with: " << expected_part;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(expected_part), std::string::npos)
        << "message: " << message << "\nexpected in it: " << expected_part;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.front(), '[') << message;
    EXPECT_LT(message.size(), 600u) << message;
  }
}

}  // namespace kiln::testing
