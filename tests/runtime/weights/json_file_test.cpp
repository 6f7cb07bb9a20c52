// Config: every wrong value is refused with file, key, value and what was expected.
#include "runtime/weights/json_file.h"

#include "made_files.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

Config parse(std::string_view text) { return Config::parse(text, "c.json"); }

TEST(Config, ReadsValuesOfEveryType) {
  const Config config = parse(R"({"i":3,"f":0.5,"b":true,"t":"x","n":null,"l":[1,2],"r":[0.5,1],)"
                              R"("w":["a","b"],"o":{"k":1}})");
  EXPECT_EQ(config.integer("i", 0, 3), 3);
  EXPECT_EQ(config.number("f", 0, 1), 0.5);
  EXPECT_EQ(config.number("i", 0, 5), 3.0);
  EXPECT_TRUE(config.boolean("b"));
  EXPECT_EQ(config.text("t"), "x");
  EXPECT_EQ(config.integers("l", 0, 9), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(config.numbers("r", 0, 9), (std::vector<double>{0.5, 1}));
  EXPECT_EQ(config.texts("w"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.integers_or_one("i", 3, 0, 9), (std::vector<std::int64_t>{3, 3, 3}));
  EXPECT_EQ(config.integers_or_one("l", 2, 0, 9), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(config.section("o").integer("k", 0, 1), 1);
  EXPECT_EQ(config.section("o").place(), "c.json: o");
  EXPECT_FALSE(config.has("n"));
  EXPECT_TRUE(config.is_list("l"));
  EXPECT_EQ(config.keys().size(), 9u);
}

TEST(Config, AbsentAndNullGiveTheFallback) {
  const Config config = parse(R"({"n":null})");
  EXPECT_EQ(config.integer("n", 0, 9, 4), 4);
  EXPECT_EQ(config.number("absent", 0, 9, 0.5), 0.5);
  EXPECT_EQ(config.boolean("n", true), true);
  EXPECT_EQ(config.text("absent", "y"), "y");
}

TEST(Config, WrongValuesAreNamed) {
  const Config config = parse(
      R"({"i":3,"f":0.5,"s":"x","l":[1,99],"big":18446744073709551615,"neg":-5,"e":[],"a\nb":1})");
  const auto refuses = [&](auto&& get, const char* part) {
    testing::expect_one_line_error([&] { get(); }, part);
  };
  refuses([&] { config.integer("i", 0, 2); }, "[c.json] i is 3, expected an integer from 0 to 2");
  refuses([&] { config.integer("i", 4, 9); }, "i is 3");
  refuses([&] { config.integer("f", 0, 9); }, "f is 0.5, expected an integer");
  refuses([&] { config.integer("s", 0, 9); }, "s is \"x\"");
  refuses([&] { config.integer("big", 0, INT64_MAX); }, "big is 18446744073709551615");
  refuses([&] { config.integer("neg", 0, 9); }, "neg is -5");
  refuses([&] { config.integer("absent", 0, 9); }, "absent is missing");
  refuses([&] { config.integer("s", 0, 9, 1); }, "s is \"x\"");
  refuses([&] { config.number("s", 0, 1); }, "expected a number from 0 to 1");
  refuses([&] { config.number("f", 1, 2); }, "f is 0.5");
  refuses([&] { config.boolean("i"); }, "expected true or false");
  refuses([&] { config.text("i"); }, "expected a text");
  refuses([&] { config.section("i"); }, "expected an object");
  refuses([&] { config.integers("l", 0, 9); }, "l is [1,99], expected a list");
  refuses([&] { config.integers("e", 0, 9); }, "e is []");
  refuses([&] { config.integers("l", 0, 99, 1); }, "a list of 1 to 1 integers");
  refuses([&] { config.integers_or_one("l", 3, 0, 99); }, "or a list of 3");
  refuses([&] { config.texts("l"); }, "expected a list of 1 to 64 texts");
  refuses([&] { config.numbers("s", 0, 1); }, "expected a list");
}

TEST(Config, UnsupportedValuesAreRefusedByName) {
  const Config config = parse(R"({"act":"gelu","flag":true,"scale":2.0,"one":1,"off":false})");
  EXPECT_NO_THROW(config.require_value("absent", {"silu"}));
  EXPECT_NO_THROW(config.require_value("act", {"silu", "gelu"}));
  EXPECT_NO_THROW(config.require_value("flag", {true}));
  EXPECT_NO_THROW(config.require_value("one", {1.0}));
  EXPECT_NO_THROW(config.require_absent("off"));
  testing::expect_one_line_error(
      [&] {
        config.require_value("act", {"silu", "swish"});
      },
      "act is \"gelu\", expected \"silu\" or \"swish\"");
  testing::expect_one_line_error([&] { config.require_value("flag", {false}); }, "flag is true");
  testing::expect_one_line_error([&] { config.require_value("scale", {1.0}); }, "scale is 2.0");
  testing::expect_one_line_error([&] { config.require_absent("flag"); }, "flag is true");
  testing::expect_one_line_error([&] { config.require_absent("off", false); }, "off is false");
}

TEST(Config, RefusesTextThatIsNoObject) {
  const std::string deep = "{\"a\":" + std::string(1000000, '[') + std::string(1000000, ']') + "}";
  const std::vector<testing::BadCase> cases = {
      {"empty", "", "not valid JSON"},
      {"unfinished", "{\"a\":1", "not valid JSON"},
      {"list", "[1]", "not an object"},
      {"number", "7", "not an object"},
      {"trailing comma", "{\"a\":1,}", "not valid JSON"},
      {"comment", "{} // note", "not valid JSON"},
      {"NaN", "{\"a\":NaN}", "not valid JSON"},
      {"infinite", "{\"a\":1e999}", "not valid JSON"},
      {"zero byte", std::string("{}\0", 3), "zero byte"},
      {"invalid UTF-8", "{\"a\":\"\xff\"}", "not valid JSON"},
      {"lone surrogate", R"({"a":"\ud800"})", "not valid JSON"},
      {"key twice", R"({"a":1,"a":2})", "has the key 'a' twice"},
      {"inner key twice", R"({"o":{"a":1,"a":2}})", "has the key 'a' twice"},
      {"deep", deep, "deeper than 64 levels"},
      {"large", std::string((16u << 20) + 1, ' '), "the limit is 16777216"},
      {"a very long word", std::string(100000, 'x'), "not valid JSON"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { parse(bad.file); }, bad.expected_part);
  }
}

TEST(Config, NamesFilesThatCannotBeRead) {
  const testing::TemporaryFolder folder;
  testing::expect_one_line_error([&] { Config::read(folder.path() / "absent.json"); },
                                 "absent.json] cannot be opened: No such file");
  testing::expect_one_line_error([&] { Config::read(folder.path()); }, "is a folder");
  testing::expect_one_line_error([&] { Config::read("/dev/zero"); }, "not a regular file");
  const auto file = folder.write("c.json", R"({"a":1})");
  EXPECT_EQ(Config::read(file).integer("a", 0, 1), 1);
  EXPECT_EQ(Config::read(file).place(), file.native());
}

}  // namespace
}  // namespace kiln
