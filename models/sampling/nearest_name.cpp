// Loose comparison and edit distance of names.
#include "models/sampling/nearest_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kiln {
namespace {

constexpr std::size_t kLongestName = 60;

std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_' || c == '.') continue;
    letters += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  }
  return letters;
}

// Levenshtein's distance: insertions, deletions and replacements of one letter.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) { return plain(a) == plain(b); }

std::string printable_name(std::string_view name) {
  std::string line;
  for (const char c : name.substr(0, kLongestName)) line += c >= 0x20 && c < 0x7f ? c : '?';
  return name.size() > kLongestName ? line + "..." : line;
}

std::string known_names(std::string_view wanted, std::span<const char* const> names) {
  const std::string word = plain(wanted.substr(0, kLongestName));
  std::size_t least = word.size();
  const char* nearest = nullptr;
  for (const char* name : names) {
    const std::size_t edits = distance(word, plain(name));
    if (edits < least) {
      least = edits;
      nearest = name;
    }
  }
  constexpr std::size_t kNear = 3;
  std::string text;
  if (nearest != nullptr && least <= kNear) text = fmt::format("did you mean '{}'? ", nearest);
  return text + fmt::format("known: {}", fmt::join(names, ", "));
}

}  // namespace kiln
