// Reads Python pickles as data: nothing in them is ever executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/weights/element_type.h"

namespace kiln {

using PickleId = std::uint32_t;  // index into Pickle::values

struct PickleSequence {
  std::vector<PickleId> items;
  bool is_tuple = false;
};
struct PickleDict {
  std::vector<std::pair<PickleId, PickleId>> items;  // in order of writing; a later key wins
};
// A name such as "torch._utils._rebuild_tensor_v2". Never looked up anywhere but in our own table.
struct PickleGlobal {
  std::string name;
};
// Anything this reader has no data for: an instance of a class, the result of an unknown function.
struct PickleOpaque {
  std::string what;
};
struct PickleStorage {
  const ElementType* type = nullptr;  // null: not a type we know
  std::string type_name;
  std::string key;  // the archive's entry is <root>/data/<key>
  std::uint64_t elements = 0;
};
struct PickleTensor {
  std::shared_ptr<const PickleStorage> storage;
  std::uint64_t offset = 0;                 // in elements of the storage
  std::vector<std::int64_t> dims, strides;  // strides in elements
};

using PickleValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, PickleSequence,
                 PickleDict, PickleGlobal, PickleOpaque, std::shared_ptr<const PickleStorage>,
                 std::shared_ptr<const PickleTensor>>;

struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = 0;

  template <typename T>
  const T* get(PickleId id) const {
    return std::get_if<T>(&values[id]);
  }
  // The last value under a text key, or null.
  const PickleValue* find(const PickleDict& dict, std::string_view key) const;
};

inline constexpr std::uint64_t kLargestPickle = std::uint64_t(64) << 20;

// Protocols 2 to 5. Calls to the few functions torch.save writes (see the table in pickle.cpp) are
// replaced by their result as data; every other call, instance or extension becomes PickleOpaque.
// Throws Error "[place] ..." for a stream that is damaged or beyond the limits: 64 MiB, 4 million
// values, 4 million on the stack. Source of the opcodes: CPython, Lib/pickletools.py.
Pickle parse_pickle(std::span<const std::byte> bytes, std::string_view place);

}  // namespace kiln
