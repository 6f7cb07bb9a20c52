// The table of known calls. Sources: torch/_utils.py, torch/serialization.py.
#include "runtime/weights/pickle_calls.h"

#include <array>
#include <optional>

namespace kiln {
namespace {

using Arguments = std::span<const PickleId>;

// What a call copies is bounded, so that many calls on one large value cannot exhaust memory.
constexpr std::size_t kMostExtents = 16;
constexpr std::size_t kLongestKey = 64;

std::optional<std::uint64_t> count_at(const Pickle& pickle, PickleId id) {
  const auto* number = pickle.get<std::int64_t>(id);
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<std::vector<std::int64_t>> counts_at(const Pickle& pickle, PickleId id) {
  const auto* sequence = pickle.get<PickleSequence>(id);
  if (sequence == nullptr || sequence->items.size() > kMostExtents) return std::nullopt;
  std::vector<std::int64_t> counts;
  for (const PickleId item : sequence->items) {
    const auto count = count_at(pickle, item);
    if (!count) return std::nullopt;
    counts.push_back(static_cast<std::int64_t>(*count));
  }
  return counts;
}

// (storage, offset, dims, strides, ...): _rebuild_tensor and _rebuild_tensor_v2.
PickleValue rebuild_tensor(const Pickle& pickle, Arguments arguments) {
  const PickleOpaque damaged{"a damaged tensor"};
  if (arguments.size() < 4) return damaged;
  const auto* storage = pickle.get<std::shared_ptr<const PickleStorage>>(arguments[0]);
  const auto offset = count_at(pickle, arguments[1]);
  auto dims = counts_at(pickle, arguments[2]);
  auto strides = counts_at(pickle, arguments[3]);
  if (storage == nullptr || !offset || !dims || !strides || dims->size() != strides->size()) {
    return damaged;
  }
  PickleTensor tensor{*storage, *offset, std::move(*dims), std::move(*strides)};
  return std::make_shared<const PickleTensor>(std::move(tensor));
}

// As v2, with the element type as the seventh argument and a storage counted in bytes.
PickleValue rebuild_tensor_v3(const Pickle& pickle, Arguments arguments) {
  PickleValue value = rebuild_tensor(pickle, arguments);
  const auto* tensor = std::get_if<std::shared_ptr<const PickleTensor>>(&value);
  const auto* type = arguments.size() < 7 ? nullptr : pickle.get<PickleGlobal>(arguments[6]);
  if (tensor == nullptr || type == nullptr) return PickleOpaque{"a damaged tensor"};
  PickleTensor typed = **tensor;
  const PickleStorage& raw = *typed.storage;
  PickleStorage storage{nullptr, type->name, raw.key, 0};
  if (type->name.starts_with("torch.")) storage.type = find_torch_type(type->name.substr(6));
  if (raw.type != nullptr && storage.type != nullptr) {
    storage.elements = raw.elements / (storage.type->bits / 8) * (raw.type->bits / 8);
  }
  typed.storage = std::make_shared<const PickleStorage>(std::move(storage));
  return std::make_shared<const PickleTensor>(std::move(typed));
}

// Parameters and subclasses wrap a tensor that is already there.
PickleValue first_argument(const Pickle& pickle, Arguments arguments) {
  if (arguments.empty()) return PickleOpaque{"a damaged parameter"};
  const auto* tensor = pickle.get<std::shared_ptr<const PickleTensor>>(arguments[0]);
  if (tensor == nullptr) return PickleOpaque{"a damaged parameter"};
  return *tensor;
}

// Only the empty one: torch.save writes the items after the call.
PickleValue ordered_dict(const Pickle&, Arguments arguments) {
  if (!arguments.empty()) return PickleOpaque{"an OrderedDict made from a list"};
  return PickleDict{};
}

PickleValue size(const Pickle& pickle, Arguments arguments) {
  const auto* extents = arguments.empty() ? nullptr : pickle.get<PickleSequence>(arguments[0]);
  if (extents == nullptr || extents->items.size() > kMostExtents) {
    return PickleOpaque{"a damaged torch.Size"};
  }
  return PickleSequence{extents->items, true};
}

struct KnownCall {
  std::string_view name;
  PickleValue (*result)(const Pickle&, Arguments);
};
constexpr std::array kKnownCalls = {
    KnownCall{"collections.OrderedDict", ordered_dict},
    KnownCall{"torch.Size", size},
    KnownCall{"torch._utils._rebuild_tensor", rebuild_tensor},
    KnownCall{"torch._utils._rebuild_tensor_v2", rebuild_tensor},
    KnownCall{"torch._utils._rebuild_tensor_v3", rebuild_tensor_v3},
    KnownCall{"torch._utils._rebuild_parameter", first_argument},
    KnownCall{"torch._utils._rebuild_parameter_with_state", first_argument},
};

}  // namespace

PickleValue result_of_call(const Pickle& pickle, PickleId function, PickleId arguments) {
  const auto* global = pickle.get<PickleGlobal>(function);
  if (global == nullptr) return PickleOpaque{"the result of a call"};
  const auto* sequence = pickle.get<PickleSequence>(arguments);
  for (const KnownCall& call : kKnownCalls) {
    if (call.name == global->name && sequence != nullptr) {
      return call.result(pickle, sequence->items);
    }
  }
  return PickleOpaque{global->name};
}

PickleValue storage_of_id(const Pickle& pickle, PickleId id) {
  const PickleOpaque damaged{"a damaged storage"};
  const auto* sequence = pickle.get<PickleSequence>(id);
  if (sequence == nullptr || sequence->items.size() < 5) return damaged;
  const auto& items = sequence->items;
  const auto* kind = pickle.get<std::string>(items[0]);
  const auto* type = pickle.get<PickleGlobal>(items[1]);
  const auto* key = pickle.get<std::string>(items[2]);
  const auto elements = count_at(pickle, items[4]);
  const bool whole = kind != nullptr && *kind == "storage" && type != nullptr && key != nullptr &&
                     key->size() <= kLongestKey;
  if (!whole || !elements) return damaged;
  PickleStorage storage{nullptr, type->name, *key, *elements};
  const std::size_t dot = type->name.rfind('.');
  const bool is_class = type->name.starts_with("torch.") && type->name.ends_with("Storage");
  if (is_class) storage.type = find_torch_type(std::string_view(type->name).substr(dot + 1));
  return std::make_shared<const PickleStorage>(std::move(storage));
}

}  // namespace kiln
