// Config: a JSON object whose values are asked for with their type and range.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// Cheap to copy. Every getter throws Error "[file] key is value, expected ..." when the value has
// another type or lies outside its range. A value of null counts as absent. Getters without a
// fallback throw when the key is absent.
class Config {
 public:
  // A file of at most 16 MiB that holds one object. The file's name becomes place().
  static Config read(const std::filesystem::path& path);
  static Config parse(std::string_view text, std::string_view place);

  const std::string& place() const { return place_; }
  bool has(std::string_view key) const;   // present and not null
  std::vector<std::string> keys() const;  // sorted, those of null value included

  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max) const;
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max,
                       std::int64_t fallback) const;
  double number(std::string_view key, double min, double max) const;
  double number(std::string_view key, double min, double max, double fallback) const;
  bool boolean(std::string_view key) const;
  bool boolean(std::string_view key, bool fallback) const;
  std::string text(std::string_view key) const;
  std::string text(std::string_view key, std::string_view fallback) const;
  Config section(std::string_view key) const;

  bool is_list(std::string_view key) const;
  bool is_text(std::string_view key) const;
  // A list of 1 to most values, each in range.
  std::vector<std::int64_t> integers(std::string_view key, std::int64_t min, std::int64_t max,
                                     std::size_t most = 64) const;
  // A list of exactly count values, or one value that stands for count equal ones.
  std::vector<std::int64_t> integers_or_one(std::string_view key, std::size_t count,
                                            std::int64_t min, std::int64_t max) const;
  std::vector<double> numbers(std::string_view key, double min, double max,
                              std::size_t most = 1024) const;
  std::vector<std::string> texts(std::string_view key, std::size_t most = 64) const;

  // For values this program supports only in part: absent is fine, anything not listed
  // throws Error that names the key, the value and what is supported.
  // (const char* rather than string_view, so that a text is never taken for a bool.)
  void require_value(std::string_view key, std::initializer_list<const char*> allowed) const;
  void require_value(std::string_view key, std::initializer_list<bool> allowed) const;
  void require_value(std::string_view key, std::initializer_list<double> allowed) const;
  // Only absent, null, or (where false_is_absent) false.
  void require_absent(std::string_view key, bool false_is_absent = true) const;

 private:
  struct Document;  // keeps the JSON library out of this header

  Config(std::shared_ptr<const Document> document, std::string place)
      : document_(std::move(document)), place_(std::move(place)) {}
  [[noreturn]] void reject(std::string_view key, std::string_view expected) const;

  std::shared_ptr<const Document> document_;
  std::string place_;
};

}  // namespace kiln
