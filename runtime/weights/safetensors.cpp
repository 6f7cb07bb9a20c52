// Safetensors: sizes of the header against sizes of the file.
#include "runtime/weights/safetensors.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/safetensors_header.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLengthBytes = 8;

// Little endian, whatever the machine.
std::uint64_t header_length(std::span<const std::byte> file) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  return length;
}

std::string_view header_text(std::span<const std::byte> file, std::string_view place) {
  if (file.size() < kLengthBytes) {
    fail(place, "is {} bytes long, too short for a safetensors file", file.size());
  }
  const std::uint64_t length = header_length(file);
  if (length > kLargestSafetensorsHeader) {
    fail(place, "states a header of {} bytes; the limit is {}", length, kLargestSafetensorsHeader);
  }
  if (length > file.size() - kLengthBytes) {
    fail(place, "states a header of {} bytes but is only {} bytes long", length, file.size());
  }
  const char* text = reinterpret_cast<const char*>(file.data()) + kLengthBytes;
  if (length == 0 || text[0] != '{') fail(place, "its header does not start with '{{'");
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> file) {
  return file.size() > kLengthBytes && header_length(file) <= kLargestSafetensorsHeader &&
         file[kLengthBytes] == std::byte('{');
}

std::shared_ptr<const Safetensors> Safetensors::open(const std::filesystem::path& path,
                                                     Strictness strictness) {
  const auto file = MappedFile::open(path);
  return parse(file->bytes(), path.native(), strictness, file);
}

std::shared_ptr<const Safetensors> Safetensors::parse(std::span<const std::byte> file,
                                                      std::string description,
                                                      Strictness strictness,
                                                      std::shared_ptr<const void> owner) {
  const std::string_view text = header_text(file, description);
  SafetensorsHeader header = parse_safetensors_header(text, description);
  std::shared_ptr<Safetensors> source(new Safetensors());
  source->description_ = std::move(description);
  source->owner_ = std::move(owner);
  source->data_ = file.subspan(kLengthBytes + text.size());
  source->entries_ = std::move(header.entries);
  source->metadata_ = std::move(header.metadata);
  source->check_sizes();
  source->check_layout(strictness);
  return source;
}

void Safetensors::check_sizes() const {
  for (const auto& [name, entry] : entries_) {
    if (entry.end < entry.begin) {
      fail(description_, "tensor {} ends at {} before it begins at {}", in_quotes(name), entry.end,
           entry.begin);
    }
    if (entry.end > data_.size()) {
      fail(description_, "tensor {} ends at byte {} of {} (truncated file?)", in_quotes(name),
           entry.end, data_.size());
    }
    const auto elements = checked_elements(entry.dims);
    const auto bits = elements ? checked_product(*elements, entry.type->bits) : std::nullopt;
    if (!bits) fail(description_, "tensor {} has an impossible shape", in_quotes(name));
    if (*bits % 8 != 0 || *bits / 8 != entry.end - entry.begin) {
      fail(description_, "tensor {} needs {} bytes for its shape but states {}", in_quotes(name),
           divide_up(*bits, 8), entry.end - entry.begin);
    }
  }
}

void Safetensors::check_layout(Strictness strictness) {
  std::vector<const Entries::value_type*> order;
  for (const auto& item : entries_) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t reached = 0;
  for (const auto* item : order) {
    const auto& [name, entry] = *item;
    if (entry.begin > reached) {
      complain(strictness, fmt::format("{} unused bytes lie before tensor {}",
                                       entry.begin - reached, in_quotes(name)));
    } else if (entry.begin < reached) {
      complain(strictness, fmt::format("tensor {} overlaps another", in_quotes(name)));
    }
    reached = std::max(reached, entry.end);
  }
  if (reached != data_.size()) {
    complain(strictness, fmt::format("{} bytes follow the last tensor", data_.size() - reached));
  }
}

void Safetensors::complain(Strictness strictness, const std::string& what) {
  constexpr std::size_t kMostWarnings = 20;
  if (strictness == Strictness::strict) fail(description_, "{}", what);
  if (warnings_.size() < kMostWarnings) warnings_.push_back(what);
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& item : entries_) names.push_back(item.first);
  return names;
}

const Safetensors::Entry& Safetensors::readable(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(description_, "has no tensor {}", in_quotes(name));
  if (!found->second.type->dtype) {
    fail(description_, "tensor {} is {}, an element type that is not supported", in_quotes(name),
         found->second.type->name);
  }
  return found->second;
}

std::optional<TensorInfo> Safetensors::find(std::string_view name) const {
  if (!entries_.contains(name)) return std::nullopt;
  const Entry& entry = readable(name);
  return TensorInfo{*entry.type->dtype, entry.dims};
}

std::span<const std::byte> Safetensors::bytes(std::string_view name) const {
  const Entry& entry = readable(name);
  return data_.subspan(entry.begin, entry.end - entry.begin);
}

void Safetensors::read(std::string_view name, std::span<std::byte> out) const {
  const std::span<const std::byte> stored = bytes(name);
  if (out.size() != stored.size()) {
    fail(description_, "tensor {} has {} bytes, {} were asked for", in_quotes(name), stored.size(),
         out.size());
  }
  if (!stored.empty()) std::memcpy(out.data(), stored.data(), stored.size());
}

}  // namespace kiln
