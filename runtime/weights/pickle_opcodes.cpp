// The opcodes of pickle protocols 2 to 5 as a table. Source: CPython, Lib/pickletools.py.
#include <array>

#include "runtime/weights/pickle_machine.h"

namespace kiln {
namespace {

using M = PickleMachine;
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

struct Opcode {
  u8 code;
  const char* name;
  void (*run)(PickleMachine&);
};

constexpr std::array kOpcodes = {
    Opcode{0x80, "PROTO", [](M& m) { m.take(1); }},
    Opcode{0x95, "FRAME", [](M& m) { m.take(8); }},
    // Constants.
    Opcode{'N', "NONE", [](M& m) { m.push_id(M::kNone); }},
    Opcode{0x88, "NEWTRUE", [](M& m) { m.push_id(M::kTrue); }},
    Opcode{0x89, "NEWFALSE", [](M& m) { m.push_id(M::kFalse); }},
    Opcode{'K', "BININT1", [](M& m) { m.push(std::int64_t(m.take_number<u8>())); }},
    Opcode{'M', "BININT2", [](M& m) { m.push(std::int64_t(m.take_number<u16>())); }},
    Opcode{'J', "BININT", [](M& m) { m.push(m.take_signed()); }},
    Opcode{0x8a, "LONG1", [](M& m) { m.push_long(m.take_number<u8>()); }},
    Opcode{0x8b, "LONG4", [](M& m) { m.push_long(m.take_number<u32>()); }},
    Opcode{'G', "BINFLOAT", [](M& m) { m.push(m.take_real()); }},
    Opcode{0x8c, "SHORT_BINUNICODE", [](M& m) { m.push(m.take_text(m.take_number<u8>())); }},
    Opcode{'X', "BINUNICODE", [](M& m) { m.push(m.take_text(m.take_number<u32>())); }},
    Opcode{0x8d, "BINUNICODE8", [](M& m) { m.push(m.take_text(m.take_number<u64>())); }},
    Opcode{'U', "SHORT_BINSTRING", [](M& m) { m.push(m.take_text(m.take_number<u8>())); }},
    Opcode{'T', "BINSTRING", [](M& m) { m.push(m.take_text(m.take_number<u32>())); }},
    Opcode{'C', "SHORT_BINBYTES", [](M& m) { m.push_bytes(m.take_number<u8>()); }},
    Opcode{'B', "BINBYTES", [](M& m) { m.push_bytes(m.take_number<u32>()); }},
    Opcode{0x8e, "BINBYTES8", [](M& m) { m.push_bytes(m.take_number<u64>()); }},
    Opcode{0x96, "BYTEARRAY8", [](M& m) { m.push_bytes(m.take_number<u64>()); }},
    // The stack.
    Opcode{'(', "MARK", [](M& m) { m.mark(); }},
    Opcode{'0', "POP", [](M& m) { m.pop(); }},
    Opcode{'1', "POP_MARK", [](M& m) { m.pop_to_mark(); }},
    Opcode{'2', "DUP", [](M& m) { m.push_id(m.top()); }},
    // Tuples, lists, sets.
    Opcode{')', "EMPTY_TUPLE", [](M& m) { m.push_tuple(0); }},
    Opcode{0x85, "TUPLE1", [](M& m) { m.push_tuple(1); }},
    Opcode{0x86, "TUPLE2", [](M& m) { m.push_tuple(2); }},
    Opcode{0x87, "TUPLE3", [](M& m) { m.push_tuple(3); }},
    Opcode{'t', "TUPLE",
           [](M& m) {
             m.push(PickleSequence{m.pop_to_mark(), true});
           }},
    Opcode{']', "EMPTY_LIST", [](M& m) { m.push(PickleSequence{}); }},
    Opcode{'l', "LIST",
           [](M& m) {
             m.push(PickleSequence{m.pop_to_mark(), false});
           }},
    Opcode{'a', "APPEND", [](M& m) { m.append({m.pop()}); }},
    Opcode{'e', "APPENDS", [](M& m) { m.append(m.pop_to_mark()); }},
    Opcode{0x8f, "EMPTY_SET", [](M& m) { m.push_opaque("a set"); }},
    Opcode{0x90, "ADDITEMS", [](M& m) { m.pop_to_mark(); }},
    Opcode{0x91, "FROZENSET", [](M& m) { m.pop_to_mark(), m.push_opaque("a set"); }},
    // Dictionaries.
    Opcode{'}', "EMPTY_DICT", [](M& m) { m.push(PickleDict{}); }},
    Opcode{'s', "SETITEM", [](M& m) { m.set_item(); }},
    Opcode{'u', "SETITEMS", [](M& m) { m.set_items(m.pop_to_mark()); }},
    // The memo.
    Opcode{'q', "BINPUT", [](M& m) { m.remember(m.take_number<u8>()); }},
    Opcode{'r', "LONG_BINPUT", [](M& m) { m.remember(m.take_number<u32>()); }},
    Opcode{0x94, "MEMOIZE", [](M& m) { m.remember(m.memo_size()); }},
    Opcode{'h', "BINGET", [](M& m) { m.recall(m.take_number<u8>()); }},
    Opcode{'j', "LONG_BINGET", [](M& m) { m.recall(m.take_number<u32>()); }},
    // Names, calls and objects: data at most, never executed.
    Opcode{'c', "GLOBAL", [](M& m) { m.push_global(); }},
    Opcode{0x93, "STACK_GLOBAL", [](M& m) { m.push_stack_global(); }},
    Opcode{'R', "REDUCE", [](M& m) { m.push_call(); }},
    Opcode{0x81, "NEWOBJ", [](M& m) { m.push_call(); }},
    Opcode{0x92, "NEWOBJ_EX", [](M& m) { m.pop(), m.push_call(); }},
    Opcode{'i', "INST", [](M& m) { m.push_instance(); }},
    Opcode{'o', "OBJ", [](M& m) { m.pop_to_mark(), m.push_opaque("an object"); }},
    Opcode{'b', "BUILD", [](M& m) { m.pop(), m.top(); }},  // the object's state is dropped
    Opcode{'Q', "BINPERSID", [](M& m) { m.push_storage(); }},
    Opcode{0x82, "EXT1", [](M& m) { m.take(1), m.push_opaque("an extension"); }},
    Opcode{0x83, "EXT2", [](M& m) { m.take(2), m.push_opaque("an extension"); }},
    Opcode{0x84, "EXT4", [](M& m) { m.take(4), m.push_opaque("an extension"); }},
    Opcode{0x97, "NEXT_BUFFER", [](M& m) { m.push_opaque("a buffer"); }},
    Opcode{0x98, "READONLY_BUFFER", [](M& m) { m.top(); }},
};

constexpr auto kByCode = [] {
  std::array<void (*)(PickleMachine&), 256> table{};
  for (const Opcode& opcode : kOpcodes) table[opcode.code] = opcode.run;
  return table;
}();

}  // namespace

bool run_pickle_opcode(PickleMachine& machine, std::uint8_t code) {
  if (kByCode[code] == nullptr) return false;
  kByCode[code](machine);
  return true;
}

}  // namespace kiln
