// One place for all that is kept between runs.
#include "models/pipeline/driver_cache.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/base/error.h"

namespace kiln {

namespace fs = std::filesystem;

fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "kiln";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "kiln";
  return {};
}

nlohmann::json driver_identity(const DeviceProfile& device) {
  return {{"device", device.name},
          {"driver", device.driver},
          {"vendor_id", device.vendor_id},
          {"device_id", device.device_id},
          {"driver_version", device.driver_version}};
}

fs::path driver_file(const DeviceProfile& device, std::string_view prefix,
                     std::string_view suffix) {
  const fs::path folder = cache_folder();
  if (folder.empty()) fail("cache folder", "neither XDG_CACHE_HOME nor HOME is set");
  const std::string text =
      driver_identity(device).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return folder /
         fmt::format("{}{:016x}{}", prefix, hash_of(std::as_bytes(std::span(text))), suffix);
}

void make_folder_of(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(file.parent_path().string(), "cannot be made: {}", error.message());
}

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t start) {
  for (const std::byte byte : bytes) start = (start ^ std::uint8_t(byte)) * 0x100000001b3ull;
  return start;
}

}  // namespace kiln
