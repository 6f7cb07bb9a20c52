// What the pickle machine's opcodes are made of.
#include "runtime/weights/pickle.h"

#include <bit>

#include "runtime/base/error.h"
#include "runtime/weights/pickle_calls.h"
#include "runtime/weights/pickle_machine.h"

namespace kiln {
namespace {

constexpr std::size_t kMostValues = std::size_t(4) << 20;
constexpr std::size_t kLongestName = 256;  // of a module or a class

}  // namespace

PickleMachine::PickleMachine(std::span<const std::byte> bytes, std::string_view place)
    : rest_(bytes), place_(place) {
  pickle_.values = {std::monostate(), true, false};  // kNone, kTrue, kFalse
}

Pickle PickleMachine::run() {
  constexpr std::uint8_t kStop = '.';
  for (auto code = take_number<std::uint8_t>(); code != kStop; code = take_number<std::uint8_t>()) {
    if (!run_pickle_opcode(*this, code)) stop("uses the unsupported opcode 0x{:02x}", code);
  }
  pickle_.root = pop();
  return std::move(pickle_);
}

std::span<const std::byte> PickleMachine::take(std::uint64_t count) {
  if (count > rest_.size()) stop("ends too early");
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

double PickleMachine::take_real() {
  std::uint64_t bits = 0;
  for (const std::byte byte : take(8)) bits = (bits << 8) | std::to_integer<std::uint64_t>(byte);
  return std::bit_cast<double>(bits);
}

std::int64_t PickleMachine::take_signed() {
  return static_cast<std::int32_t>(take_number<std::uint32_t>());
}

std::string PickleMachine::take_text(std::uint64_t count) {
  const auto bytes = take(count);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string PickleMachine::take_line() {
  for (std::size_t i = 0; i < rest_.size() && i <= kLongestName; ++i) {
    if (rest_[i] != std::byte('\n')) continue;
    std::string line = take_text(i);
    take(1);
    return line;
  }
  stop("has a name without an end");
}

void PickleMachine::push_id(PickleId id) {
  if (stack_.size() >= kMostValues) stop("stacks more than {} values", kMostValues);
  stack_.push_back(id);
}

void PickleMachine::push(PickleValue value) {
  if (pickle_.values.size() >= kMostValues) stop("has more than {} values", kMostValues);
  pickle_.values.push_back(std::move(value));
  push_id(static_cast<PickleId>(pickle_.values.size() - 1));
}

void PickleMachine::push_long(std::uint64_t count) {
  const auto bytes = take(count);
  if (count > sizeof(std::int64_t)) return push_opaque("a large integer");
  const bool negative = count > 0 && (bytes.back() & std::byte(0x80)) != std::byte(0);
  std::uint64_t value = negative ? ~std::uint64_t(0) : 0;
  for (std::size_t i = count; i-- > 0;) {
    value = (value << 8) | std::to_integer<std::uint64_t>(bytes[i]);
  }
  push(static_cast<std::int64_t>(value));
}

void PickleMachine::push_bytes(std::uint64_t count) {
  take(count);
  push_opaque("bytes");
}

void PickleMachine::push_tuple(std::size_t count) {
  std::vector<PickleId> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push(PickleSequence{std::move(items), true});
}

void PickleMachine::push_global() {
  const std::string module = take_line();
  push(PickleGlobal{module + "." + take_line()});
}

void PickleMachine::push_stack_global() {
  const PickleId name_id = pop(), module_id = pop();
  const auto* name = pickle_.get<std::string>(name_id);
  const auto* module = pickle_.get<std::string>(module_id);
  const bool named = name != nullptr && module != nullptr && name->size() <= kLongestName &&
                     module->size() <= kLongestName;
  if (!named) stop("names a class without a usable text");
  push(PickleGlobal{*module + "." + *name});
}

void PickleMachine::push_instance() {
  const std::string module = take_line();
  const std::string name = take_line();
  pop_to_mark();
  push(PickleOpaque{module + "." + name});
}

void PickleMachine::push_call() {
  const PickleId arguments = pop(), function = pop();
  push(result_of_call(pickle_, function, arguments));
}

void PickleMachine::push_storage() {
  const PickleId id = pop();
  push(storage_of_id(pickle_, id));
}

PickleId PickleMachine::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

PickleId PickleMachine::top() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) stop("takes from an empty stack");
  return stack_.back();
}

void PickleMachine::mark() {
  if (marks_.size() >= kMostValues) stop("has more than {} marks", kMostValues);
  marks_.push_back(stack_.size());
}

std::vector<PickleId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) stop("has no mark where one is needed");
  const std::size_t first = marks_.back();
  marks_.pop_back();
  std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.end());
  stack_.resize(first);
  return items;
}

void PickleMachine::append(const std::vector<PickleId>& items) {
  auto* list = std::get_if<PickleSequence>(&pickle_.values[top()]);
  if (list == nullptr || list->is_tuple) return;
  list->items.insert(list->items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(const std::vector<PickleId>& keys_and_values) {
  if (keys_and_values.size() % 2 != 0) stop("has a key without a value");
  auto* dict = std::get_if<PickleDict>(&pickle_.values[top()]);
  for (std::size_t i = 0; dict != nullptr && i < keys_and_values.size(); i += 2) {
    dict->items.emplace_back(keys_and_values[i], keys_and_values[i + 1]);
  }
}

void PickleMachine::set_item() {
  const PickleId value = pop(), key = pop();
  set_items({key, value});
}

void PickleMachine::remember(std::uint64_t slot) {
  if (memo_.size() >= kMostValues) stop("remembers more than {} values", kMostValues);
  memo_[slot] = top();
}

void PickleMachine::recall(std::uint32_t slot) {
  const auto found = memo_.find(slot);
  if (found == memo_.end()) stop("recalls value {}, which it never stored", slot);
  push_id(found->second);
}

const PickleValue* Pickle::find(const PickleDict& dict, std::string_view key) const {
  const PickleValue* found = nullptr;
  for (const auto& [name, value] : dict.items) {
    const auto* text = get<std::string>(name);
    if (text != nullptr && *text == key) found = &values[value];
  }
  return found;
}

Pickle parse_pickle(std::span<const std::byte> bytes, std::string_view place) {
  if (bytes.size() > kLargestPickle) {
    fail(place, "holds a pickle of {} bytes; the limit is {}", bytes.size(), kLargestPickle);
  }
  return PickleMachine(bytes, place).run();
}

}  // namespace kiln
