// The pickle reader executes nothing, whatever the pickle asks for.
#include "runtime/weights/pickle.h"

#include "made_files.h"

namespace kiln {
namespace {

using testing::bytes_of;
using testing::PickleWriter;

// Not operator+: GCC 12 warns of it wrongly (bug 105651).
std::string join(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(part);
  return all;
}

Pickle parse(const std::string& pickle) { return parse_pickle(bytes_of(pickle), "a.pkl"); }

std::string opaque_root(const std::string& text) {
  const Pickle pickle = parse(text);
  const auto* opaque = pickle.get<PickleOpaque>(pickle.root);
  return opaque == nullptr ? "not opaque" : opaque->what;
}

TEST(Pickle, CallsToFunctionsAreOpaqueAndRunNothing) {
  const testing::TemporaryFolder folder;
  const std::string command = join({"touch ", (folder.path() / "pwned").native()});
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"nt", "system"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "exec"},
                                                        {"__builtin__", "eval"},
                                                        {"subprocess", "Popen"},
                                                        {"builtins", "getattr"},
                                                        {"importlib", "import_module"},
                                                        {"torch", "load"},
                                                        {"torch.storage", "_load_from_bytes"},
                                                        {"collections", "OrderedDict.fromkeys"}}) {
    const std::string name_in_full = join({module, ".", name});
    SCOPED_TRACE(name_in_full);
    const auto call = [&, from = module, what = name] {
      return PickleWriter().global(from, what).text(command);
    };
    EXPECT_EQ(opaque_root(call().raw("\x85R").done()), name_in_full);     // REDUCE
    EXPECT_EQ(opaque_root(call().raw("\x85\x81").done()), name_in_full);  // NEWOBJ
    EXPECT_EQ(
        opaque_root(
            PickleWriter().text(module).text(name).raw("\x93").text(command).raw("\x85R").done()),
        name_in_full);  // STACK_GLOBAL
    EXPECT_EQ(opaque_root(PickleWriter()
                              .raw("(")
                              .text(command)
                              .raw("i")
                              .raw(module)
                              .raw("\n")
                              .raw(name)
                              .raw("\n")
                              .done()),
              name_in_full);  // INST
    EXPECT_EQ(
        opaque_root(PickleWriter().raw("(").global(module, name).text(command).raw("o").done()),
        "an object");  // OBJ
  }
  EXPECT_EQ(folder.file_count(), 0u);
}

TEST(Pickle, OtherThingsWithoutDataAreOpaque) {
  EXPECT_EQ(opaque_root(PickleWriter().raw("\x82\x01").done()), "an extension");
  EXPECT_EQ(opaque_root(PickleWriter().raw("\x83\x01\x02").done()), "an extension");
  EXPECT_EQ(opaque_root(PickleWriter().raw("\x8f").done()), "a set");
  EXPECT_EQ(opaque_root(PickleWriter().raw("C\x02xy").done()), "bytes");
  EXPECT_EQ(opaque_root(PickleWriter().text("not a tuple").raw("Q").done()), "a damaged storage");
  EXPECT_EQ(
      opaque_root(PickleWriter().global("torch._utils", "_rebuild_tensor_v2").raw(")R").done()),
      "a damaged tensor");
  // The state of an opaque object is dropped, and so is what is put into it.
  EXPECT_EQ(opaque_root(PickleWriter()
                            .global("a", "B")
                            .raw(")R}b")
                            .text("k")
                            .integer(1)
                            .raw("s")
                            .integer(1)
                            .raw("a")
                            .done()),
            "a.B");
}

TEST(Pickle, ReadsEveryKindOfNumberAndText) {
  const auto number = [](std::string_view opcode) {
    const Pickle pickle = parse(PickleWriter().raw(opcode).done());
    const auto* value = pickle.get<std::int64_t>(pickle.root);
    return value == nullptr ? -999 : *value;
  };
  EXPECT_EQ(number("K\xff"), 255);
  EXPECT_EQ(number("M\x01\x02"), 513);
  EXPECT_EQ(number("J\xff\xff\xff\xff"), -1);
  EXPECT_EQ(number(std::string_view("\x8a\x00", 2)), 0);
  EXPECT_EQ(number("\x8a\x01\xfe"), -2);
  EXPECT_EQ(number(std::string_view("\x8a\x02\xff\x00", 4)), 255);
  EXPECT_EQ(number(std::string_view("\x8b\x01\x00\x00\x00\x05", 6)), 5);
  EXPECT_EQ(opaque_root(PickleWriter().raw("\x8a\x09").raw("123456789").done()), "a large integer");
  const Pickle real =
      parse(PickleWriter().raw(std::string_view("G\x3f\xf8\0\0\0\0\0\0", 9)).done());
  EXPECT_EQ(*real.get<double>(real.root), 1.5);
  for (const std::string& text : {std::string("\x8c\x02hi"), std::string("U\x02hi"),
                                  join({"X", testing::little_endian(2, 4), "hi"}),
                                  join({"T", testing::little_endian(2, 4), "hi"}),
                                  join({"\x8d", testing::little_endian(2, 8), "hi"})}) {
    const Pickle pickle = parse(PickleWriter().raw(text).done());
    EXPECT_EQ(*pickle.get<std::string>(pickle.root), "hi");
  }
}

TEST(Pickle, TheLastValueOfAKeyWins) {
  const Pickle pickle = parse(
      PickleWriter().raw("}").text("k").integer(1).raw("s").text("k").integer(2).raw("s").done());
  const auto* found = pickle.find(*pickle.get<PickleDict>(pickle.root), "k");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(std::get<std::int64_t>(*found), 2);
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Pickle, RefusesDamagedStreams) {
  const std::size_t many = (std::size_t(4) << 20) + 8;
  const std::vector<testing::BadCase> cases = {
      {"empty", "", "ends too early"},
      {"no stop", "\x80\x02}", "ends too early"},
      {"stop on an empty stack", "\x80\x02.", "empty stack"},
      {"text beyond the end", "\x80\x02X\xff\xff\xff\x7fhi", "ends too early"},
      {"text of 2^64 - 1", join({"\x80\x04\x8d", std::string(8, '\xff')}), "ends too early"},
      {"frame beyond the end", "\x80\x04\x95\x01", "ends too early"},
      {"unknown opcode", "\x80\x02\xff.", "opcode 0xff"},
      {"protocol 0 text", "S'os.system'\n.", "opcode 0x53"},
      {"persistent id as text", "Pos\n.", "opcode 0x50"},
      {"memo never stored", "\x80\x02h\x05.", "recalls value 5"},
      {"memo of nothing", "\x80\x02q\x01.", "empty stack"},
      {"no mark", "\x80\x02t.", "no mark"},
      {"odd items", "\x80\x02}(K\x01u.", "key without a value"},
      {"pop under a mark", "\x80\x02K\x01(0.", "empty stack"},
      {"tuple of nothing", "\x80\x02\x87.", "empty stack"},
      {"call of nothing", "\x80\x02)R.", "empty stack"},
      {"class name without end",
       join({"\x80\x02"
             "c",
             std::string(1000, 'a')}),
       "name without an end"},
      {"class named by numbers", "\x80\x04K\x01K\x02\x93.", "names a class"},
      {"too many values", join({"\x80\x02", repeated("K\x01", many)}), "more than 4194304 values"},
      {"too deep a stack", join({"\x80\x02", repeated("N", many)}), "more than 4194304 values"},
      {"too many marks", join({"\x80\x02", repeated("(", many)}), "more than 4194304 marks"},
      {"too large", std::string((std::size_t(64) << 20) + 1, 'N'), "the limit is 67108864"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { parse(bad.file); }, bad.expected_part);
  }
}

}  // namespace
}  // namespace kiln
