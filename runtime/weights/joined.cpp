// Joined: strips the prefix and asks the part.
#include "runtime/weights/joined.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"

namespace kiln {

Joined::Joined(std::string description, std::vector<Part> parts)
    : description_(std::move(description)), parts_(std::move(parts)) {
  std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) {
    return a.prefix.size() != b.prefix.size() ? a.prefix.size() > b.prefix.size()
                                              : a.prefix < b.prefix;
  });
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].prefix == parts_[i - 1].prefix) {
      fail(description_, "two sources are joined under {}", in_quotes(parts_[i].prefix));
    }
  }
}

const Joined::Part* Joined::part(std::string_view name) const {
  for (const Part& part : parts_) {
    if (name.starts_with(part.prefix)) return &part;
  }
  return nullptr;
}

const Joined::Part& Joined::needed_part(std::string_view name) const {
  const Part* found = part(name);
  if (found == nullptr) fail(description_, "has no tensor {}", in_quotes(name));
  return *found;
}

std::vector<std::string> Joined::names() const {
  std::vector<std::string> names;
  for (const Part& each : parts_) {
    for (const std::string& name : each.source->names()) {
      std::string full = each.prefix + name;
      if (part(full) == &each) names.push_back(std::move(full));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<TensorInfo> Joined::find(std::string_view name) const {
  const Part* found = part(name);
  if (found == nullptr) return std::nullopt;
  return found->source->find(name.substr(found->prefix.size()));
}

void Joined::read(std::string_view name, std::span<std::byte> out) const {
  const Part& found = needed_part(name);
  found.source->read(name.substr(found.prefix.size()), out);
}

bool Joined::accepts_any_shape(std::string_view name) const {
  const Part* found = part(name);
  return found != nullptr && found->source->accepts_any_shape(name.substr(found->prefix.size()));
}

void Joined::read_shaped(std::string_view name, std::span<const std::int64_t> dims,
                         std::span<std::byte> out) const {
  const Part& found = needed_part(name);
  found.source->read_shaped(name.substr(found.prefix.size()), dims, out);
}

std::string Joined::name_in_file(std::string_view name) const {
  const Part* found = part(name);
  if (found == nullptr) return std::string(name);
  return found->source->name_in_file(name.substr(found->prefix.size()));
}

}  // namespace kiln
