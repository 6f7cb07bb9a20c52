// Feeds any text to the configuration reader and asks for each key in every way.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/weights/json_file.h"

namespace {

template <typename Get>
void attempt(Get get) {
  try {
    get();
  } catch (const kiln::Error&) {  // another type, or out of range
  }
}

void ask(const kiln::Config& config, const std::string& key) {
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHigh = std::numeric_limits<std::int64_t>::max();
  attempt([&] { config.integer(key, 1, 100); });
  attempt([&] { config.integer(key, kLow, kHigh); });
  attempt([&] { config.number(key, -1.0, 1.0); });
  attempt([&] { config.boolean(key); });
  attempt([&] { config.text(key); });
  attempt([&] { config.integers(key, 0, kHigh); });
  attempt([&] { config.integers_or_one(key, 4, kLow, 0); });
  attempt([&] { config.numbers(key, 0.0, 1.0); });
  attempt([&] { config.texts(key); });
  attempt([&] { config.require_value(key, {"silu"}); });
  attempt([&] { config.require_value(key, {1.0}); });
  attempt([&] { config.require_absent(key); });
  attempt([&] { config.section(key).keys(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = kiln::Config::parse(text, "fuzz");
    for (const std::string& key : config.keys()) ask(config, key);
  } catch (const kiln::Error&) {  // no JSON object
  }
  return 0;
}
