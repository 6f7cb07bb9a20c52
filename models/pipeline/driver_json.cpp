// Format, driver and contents; whatever else a file holds makes it foreign.
#include "models/pipeline/driver_json.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "models/pipeline/driver_cache.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr int kDepth = 4;

nlohmann::json checked_contents(const DriverJson& of, const DeviceProfile& device) {
  const nlohmann::json json = read_json(of.file(device), {.bytes = of.most_bytes, .depth = kDepth});
  if (!json.is_object() || json.value("format", 0) != kFormat) fail("", "it has another format");
  if (json.value("driver", nlohmann::json{}) != driver_identity(device)) {
    fail("", "it is of another device or driver");
  }
  return json.at(std::string(of.key));
}

}  // namespace

fs::path DriverJson::file(const DeviceProfile& device) const {
  return driver_file(device, prefix, ".json");
}

void DriverJson::read(const DeviceProfile& device,
                      const std::function<void(const nlohmann::json&)>& parse,
                      const std::function<void(std::string_view)>& warn) const {
  if (cache_folder().empty()) return;
  const fs::path path = file(device);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  try {
    parse(checked_contents(*this, device));
  } catch (const std::exception& error) {
    if (!warn) return;
    warn(fmt::format("{} in '{}' is ignored: {}", what, path.string(), json_complaint(error)));
  }
}

void DriverJson::write(const DeviceProfile& device, const nlohmann::json& contents) const {
  const fs::path path = file(device);
  if (contents.empty()) {
    std::error_code error;
    fs::remove(path, error);
    if (error) fail(path.string(), "cannot be removed: {}", error.message());
    return;
  }
  make_folder_of(path);
  const nlohmann::json json = {
      {"format", kFormat}, {"driver", driver_identity(device)}, {std::string(key), contents}};
  const std::string text =
      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_file(path, std::as_bytes(std::span(text)));
}

}  // namespace kiln
