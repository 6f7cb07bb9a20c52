// Checkpoint: from the pickle's dictionaries to named tensors over storages.
#include "runtime/weights/checkpoint.h"

#include <algorithm>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/pickle.h"
#include "runtime/weights/strided.h"

namespace kiln {
namespace {

using Entry = Checkpoint::Entry;
using Entries = std::map<std::string, Entry, std::less<>>;

constexpr std::size_t kMostItems = std::size_t(1) << 20;  // dictionary items looked at
constexpr std::size_t kMostNameBytes = std::size_t(64) << 20;
constexpr std::size_t kLongestName = 4096;
constexpr int kDeepest = 8;  // dictionaries in dictionaries
// A compressed storage is unpacked to read a tensor with strides; torch itself never compresses.
constexpr std::uint64_t kLargestUnpacked = std::uint64_t(1) << 30;

// The folder inside the archive that holds data.pkl, with its slash.
std::string find_root(const ZipArchive& archive, std::string_view place) {
  constexpr std::string_view kPickle = "data.pkl";
  for (const auto& [name, entry] : archive.entries()) {
    const bool is_pickle = name == kPickle || name.ends_with("/data.pkl");
    if (is_pickle) return name.substr(0, name.size() - kPickle.size());
  }
  fail(place, "is a ZIP archive without data.pkl, so not a PyTorch checkpoint");
}

void check_byte_order(const ZipArchive& archive, const std::string& root, std::string_view place) {
  const std::string name = root + "byteorder";
  if (!archive.entries().contains(name)) return;
  const auto bytes = archive.read_all(name, 64);
  const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (order != "little")
    fail(place, "has byte order {}; only little is supported", in_quotes(order));
}

Entry entry_of(const PickleTensor& tensor, const ZipArchive& archive, const std::string& root) {
  Entry entry;
  entry.dims = tensor.dims;
  entry.strides = tensor.strides;
  const PickleStorage& storage = *tensor.storage;
  if (storage.type == nullptr || !storage.type->dtype) {
    entry.problem = fmt::format("is {}, an element type that is not supported", storage.type_name);
    return entry;
  }
  entry.dtype = *storage.type->dtype;
  const std::uint64_t element_bytes = size_bytes(entry.dtype);
  const auto elements = checked_elements(entry.dims);
  const auto extent = strided_extent(entry.dims, entry.strides);
  const auto total = elements ? checked_product(*elements, element_bytes) : std::nullopt;
  if (!extent || !total) {
    entry.problem = "has an impossible shape";
    return entry;
  }
  if (*extent == 0) return entry;
  const auto found = archive.entries().find(root + "data/" + storage.key);
  if (found == archive.entries().end()) {
    entry.problem =
        fmt::format("needs storage {}, which the archive lacks", in_quotes(storage.key));
    return entry;
  }
  const std::uint64_t held = std::min(storage.elements, found->second.bytes / element_bytes);
  if (tensor.offset > held || *extent > held - tensor.offset) {
    entry.problem = fmt::format("needs elements {} to {} of a storage that holds {}", tensor.offset,
                                tensor.offset + (*extent - 1), held);
    return entry;
  }
  entry.offset_bytes = tensor.offset * element_bytes;
  entry.storage = &found->second;
  return entry;
}

// Walks dictionaries in dictionaries; limits hold for ones that contain themselves, too.
class Collector {
 public:
  Collector(const Pickle& pickle, const ZipArchive& archive, std::string root,
            std::string_view place)
      : pickle_(pickle), archive_(archive), root_(std::move(root)), place_(place) {}

  void add(const PickleDict& dict, const std::string& prefix, int depth, Entries& entries) {
    for (const auto& [key_id, value_id] : dict.items) {
      if (++items_ > kMostItems) fail(place_, "has more than {} dictionary items", kMostItems);
      const std::string name = prefix + key_text(key_id);
      const PickleValue& value = pickle_.values[value_id];
      if (const auto* tensor = std::get_if<std::shared_ptr<const PickleTensor>>(&value)) {
        name_bytes_ += name.size();
        if (name_bytes_ > kMostNameBytes) fail(place_, "has absurdly long tensor names");
        entries.insert_or_assign(name, entry_of(**tensor, archive_, root_));
      } else if (const auto* inner = std::get_if<PickleDict>(&value)) {
        if (depth < kDeepest && name.size() <= kLongestName)
          add(*inner, name + ".", depth + 1, entries);
      }
    }
  }

 private:
  std::string key_text(PickleId id) const {
    if (const auto* text = pickle_.get<std::string>(id)) {
      if (text->size() > kLongestName) fail(place_, "has a key of {} bytes", text->size());
      return *text;
    }
    if (const auto* number = pickle_.get<std::int64_t>(id)) return fmt::format("{}", *number);
    return "?";
  }

  const Pickle& pickle_;
  const ZipArchive& archive_;
  std::string root_;
  std::string_view place_;
  std::size_t items_ = 0, name_bytes_ = 0;
};

const PickleDict& find_tensors(const Pickle& pickle, std::string_view place) {
  const auto* outer = pickle.get<PickleDict>(pickle.root);
  if (outer == nullptr) {
    const auto* opaque = pickle.get<PickleOpaque>(pickle.root);
    fail(place, "holds {}, not a dictionary of tensors; save the model's state_dict instead",
         opaque != nullptr ? "an object " + in_quotes(opaque->what) : "a single value");
  }
  const PickleValue* inner = pickle.find(*outer, "state_dict");
  const auto* dict = inner == nullptr ? outer : std::get_if<PickleDict>(inner);
  if (dict == nullptr) fail(place, "has a state_dict that is not a plain dictionary");
  return *dict;
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return parse(file->bytes(), path.native(), file);
}

std::shared_ptr<const Checkpoint> Checkpoint::parse(std::span<const std::byte> file,
                                                    std::string description,
                                                    std::shared_ptr<const void> owner) {
  std::shared_ptr<Checkpoint> source(new Checkpoint());
  source->description_ = std::move(description);
  source->owner_ = std::move(owner);
  const std::string& place = source->description_;
  source->archive_ = ZipArchive::parse(file, place);
  const std::string root = find_root(source->archive_, place);
  check_byte_order(source->archive_, root, place);
  const auto bytes = source->archive_.read_all(root + "data.pkl", kLargestPickle);
  const Pickle pickle = parse_pickle(bytes, place);
  Collector collector(pickle, source->archive_, root, place);
  collector.add(find_tensors(pickle, place), "", 0, source->entries_);
  if (source->entries_.empty()) fail(place, "holds no tensors");
  return source;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& item : entries_) names.push_back(item.first);
  return names;
}

const Checkpoint::Entry& Checkpoint::readable(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(description_, "has no tensor {}", in_quotes(name));
  const Entry& entry = found->second;
  if (!entry.problem.empty()) fail(description_, "tensor {} {}", in_quotes(name), entry.problem);
  return entry;
}

std::optional<TensorInfo> Checkpoint::find(std::string_view name) const {
  if (!entries_.contains(name)) return std::nullopt;
  const Entry& entry = readable(name);
  return TensorInfo{entry.dtype, entry.dims};
}

void Checkpoint::read(std::string_view name, std::span<std::byte> out) const {
  const Entry& entry = readable(name);
  const std::uint64_t element_bytes = size_bytes(entry.dtype);
  const std::uint64_t total = *checked_elements(entry.dims) * element_bytes;
  if (out.size() != total) {
    fail(description_, "tensor {} has {} bytes, {} were asked for", in_quotes(name), total,
         out.size());
  }
  if (total == 0) return;
  if (is_row_major(entry.dims, entry.strides)) {
    archive_.read(*entry.storage, entry.offset_bytes, out);
    return;
  }
  const std::uint64_t touched = *strided_extent(entry.dims, entry.strides) * element_bytes;
  std::span<const std::byte> stored = archive_.stored(*entry.storage);
  std::vector<std::byte> unpacked;
  if (stored.empty()) {
    if (touched > kLargestUnpacked) {
      fail(description_, "tensor {} lies in a compressed storage of more than {} bytes",
           in_quotes(name), kLargestUnpacked);
    }
    unpacked.resize(touched);
    archive_.read(*entry.storage, entry.offset_bytes, unpacked);
    stored = unpacked;
  } else {
    stored = stored.subspan(entry.offset_bytes, touched);
  }
  copy_strided(entry.dims, entry.strides, element_bytes, stored, out);
}

}  // namespace kiln
