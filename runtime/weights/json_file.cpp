// Config getters: type, then range, then the message.
#include "runtime/weights/json_file.h"

#include <cmath>

#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln {

using Json = nlohmann::json;

struct Config::Document {
  Json value;

  const Json* find(std::string_view key) const {
    const auto found = value.find(key);
    return found == value.end() || found->is_null() ? nullptr : &*found;
  }
};

namespace {

// The value as it stands in the file, bounded so that a message stays one line.
std::string shown(const Json& value) {
  constexpr std::size_t kLongest = 80;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

bool integer_in_range(const Json& value, std::int64_t min, std::int64_t max) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return max >= 0 && number <= static_cast<std::uint64_t>(max) &&
           (min < 0 || number >= static_cast<std::uint64_t>(min));
  }
  const auto number = value.get<std::int64_t>();
  return number >= min && number <= max;
}

bool number_in_range(const Json& value, double min, double max) {
  return value.is_number() && value.get<double>() >= min && value.get<double>() <= max;
}

template <typename Values>
std::string joined(const Values& values) {
  std::string text;
  for (const auto& value : values) {
    text += fmt::format("{}{}", text.empty() ? "" : " or ", Json(value).dump());
  }
  return text;
}

// True when value is absent or equals one of those allowed.
template <typename T>
bool is_allowed(const Json* value, std::initializer_list<T> allowed) {
  if (value == nullptr) return true;
  for (const T& candidate : allowed) {
    if (*value == Json(candidate)) return true;
  }
  return false;
}

}  // namespace

Config Config::read(const std::filesystem::path& path) {
  const JsonLimits limits;
  return parse(read_text_file(path, limits.bytes), path.native());
}

Config Config::parse(std::string_view text, std::string_view place) {
  auto document = std::make_shared<Document>();
  document->value = parse_json(text, place);
  if (!document->value.is_object()) fail(place, "is JSON but not an object");
  return {std::move(document), std::string(place)};
}

void Config::reject(std::string_view key, std::string_view expected) const {
  const Json* value = document_->find(key);
  if (value == nullptr) fail(place_, "{} is missing, expected {}", key, expected);
  fail(place_, "{} is {}, expected {}", key, shown(*value), expected);
}

bool Config::has(std::string_view key) const { return document_->find(key) != nullptr; }

std::vector<std::string> Config::keys() const {
  std::vector<std::string> names;
  for (const auto& item : document_->value.items()) names.push_back(item.key());
  return names;
}

std::int64_t Config::integer(std::string_view key, std::int64_t min, std::int64_t max) const {
  const Json* value = document_->find(key);
  if (value == nullptr || !integer_in_range(*value, min, max)) {
    reject(key, fmt::format("an integer from {} to {}", min, max));
  }
  return value->get<std::int64_t>();
}

std::int64_t Config::integer(std::string_view key, std::int64_t min, std::int64_t max,
                             std::int64_t fallback) const {
  return has(key) ? integer(key, min, max) : fallback;
}

double Config::number(std::string_view key, double min, double max) const {
  const Json* value = document_->find(key);
  if (value == nullptr || !number_in_range(*value, min, max)) {
    reject(key, fmt::format("a number from {} to {}", min, max));
  }
  return value->get<double>();
}

double Config::number(std::string_view key, double min, double max, double fallback) const {
  return has(key) ? number(key, min, max) : fallback;
}

bool Config::boolean(std::string_view key) const {
  const Json* value = document_->find(key);
  if (value == nullptr || !value->is_boolean()) reject(key, "true or false");
  return value->get<bool>();
}

bool Config::boolean(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : fallback;
}

std::string Config::text(std::string_view key) const {
  const Json* value = document_->find(key);
  if (value == nullptr || !value->is_string()) reject(key, "a text");
  return value->get<std::string>();
}

std::string Config::text(std::string_view key, std::string_view fallback) const {
  return has(key) ? text(key) : std::string(fallback);
}

Config Config::section(std::string_view key) const {
  const Json* value = document_->find(key);
  if (value == nullptr || !value->is_object()) reject(key, "an object");
  auto document = std::make_shared<Document>();
  document->value = *value;
  return {std::move(document), fmt::format("{}: {}", place_, key)};
}

bool Config::is_list(std::string_view key) const {
  const Json* value = document_->find(key);
  return value != nullptr && value->is_array();
}

bool Config::is_text(std::string_view key) const {
  const Json* value = document_->find(key);
  return value != nullptr && value->is_string();
}

std::vector<std::int64_t> Config::integers(std::string_view key, std::int64_t min, std::int64_t max,
                                           std::size_t most) const {
  const Json* value = document_->find(key);
  bool right = value != nullptr && value->is_array() && !value->empty() && value->size() <= most;
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; right && i < value->size(); ++i) {
    right = integer_in_range((*value)[i], min, max);
    if (right) numbers.push_back((*value)[i].get<std::int64_t>());
  }
  if (!right) {
    reject(key, fmt::format("a list of 1 to {} integers from {} to {}", most, min, max));
  }
  return numbers;
}

std::vector<std::int64_t> Config::integers_or_one(std::string_view key, std::size_t count,
                                                  std::int64_t min, std::int64_t max) const {
  const Json* value = document_->find(key);
  if (value != nullptr && integer_in_range(*value, min, max)) {
    return std::vector<std::int64_t>(count, value->get<std::int64_t>());
  }
  if (value == nullptr || !value->is_array() || value->size() != count) {
    reject(key, fmt::format("an integer from {} to {} or a list of {} of them", min, max, count));
  }
  return integers(key, min, max, count);
}

std::vector<double> Config::numbers(std::string_view key, double min, double max,
                                    std::size_t most) const {
  const Json* value = document_->find(key);
  bool right = value != nullptr && value->is_array() && !value->empty() && value->size() <= most;
  std::vector<double> numbers;
  for (std::size_t i = 0; right && i < value->size(); ++i) {
    right = number_in_range((*value)[i], min, max);
    if (right) numbers.push_back((*value)[i].get<double>());
  }
  if (!right) reject(key, fmt::format("a list of 1 to {} numbers from {} to {}", most, min, max));
  return numbers;
}

std::vector<std::string> Config::texts(std::string_view key, std::size_t most) const {
  const Json* value = document_->find(key);
  bool right = value != nullptr && value->is_array() && !value->empty() && value->size() <= most;
  std::vector<std::string> texts;
  for (std::size_t i = 0; right && i < value->size(); ++i) {
    right = (*value)[i].is_string();
    if (right) texts.push_back((*value)[i].get<std::string>());
  }
  if (!right) reject(key, fmt::format("a list of 1 to {} texts", most));
  return texts;
}

void Config::require_value(std::string_view key, std::initializer_list<const char*> allowed) const {
  if (is_allowed(document_->find(key), allowed)) return;
  reject(key, fmt::format("{} (others are not supported)", joined(allowed)));
}

void Config::require_value(std::string_view key, std::initializer_list<bool> allowed) const {
  if (is_allowed(document_->find(key), allowed)) return;
  reject(key, fmt::format("{} (others are not supported)", joined(allowed)));
}

void Config::require_value(std::string_view key, std::initializer_list<double> allowed) const {
  if (is_allowed(document_->find(key), allowed)) return;
  reject(key, fmt::format("{} (others are not supported)", joined(allowed)));
}

void Config::require_absent(std::string_view key, bool false_is_absent) const {
  const Json* value = document_->find(key);
  if (value == nullptr || (false_is_absent && *value == Json(false))) return;
  reject(key, "it to be absent or null (not supported)");
}

}  // namespace kiln
