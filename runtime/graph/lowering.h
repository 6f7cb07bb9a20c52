// Pass 2: ops become dispatches. Lowering is what an op sees while it lowers itself.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "runtime/base/align.h"
#include "runtime/graph/device_profile.h"
#include "runtime/graph/dispatch.h"
#include "runtime/graph/graph.h"
#include "runtime/graph/packing.h"

namespace kiln {

// A weight in the layout a kernel reads; equal (name, packing, element) are one upload.
struct PlannedWeight {
  std::uint32_t source = 0;  // index into Plan::sources
  Packing packing;
  DType element = DType::f32;
  std::uint64_t size_bytes = 0;
  std::string key{};  // "<name>|<packing>|<element>"
  // Kept in host memory and copied into the arena before it is used (Plan::uploads).
  bool streamed = false;
};

// A problem that several kernels could serve.
struct PlannedProblem {
  std::string name;  // "conv 2x64x64x320->320 F16"
  // What could serve it on a device: first what does so when nothing is tuned.
  std::function<std::vector<KernelChoice>(const DeviceProfile& device)> choices;
};

// A kernel generated from a shader has: struct Args; struct Constants; and
// static const KernelInfo& info(DType element).
class Lowering {
 public:
  Lowering(const Graph& graph, const DeviceProfile& device, const KernelChoice& wanted = {})
      : graph_(graph), device_(device), wanted_(wanted) {}

  // Lowers every node; `dispatches`, `weights` and `scratch_bytes` grow.
  void run(const std::vector<Node>& nodes);

  // --- For ops ---
  const DeviceProfile& device() const { return device_; }
  DType element() const { return graph_.element(); }
  // The kernel to prefer where an operation has several: the one wanted everywhere, else that tuned
  // for a problem of this name; none: the best that fits.
  KernelChoice preferred(std::string_view problem) const;
  // Name of the tile to launch the kernel with that was chosen; empty: that of the tuning table.
  std::string_view tile() const { return tile_; }
  void choose_tile(std::string tile) { tile_ = std::move(tile); }
  std::string_view path() const { return node_->path; }
  std::size_t inputs() const { return node_->inputs.size(); }

  const Shape& shape(std::size_t input) const { return value(input).shape; }
  DType dtype(std::size_t input) const { return value(input).dtype; }
  const Shape& output_shape() const { return graph_.values()[node_->output].shape; }
  // Extents of a weight operand as in its file.
  const std::vector<std::int64_t>& dims(std::size_t input) const;

  Operand input(std::size_t index) const;  // weights: as_is layout
  Operand output() const;
  // input(index) is `operand` until the op ends or another one takes its place, and output() as
  // well: for ops that do their work in bands, so that those they call see a band as the whole.
  void replace_input(std::size_t index, const Operand& operand);
  void replace_output(const Operand& operand);
  // True if a value of this many bytes cannot be bound as a whole.
  bool exceeds_binding(std::uint64_t bytes) const { return bytes > device_.max_binding_bytes; }
  Operand packed(std::size_t input, const Packing& packing);
  Operand scratch(std::uint64_t size_bytes);  // lives for this op only

  // Appends a launch of kernel K for the graph's element type. flops: of this launch.
  template <typename K>
  void dispatch(std::initializer_list<Operand> operands, const typename K::Args& arguments,
                const typename K::Constants& constants, Grid grid, std::uint64_t flops = 0) {
    append(K::info(element()), operands, bytes_of(arguments), words_of(constants), grid, flops);
  }

  // True if kernel K for the graph's element type may be chosen: the device can run it, and it is
  // not to be avoided.
  template <typename K>
  bool may_use() const {
    return device_.may_use(K::info(element()));
  }

  // A one-dimensional launch folded into x and y: workgroups number y * grid.x + x, and those at or
  // beyond `workgroups` must do nothing.
  Grid folded(std::uint64_t workgroups) const;

  // Throws Error where an invocation's loops would take more turns than the device allows.
  void require_turns(std::uint64_t turns) const;

  std::vector<Dispatch> dispatches;
  std::vector<PlannedWeight> weights;
  std::vector<PlannedProblem> problems;  // each as often as it was met
  struct Scratch {
    std::uint64_t size_bytes = 0;
    std::uint32_t first_dispatch = 0, last_dispatch = 0;
  };
  std::vector<Scratch> scratches;

 private:
  const Value& value(std::size_t input) const { return graph_.values()[node_->inputs[input]]; }
  void append(const KernelInfo& kernel, std::initializer_list<Operand> operands,
              std::vector<std::byte> arguments, std::vector<std::uint32_t> constants, Grid grid,
              std::uint64_t flops);
  void check(const Dispatch& dispatch) const;

  template <typename Args>
  static std::vector<std::byte> bytes_of(const Args& arguments) {
    static_assert(std::is_trivially_copyable_v<Args>);
    if constexpr (std::is_empty_v<Args>) return {};
    std::vector<std::byte> bytes(sizeof(Args));
    std::memcpy(bytes.data(), &arguments, sizeof(Args));
    return bytes;
  }
  template <typename Constants>
  static std::vector<std::uint32_t> words_of(const Constants& constants) {
    static_assert(std::is_trivially_copyable_v<Constants>);
    if constexpr (std::is_empty_v<Constants>) return {};
    std::vector<std::uint32_t> words(sizeof(Constants) / 4);
    std::memcpy(words.data(), &constants, words.size() * 4);
    return words;
  }

  const Graph& graph_;
  const DeviceProfile& device_;
  KernelChoice wanted_;
  std::string tile_;
  const Node* node_ = nullptr;
  std::uint32_t node_index_ = 0;
  std::map<std::size_t, Operand> replaced_inputs_;
  std::optional<Operand> replaced_output_;
};

}  // namespace kiln
