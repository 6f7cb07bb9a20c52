// What a shader says about itself, as plain data; generated from its SPIR-V.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/graph/dtype.h"

namespace kiln {

enum class Access : std::uint8_t { read, write, read_write };

constexpr bool writes(Access access) { return access != Access::read; }

// Device features a module's own capability list asks for, as bits of KernelInfo::needs.
enum Need : std::uint32_t {
  kNeedNothing = 0,
  kNeedStorage16 = 1u << 0,  // 16-bit values in storage buffers
  kNeedFloat16 = 1u << 1,    // 16-bit float arithmetic
  kNeedStorage8 = 1u << 2,   // 8-bit values in storage buffers
  kNeedInt8 = 1u << 3,       // 8-bit integer arithmetic
  kNeedInt16 = 1u << 4,      // 16-bit integer arithmetic
  kNeedInt64 = 1u << 5,      // 64-bit integer arithmetic
  kNeedSubgroupBasic = 1u << 6,
  kNeedSubgroupArithmetic = 1u << 7,
  kNeedSubgroupBallot = 1u << 8,  // includes broadcast
  kNeedSubgroupShuffle = 1u << 9,
  kNeedCooperativeMatrix = 1u << 10,  // VK_KHR_cooperative_matrix
  kNeedMemoryModel = 1u << 11,        // Vulkan memory model
  kNeedIntegerDot = 1u << 12,
  kNeedMixedDot = 1u << 13,  // dot product of pairs of 16-bit floats, added to a 32-bit one
};

// One compiled module: a shader for one element type.
struct KernelInfo {
  std::string_view name;                        // "norm/group_norm"
  DType element = DType::f32;                   // what `element` is in the shader (f32 when unused)
  std::span<const Access> operands;             // binding i is operand i
  std::uint32_t arguments_bytes = 0;            // push constants
  std::span<const std::uint32_t> constant_ids;  // specialization constants, as in `Constants`
  std::uint32_t needs = kNeedNothing;           // Need bits
  std::array<std::int32_t, 3> workgroup = {};   // extents; -1 - i means "constant number i"
  std::int32_t subgroup_constant = -1;          // which constant is the size subgroups must have
  std::span<const std::uint32_t> spirv;

  // The size that subgroups must have with these values of the constants; 0: any.
  std::uint32_t subgroup(std::span<const std::uint32_t> constants) const {
    return subgroup_constant < 0 || constants.empty() ? 0
                                                      : constants[std::size_t(subgroup_constant)];
  }
};

}  // namespace kiln
