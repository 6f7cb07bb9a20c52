// Finds RenderDoc's table of functions in the running program
// (renderdoc.org/docs/in_application_api).
#include "runtime/vulkan/frame_capture.h"

#include <dlfcn.h>

#include <vector>

#include "runtime/base/error.h"

namespace kiln {
namespace {

// Version 1.1.2 of the interface is a table of functions; these are the places of those used here.
constexpr int kVersion = 10102;
constexpr std::size_t kNumberOfCaptures = 13, kCapture = 14, kBegin = 19, kEnd = 21;

using GetInterface = int (*)(int version, void** table);
using NumberOfCaptures = std::uint32_t (*)();
using CaptureFile = std::uint32_t (*)(std::uint32_t index, char* name, std::uint32_t* name_bytes,
                                      std::uint64_t* time);
using Begin = void (*)(void* device, void* window);
using End = std::uint32_t (*)(void* device, void* window);

template <typename Function>
Function function(const void* const* table, std::size_t place) {
  return reinterpret_cast<Function>(const_cast<void*>(table[place]));
}

const void* const* find_interface() {
  void* library = dlopen("librenderdoc.so", RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) {
    fail("capture",
         "RenderDoc is not attached: start the program by `renderdoccmd capture -w COMMAND` or "
         "from its window");
  }
  const auto get = reinterpret_cast<GetInterface>(dlsym(library, "RENDERDOC_GetAPI"));
  void* table = nullptr;
  if (get == nullptr || get(kVersion, &table) != 1 || table == nullptr) {
    fail("capture", "the RenderDoc attached does not offer version 1.1.2 of its interface");
  }
  return static_cast<const void* const*>(table);
}

}  // namespace

void FrameCapture::require() { find_interface(); }

FrameCapture::FrameCapture(const Device& device)
    // A dispatchable handle begins with the pointer by which RenderDoc knows the instance.
    : interface_(find_interface()), device_(*reinterpret_cast<void**>(device.instance())) {}

void FrameCapture::begin() { function<Begin>(interface_, kBegin)(device_, nullptr); }

std::string FrameCapture::end() {
  if (function<End>(interface_, kEnd)(device_, nullptr) != 1) {
    fail("capture", "RenderDoc captured nothing");
  }
  const std::uint32_t last = function<NumberOfCaptures>(interface_, kNumberOfCaptures)() - 1;
  const auto file_of = function<CaptureFile>(interface_, kCapture);
  std::uint32_t size = 0;
  if (file_of(last, nullptr, &size, nullptr) != 1) fail("capture", "RenderDoc names no file");
  std::vector<char> name(size + 1);
  file_of(last, name.data(), &size, nullptr);
  return name.data();
}

}  // namespace kiln
