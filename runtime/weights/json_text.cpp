// Guards around the JSON parser.
#include "runtime/weights/json_text.h"

#include <cstring>
#include <set>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/mapped_file.h"

namespace kiln {

std::string json_complaint(const std::exception& error) {
  constexpr std::size_t kLongest = 200;
  std::string_view text = error.what();
  if (const auto prefix = text.find("] "); prefix != std::string_view::npos) {
    text.remove_prefix(prefix + 2);
  }
  std::string line;
  for (const char c : text.substr(0, kLongest)) line += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > kLongest) line += "...";
  return line;
}

nlohmann::json parse_json(std::string_view text, std::string_view place, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    fail(place, "is {} bytes of JSON; the limit is {}", text.size(), limits.bytes);
  }
  // The parser takes a zero byte for the end of its input.
  if (text.find('\0') != text.npos) fail(place, "is not valid JSON: it has a zero byte");
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of each object that is open
  const auto watch = [&](int depth, Event event, nlohmann::json& value) {
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= limits.depth) fail(place, "nests JSON deeper than {} levels", limits.depth);
      if (event == Event::object_start) keys.emplace_back();
    } else if (event == Event::object_end) {
      keys.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) fail(place, "has the key {} twice", in_quotes(key));
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    fail(place, "is not valid JSON: {}", json_complaint(error));
  }
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  const auto file = MappedFile::open(path);
  if (file->bytes().size() > limit_bytes) {
    fail(path.native(), "is {} bytes; the limit for this kind of file is {}", file->bytes().size(),
         limit_bytes);
  }
  std::string text(file->bytes().size(), '\0');
  if (!text.empty()) std::memcpy(text.data(), file->bytes().data(), text.size());
  return text;
}

nlohmann::json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_text_file(path, limits.bytes), path.native(), limits);
}

}  // namespace kiln
