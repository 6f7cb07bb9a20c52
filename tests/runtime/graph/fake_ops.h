// Operations without shaders, so that the planner's tests need no device and no kernel.
#pragma once

#include <string>
#include <utility>

#include "runtime/graph/lowering.h"

namespace kiln::fake {

// A kernel that reads one operand and writes another.
struct CopyKernel {
  struct Args {
    std::uint32_t count = 0;
  };
  struct Constants {
    std::uint32_t workgroup = 64;
  };
  static const KernelInfo& info(DType) {
    static constexpr Access kAccess[] = {Access::read, Access::write};
    static constexpr std::uint32_t kIds[] = {0};
    static constexpr KernelInfo kInfo{.name = "fake/copy",
                                      .operands = kAccess,
                                      .arguments_bytes = 4,
                                      .constant_ids = kIds,
                                      .workgroup = {-1, 1, 1},
                                      .spirv = {}};
    return kInfo;
  }
};

// A kernel that reads two operands and writes a third.
struct AddKernel {
  struct Args {};
  struct Constants {};
  static const KernelInfo& info(DType) {
    static constexpr Access kAccess[] = {Access::read, Access::read, Access::write};
    static constexpr KernelInfo kInfo{.name = "fake/add",
                                      .operands = kAccess,
                                      .constant_ids = {},
                                      .workgroup = {1, 1, 1},
                                      .spirv = {}};
    return kInfo;
  }
};

class Square : public Op {
 public:
  std::string_view name() const override { return "square"; }
  void lower(Lowering& to) const override {
    to.dispatch<CopyKernel>({to.input(0), to.output()}, {.count = 1}, {}, Grid{});
  }
};

// Absorbs a Square that follows; may use scratch.
class Copy : public Op {
 public:
  explicit Copy(std::uint64_t scratch_bytes = 0) : scratch_bytes_(scratch_bytes) {}
  std::string_view name() const override { return "copy"; }
  std::string details() const override { return squared_ ? "squared" : ""; }
  void lower(Lowering& to) const override {
    if (scratch_bytes_ == 0) {
      to.dispatch<CopyKernel>({to.input(0), to.output()}, {.count = 1}, {}, Grid{});
      return;
    }
    const Operand scratch = to.scratch(scratch_bytes_);
    to.dispatch<CopyKernel>({to.input(0), scratch}, {.count = 1}, {}, Grid{});
    to.dispatch<CopyKernel>({scratch, to.output()}, {.count = 1}, {}, Grid{});
  }
  bool absorb(const Node& next, ValueId, std::vector<ValueId>&) override {
    if (squared_ || next.op->name() != "square") return false;
    return squared_ = true;
  }

 private:
  std::uint64_t scratch_bytes_;
  bool squared_ = false;
};

class Add : public Op {
 public:
  std::string_view name() const override { return "add"; }
  void lower(Lowering& to) const override {
    to.dispatch<AddKernel>({to.input(0), to.input(1), to.output()}, {}, {}, Grid{});
  }
};

inline Tensor copy(Tensor x, std::uint64_t scratch_bytes = 0) {
  return x.graph().record(std::make_unique<Copy>(scratch_bytes), {x}, x.shape(), x.dtype());
}
inline Tensor square(Tensor x) {
  return x.graph().record(std::make_unique<Square>(), {x}, x.shape(), x.dtype());
}
inline Tensor add(Tensor a, Tensor b) {
  return a.graph().record(std::make_unique<Add>(), {a, b}, a.shape(), a.dtype());
}

}  // namespace kiln::fake
