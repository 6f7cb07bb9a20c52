// JSON from files nobody vouches for: limits on size and depth, errors of one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kiln {

struct JsonLimits {
  std::uint64_t bytes = std::uint64_t(16) << 20;
  int depth = 64;
};

// Strict JSON (RFC 8259), no duplicate keys. place: the file, for messages. Throws Error with the
// position of the mistake.
nlohmann::json parse_json(std::string_view text, std::string_view place,
                          const JsonLimits& limits = {});

// The file's text, as it stands. Throws Error when it is larger than the limit.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit_bytes);

nlohmann::json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

// The part of a JSON library's message a user can use: one line, plain characters, bounded.
std::string json_complaint(const std::exception& error);

}  // namespace kiln
