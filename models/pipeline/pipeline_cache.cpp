// The driver's bytes behind a header of ours: drivers differ in how well they check what they read.
#include "models/pipeline/pipeline_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/all.h"
#include "models/pipeline/driver_cache.h"
#include "runtime/base/error.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "pipelines-", kSuffix = ".bin";
constexpr std::size_t kMostFiles = 8;  // of all devices, drivers and builds

struct Header {
  std::array<char, 8> magic = {'K', 'I', 'L', 'N', 'P', 'I', 'P', '1'};
  std::uint64_t driver = 0;  // hash of its file's name, which hangs on driver and kernels
  std::uint64_t size_bytes = 0;
  std::uint64_t checksum = 0;
};

// What Vulkan demands of the driver's own first bytes: size, version, vendor and device.
constexpr std::size_t kVulkanHeaderBytes = 32;

std::uint64_t kernels_hash() {
  std::uint64_t hash = kHashStart;
  for (const KernelInfo* kernel : kernels::all()) {
    hash = hash_of(std::as_bytes(kernel->spirv), hash);
  }
  return hash;
}

Header header_of(const fs::path& file, std::span<const std::byte> pipelines) {
  Header header;
  const std::string name = file.filename().string();
  header.driver = hash_of(std::as_bytes(std::span(name)));
  header.size_bytes = pipelines.size();
  header.checksum = hash_of(pipelines);
  return header;
}

bool is_of_device(std::span<const std::byte> pipelines, const DeviceProfile& device) {
  std::array<std::uint32_t, 4> words = {};
  if (pipelines.size() < kVulkanHeaderBytes) return false;
  std::memcpy(words.data(), pipelines.data(), sizeof(words));
  constexpr std::uint32_t kVersion = 1;  // VK_PIPELINE_CACHE_HEADER_VERSION_ONE
  return words[0] >= kVulkanHeaderBytes && words[1] == kVersion && words[2] == device.vendor_id &&
         words[3] == device.device_id;
}

// Throws Error with the reason alone.
std::vector<std::byte> checked(const fs::path& file, const DeviceProfile& device) {
  const auto mapped = MappedFile::open(file);
  const std::span<const std::byte> bytes = mapped->bytes();
  Header header;
  if (bytes.size() < sizeof(header)) throw Error("it is truncated");
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::span<const std::byte> pipelines = bytes.subspan(sizeof(header));
  if (header.magic != Header{}.magic) throw Error("it is no file of Kiln's");
  if (header.size_bytes != pipelines.size()) throw Error("it is truncated");
  const Header right = header_of(file, pipelines);
  if (header.driver != right.driver) throw Error("it is of another driver or build");
  if (header.checksum != right.checksum) throw Error("it is damaged");
  if (!is_of_device(pipelines, device)) throw Error("it is of another device");
  return {pipelines.begin(), pipelines.end()};
}

// Builds and drivers come and go; what they left is found by its name alone. Another process may
// remove the same files at once.
void remove_oldest(const fs::path& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    files.emplace_back(entry->last_write_time(ignored), entry->path());
  }
  if (files.size() <= kMostFiles) return;
  std::sort(files.begin(), files.end());
  files.resize(files.size() - kMostFiles);
  for (const auto& [time, file] : files) fs::remove(file, ignored);
}

}  // namespace

fs::path pipeline_cache_file(const DeviceProfile& device) {
  return driver_file(device, fmt::format("{}{:016x}-", kPrefix, kernels_hash()), kSuffix);
}

std::vector<std::byte> read_pipeline_cache(const DeviceProfile& device,
                                           const std::function<void(std::string_view)>& warn) {
  if (cache_folder().empty()) return {};
  const fs::path file = pipeline_cache_file(device);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  try {
    return checked(file, device);
  } catch (const Error& error) {
    if (warn) {
      warn(fmt::format("pipelines kept in '{}' are ignored: {}", file.string(), error.what()));
    }
    return {};
  }
}

void write_pipeline_cache(const DeviceProfile& device, std::span<const std::byte> pipelines) {
  const fs::path file = pipeline_cache_file(device);
  make_folder_of(file);
  const Header header = header_of(file, pipelines);
  OutputFile out(file);
  out.write(std::as_bytes(std::span(&header, 1)));
  out.write(pipelines);
  out.commit();
  remove_oldest(file.parent_path());
}

}  // namespace kiln
