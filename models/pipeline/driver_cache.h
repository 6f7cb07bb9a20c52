// The user's cache folder, and names of files in it that hold for one driver version only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "runtime/graph/device_profile.h"

namespace kiln {

// $XDG_CACHE_HOME/kiln or ~/.cache/kiln; empty when neither variable is set.
std::filesystem::path cache_folder();

// Everything that what is remembered of a driver hangs on.
nlohmann::json driver_identity(const DeviceProfile& device);

// <cache_folder()>/<prefix><hash of the identity><suffix>. Throws Error when there is no folder.
std::filesystem::path driver_file(const DeviceProfile& device, std::string_view prefix,
                                  std::string_view suffix);

// Throws Error naming the folder when it cannot be made.
void make_folder_of(const std::filesystem::path& file);

// FNV-1a of 64 bits; start: of bytes before these.
inline constexpr std::uint64_t kHashStart = 0xcbf29ce484222325ull;
std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t start = kHashStart);

}  // namespace kiln
