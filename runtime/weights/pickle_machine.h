// The pickle machine: a stack, marks and a memo. Its opcodes are the table in pickle_opcodes.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/weights/pickle.h"

namespace kiln {

class PickleMachine {
 public:
  static constexpr PickleId kNone = 0, kTrue = 1, kFalse = 2;

  // place: the file, for messages.
  PickleMachine(std::span<const std::byte> bytes, std::string_view place);

  // Runs to the STOP opcode.
  Pickle run();

  // What the opcodes are made of. Each throws Error when the stream ends, the stack has nothing to
  // take, or a limit is passed.
  std::span<const std::byte> take(std::uint64_t count);
  template <typename T>
  T take_number() {  // little endian
    T value = 0;
    const auto bytes = take(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>(value | (std::to_integer<T>(bytes[i]) << (8 * i)));
    }
    return value;
  }
  double take_real();          // big endian, 8 bytes
  std::int64_t take_signed();  // 4 bytes
  std::string take_text(std::uint64_t count);
  std::string take_line();  // up to a newline, which is dropped

  void push_id(PickleId id);
  void push(PickleValue value);
  void push_opaque(const char* what) { push(PickleOpaque{what}); }
  void push_long(std::uint64_t count);  // an integer of so many bytes
  void push_bytes(std::uint64_t count);
  void push_tuple(std::size_t count);  // of the topmost values
  void push_global();                  // named by two lines of text
  void push_stack_global();            // named by the two topmost texts
  void push_instance();
  void push_call();
  void push_storage();

  PickleId pop();
  PickleId top();
  void mark();
  std::vector<PickleId> pop_to_mark();

  // Into what is on top of the stack; dropped when that is opaque.
  void append(const std::vector<PickleId>& items);
  void set_items(const std::vector<PickleId>& keys_and_values);
  void set_item();

  void remember(std::uint64_t slot);  // what is on top
  void recall(std::uint32_t slot);
  std::size_t memo_size() const { return memo_.size(); }

 private:
  template <typename... Values>
  [[noreturn]] void stop(fmt::format_string<Values...> text, Values&&... values) const {
    fail(place_, "its pickle {}", fmt::format(text, std::forward<Values>(values)...));
  }

  std::span<const std::byte> rest_;
  std::string_view place_;
  Pickle pickle_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleId> memo_;
};

// Runs one opcode other than STOP. False when there is no such opcode.
bool run_pickle_opcode(PickleMachine& machine, std::uint8_t code);

}  // namespace kiln
