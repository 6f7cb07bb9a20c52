// FrameCapture: RenderDoc's in-application interface, where the program runs under RenderDoc.
#pragma once

#include <string>

#include "runtime/vulkan/device.h"

namespace kiln {

// Captures the work submitted between begin() and end(). RenderDoc loads itself into a program as a
// Vulkan layer; this never loads it.
class FrameCapture {
 public:
  // Throws Error that says how to start the program when RenderDoc is not there.
  static void require();

  explicit FrameCapture(const Device& device);

  void begin();
  // All work of the capture must have completed. The file RenderDoc wrote. Throws Error if none.
  std::string end();

 private:
  const void* const* interface_;
  void* device_;  // what RenderDoc calls the device
};

}  // namespace kiln
