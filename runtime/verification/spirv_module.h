// SpirvModule: a compute module from anywhere, described as the engine describes its own kernels.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/kernel_info.h"

namespace kiln {

// Default values of specialization constants, one for each of ids, as the module's source says;
// 0 for those it does not have. words: valid SPIR-V.
std::vector<std::uint32_t> default_constants(std::span<const std::uint32_t> words,
                                             std::span<const std::uint32_t> ids);

class SpirvModule {
 public:
  // file: SPIR-V in this machine's byte order, at most 16 MiB. Its needs are read from its
  // capabilities; buffers must be in set 0. Throws Error naming the file and what is wrong with it,
  // such as a capability the engine does not know.
  explicit SpirvModule(const std::string& file);
  SpirvModule(const SpirvModule&) = delete;
  SpirvModule& operator=(const SpirvModule&) = delete;

  // Named after the file. As many operands as its highest binding asks for, and room for 128 bytes
  // of arguments. Specialization constants keep their defaults.
  const KernelInfo& info() const { return info_; }

 private:
  std::string name_;
  std::vector<std::uint32_t> words_;
  std::vector<Access> operands_;
  KernelInfo info_;
};

}  // namespace kiln
