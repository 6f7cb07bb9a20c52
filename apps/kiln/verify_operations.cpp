// Single operations at the sizes of real models, on inputs that come from an integer hash.
#include <cmath>
#include <cstring>

#include "apps/kiln/tape_run.h"
#include "apps/kiln/verify.h"
#include "models/pipeline/host_data.h"
#include "runtime/base/error.h"
#include "runtime/execution/open_device.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/numbers.h"

namespace kiln::app {
namespace {

std::vector<float> hashed(const nlohmann::json& input) {
  std::uint64_t count = 1;
  for (const nlohmann::json& extent : input.at("shape")) count *= extent.get<std::uint64_t>();
  return reference::numbers(count, input.at("seed"), input.at("scale"));
}

class OperationCheck {
 public:
  OperationCheck(const VerifyOptions& options, const GoldenFolder& golden, Report& report)
      : options_(options),
        golden_(golden),
        report_(report),
        device_({.selector = options.device, .on_message = {}}) {
    device_.avoid(options.avoid);
  }

  void run(const std::string& name, const nlohmann::json& entry) {
    name_ = name;
    entry_ = &entry;
    // One executor a case: weights are kept for an executor's life, and these are large.
    Executor executor(device_.device());
    executor_ = &executor;
    const std::string kind = entry.at("kind");
    if (kind == "conv") return convolution();
    if (kind == "linear") return product();
    if (kind == "attn") return attend();
    if (kind == "gn" || kind == "ln") return normalize(kind == "gn");
    if (kind == "softmax") return softmax();
    if (kind == "up") return upsample();
    if (kind == "geglu" || kind == "act") return elementwise(kind == "geglu");
    report_.unsupported.push_back("ops/" + name + ": operations of kind " + kind);
  }

 private:
  const nlohmann::json& at(const char* key) const { return entry_->at(key); }
  std::uint32_t number(const char* key) const { return at(key).get<std::uint32_t>(); }
  std::vector<float> input(const char* key) const { return hashed(at("inputs").at(key)); }
  DType element() const { return options_.half() ? DType::f16 : DType::f32; }

  Tensor constant(Graph& graph, const char* key) const {
    std::vector<std::int64_t> dims = at("inputs").at(key).at("shape");
    return graph.constant({.name = name_ + "." + key,
                           .dims = std::move(dims),
                           .read = [values = input(key)](std::span<std::byte> out) {
                             std::memcpy(out.data(), values.data(), out.size());
                           }});
  }

  std::vector<float> run_one(const std::vector<TapeInput>& inputs,
                             const std::function<Tensor(Graph&, const std::vector<Tensor>&)>& op) {
    const TapeOutput output = run_tape(*executor_, element(), inputs, op)[0];
    const bool picture = at("output_shape").size() == 4;
    return picture ? to_channels_first(output.values, output.shape) : output.values;
  }

  // Samples of the result, and sums of its sixteen equal parts, where errors of one sign show.
  void check(const std::vector<float>& got, double half_bound = 1e-3) {
    const std::string prefix = name_ + "/";
    std::vector<float> samples;
    for (const std::int64_t index : golden_.integers(prefix + "index")) {
      samples.push_back(got.at(std::size_t(index)));
    }
    const double bound = options_.half() ? half_bound : entry_->contains("offset") ? 1e-3 : 1e-5;
    report_.comparisons.push_back(
        compare("ops/" + name_, samples, golden_.values(prefix + "value"), bound));
    std::vector<float> sums(16);
    const std::size_t part = got.size() / sums.size();
    for (std::size_t i = 0; i < sums.size(); ++i) {
      double sum = 0;
      for (std::size_t j = i * part; j < (i + 1) * part; ++j) sum += got[j];
      sums[i] = float(sum);
    }
    report_.comparisons.push_back(compare("ops/" + name_ + " (sums)", sums,
                                          golden_.values(prefix + "block_sums"), 10 * bound));
  }

  TapeInput picture(const char* key, Shape shape) const {
    std::vector<float> values = input(key);
    if (entry_->contains("offset")) {
      for (float& value : values) value += at("offset").get<float>();
    }
    return {shape, element(), to_channels_last(values, shape)};
  }

  void convolution() {
    const Shape shape{number("n"), number("h"), number("w"), number("ci")};
    check(run_one({picture("x", shape)}, [&](Graph& graph, const std::vector<Tensor>& in) {
      return conv2d(in[0], constant(graph, "weight"), constant(graph, "bias"),
                    {.stride = number("stride")}, name_);
    }));
  }

  void product() {
    check(run_one({{{1, 1, number("m"), number("ci")}, element(), input("x")}},
                  [&](Graph& graph, const std::vector<Tensor>& in) {
                    return linear(in[0], constant(graph, "weight"), constant(graph, "bias"), name_);
                  }));
  }

  // [n, heads, tokens, d] and [n, tokens, heads * d]: the middle axes change places.
  static std::vector<float> exchange(const std::vector<float>& values, std::uint32_t n,
                                     std::uint32_t a, std::uint32_t b, std::uint32_t d) {
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t y = 0; y < a; ++y) {
        for (std::size_t x = 0; x < b; ++x) {
          std::copy_n(values.begin() + std::ptrdiff_t(((i * a + y) * b + x) * d), d,
                      result.begin() + std::ptrdiff_t(((i * b + x) * a + y) * d));
        }
      }
    }
    return result;
  }

  void attend() {
    const std::uint32_t n = number("n"), heads = number("heads"), d = number("d");
    const auto sequence = [&](const char* key, std::uint32_t tokens) {
      return TapeInput{
          {n, 1, tokens, heads * d}, element(), exchange(input(key), n, heads, tokens, d)};
    };
    const bool causal = entry_->value("causal", false);
    const TapeOutput output = run_tape(
        *executor_, element(),
        {sequence("q", number("q")), sequence("k", number("kv")), sequence("v", number("kv"))},
        [&](Graph&, const std::vector<Tensor>& in) {
          return attention(in[0], in[1], in[2], heads, causal, name_);
        })[0];
    check(exchange(output.values, n, number("q"), heads, d), 3e-3);
  }

  void normalize(bool group) {
    const Shape shape = group ? Shape{number("n"), number("h"), number("w"), number("c")}
                              : Shape{1, 1, number("m"), number("c")};
    if (options_.half() && entry_->contains("offset")) {
      report_.unsupported.push_back("ops/" + name_ + ": meant for float32 inputs");
      return;
    }
    const float epsilon = at("eps");
    const TapeInput x = group ? picture("x", shape) : TapeInput{shape, element(), input("x")};
    check(run_one({x}, [&](Graph& graph, const std::vector<Tensor>& in) {
      const Tensor scale = constant(graph, "weight"), shift = constant(graph, "bias");
      return group ? group_norm(in[0], scale, shift, number("groups"), epsilon, name_)
                   : layer_norm(in[0], scale, shift, epsilon, name_);
    }));
  }

  // There is no softmax alone; attention shows it. Query r picks row r of x out of the keys, and
  // the values of head h are one-hot for its share of the columns, so the result is softmax(x).
  void softmax() {
    const std::uint32_t rows = number("m"), columns = number("c"), heads = columns / rows;
    const std::vector<float> x = input("x");
    const float unit = std::sqrt(float(rows));  // undoes attention's scale; 8 for 64 rows
    std::vector<float> q(std::size_t(rows) * columns), k(std::size_t(columns) * columns),
        v(std::size_t(columns) * columns);
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t r = 0; r < rows; ++r) q[r * columns + h * rows + r] = unit;
      for (std::size_t j = 0; j < columns; ++j) {
        for (std::size_t r = 0; r < rows; ++r) {
          k[j * columns + h * rows + r] = x[r * columns + j];
        }
        if (j / rows == h) v[j * columns + j] = 1;
      }
    }
    check(run_one({{{1, 1, rows, columns}, element(), q},
                   {{1, 1, columns, columns}, element(), k},
                   {{1, 1, columns, columns}, element(), v}},
                  [&](Graph&, const std::vector<Tensor>& in) {
                    return attention(in[0], in[1], in[2], heads, false, name_);
                  }),
          2e-2);
  }

  void upsample() {
    const Shape shape{number("n"), number("h"), number("w"), number("c")};
    check(run_one({picture("x", shape)}, [&](Graph&, const std::vector<Tensor>& in) {
      return upsample_nearest(in[0], number("oh"), number("ow"), name_);
    }));
  }

  void elementwise(bool gated) {
    const Shape shape =
        gated ? Shape{1, 1, number("m"), number("c") * 2} : Shape{1, 1, 1, number("n")};
    const std::string function = gated ? "geglu" : at("f").get<std::string>();
    check(run_one({{shape, element(), input("x")}}, [&](Graph&, const std::vector<Tensor>& in) {
      if (function == "geglu") return geglu(in[0], name_);
      if (function == "silu") return silu(in[0], name_);
      return function == "gelu" ? gelu(in[0], name_) : quick_gelu(in[0], name_);
    }));
  }

  const VerifyOptions& options_;
  const GoldenFolder& golden_;
  Report& report_;
  OpenDevice device_;
  Executor* executor_ = nullptr;
  std::string name_;
  const nlohmann::json* entry_ = nullptr;
};

}  // namespace

void verify_operations(const VerifyOptions& options, const std::filesystem::path& folder,
                       Report& report) {
  const GoldenFolder golden(folder);
  OperationCheck check(options, golden, report);
  for (const auto& [name, entry] : golden.cases().items()) {
    if (name.starts_with("_")) continue;  // a test of the hash alone
    if (!options.wants("ops/" + name)) continue;
    try {
      check.run(name, entry);
    } catch (const Error& error) {
      report.comparisons.push_back({.name = "ops/" + name, .note = error.what()});
    }
  }
}

}  // namespace kiln::app
