// Noise against PyTorch's numbers, and the spread of our own logarithm, root and sine.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "models/sampling/random.h"
#include "runtime/base/half.h"
#include "tests/models/sampling/golden_schedulers.h"

namespace kiln::test {
namespace {

using Json = nlohmann::json;

// Bounds of tests/golden/README.md.
constexpr double kCpuBound = 1e-6, kPhiloxBound = 3e-6;

// Compares with <name>/first and last, and with the sums where golden.json has them.
void expect_golden(const GoldenTensors& golden, const std::string& name,
                   const std::vector<float>& ours, double bound) {
  SCOPED_TRACE(name);
  const std::vector<double> first = golden.read(name + "/first"),
                            last = golden.read(name + "/last");
  ASSERT_GE(ours.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(double(ours[i]), first[i], bound) << i;
    EXPECT_NEAR(double(ours[ours.size() - last.size() + i]), last[i], bound) << i << " of the last";
  }
  const Json json = golden_json("rng/golden.json").value(name, Json::object());
  if (!json.contains("sum_f64")) return;
  double sum = 0, squares = 0;
  for (const float value : ours) {
    sum += double(value);
    squares += double(value) * double(value);
  }
  EXPECT_NEAR(sum, json["sum_f64"], bound * double(ours.size()));
  EXPECT_NEAR(squares, json["sum_sq_f64"], 10 * bound * double(ours.size()));
}

std::size_t elements_of(const std::string& shape) {
  std::size_t count = 1, at = 0;
  while (at < shape.size()) {
    const std::size_t end = std::min(shape.find('x', at), shape.size());
    count *= std::stoul(shape.substr(at, end - at));
    at = end + 1;
  }
  return count;
}

constexpr std::uint64_t kSeeds[] = {0, 42, 123456789};
const char* const kShapes[] = {"7",  "15",      "16",        "17",       "31",
                               "33", "1x4x3x5", "1x4x64x64", "2x4x32x48"};

TEST(Random, TorchOnACpuDrawsTheSameNormalNumbersOfEveryShape) {
  const GoldenTensors golden("rng/golden.safetensors");
  for (const std::uint64_t seed : kSeeds) {
    for (const char* shape : kShapes) {
      std::vector<float> ours(elements_of(shape));
      TorchCpuRandom(seed).normals(ours);
      expect_golden(golden, "cpu/seed" + std::to_string(seed) + "/" + shape, ours, kCpuBound);
    }
  }
}

TEST(Random, TorchOnACpuDrawsTheSameUniformNumbersAndWords) {
  const GoldenTensors golden("rng/golden.safetensors");
  const auto words = Safetensors::open(golden_path("rng/golden.safetensors"));
  for (const std::uint64_t seed : kSeeds) {
    const std::string end = "/seed" + std::to_string(seed);
    std::vector<float> ours(37);
    TorchCpuRandom(seed).uniforms(ours);
    expect_golden(golden, "cpu_uniform" + end + "/37", ours, 0);
    std::vector<std::int64_t> expected(32);
    words->read("cpu" + end + "/mt19937_uint32", std::as_writable_bytes(std::span(expected)));
    TorchCpuRandom generator(seed);
    for (const std::int64_t word : expected) EXPECT_EQ(generator.next(), word);
  }
}

TEST(Random, DrawsFromOneGeneratorFollowEachOther) {
  const GoldenTensors golden("rng/golden.safetensors");
  for (const std::uint64_t seed : kSeeds) {
    const std::string end = "/seed" + std::to_string(seed) + "/draw";
    TorchCpuRandom large(seed), mixed(seed);
    const char* const mixed_shapes[] = {"7", "1x4x8x8", "5"};
    for (std::uint32_t draw = 0; draw < 3; ++draw) {
      std::vector<float> ours(256);
      large.normals(ours);
      const std::string name = end + std::to_string(draw) + "_";
      expect_golden(golden, "cpu_sequence" + name + "1x4x8x8", ours, kCpuBound);
      ours.resize(elements_of(mixed_shapes[draw]));
      mixed.normals(ours);
      expect_golden(golden, "cpu_sequence_mixed" + name + mixed_shapes[draw], ours, kCpuBound);
      ours.resize(256);
      philox_normals(seed, draw, 0, ours);
      expect_golden(golden, "philox_sequence" + name + "1x4x8x8", ours, kPhiloxBound);
    }
  }
}

TEST(Random, ADrawInHalfPrecisionIsTheFloatDrawRounded) {
  const GoldenTensors golden("rng/golden.safetensors");
  for (const std::uint64_t seed : kSeeds) {
    std::vector<float> ours(256);
    TorchCpuRandom(seed).normals(ours);
    for (float& value : ours) value = float_from_half(half_from_float(value));
    expect_golden(golden, "cpu_f16/seed" + std::to_string(seed) + "/1x4x8x8", ours, 0);
  }
}

TEST(Random, PhiloxGivesTheWordsOfCuda) {
  const auto golden = Safetensors::open(golden_path("rng/golden.safetensors"));
  for (const std::uint64_t seed : kSeeds) {
    std::vector<std::int64_t> expected(4 * 16);
    golden->read("philox/seed" + std::to_string(seed) + "/uint32",
                 std::as_writable_bytes(std::span(expected)));
    for (std::uint32_t element = 0; element < 16; ++element) {
      const auto words = philox4x32_10({0, 0, element, 0}, {std::uint32_t(seed), 0});
      for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(words[i], expected[i * 16 + element]);
    }
  }
}

TEST(Random, PhiloxGivesTheNormalNumbersOfCuda) {
  const GoldenTensors golden("rng/golden.safetensors");
  for (const std::uint64_t seed : kSeeds) {
    for (const char* shape : kShapes) {
      std::vector<float> ours(elements_of(shape));
      philox_normals(seed, 0, 0, ours);
      expect_golden(golden, "philox/seed" + std::to_string(seed) + "/" + shape, ours, kPhiloxBound);
    }
  }
}

double exact_normal(std::uint32_t a, std::uint32_t b) {
  const double u = (a + 0.5) * 0x1p-32, v = (b + 0.5) * 0x1p-32;
  return std::sqrt(-2 * std::log(u)) * std::sin(2 * std::numbers::pi * v);
}

TEST(Random, OurLogarithmRootAndSineAreWithinAMillionthEverywhere) {
  std::vector<std::uint32_t> words = {0, 1, 2, 3, 0xffffffff, 0xfffffffe, 0xffffff7f, 0xffffff80};
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    for (std::uint32_t around = 0; around < 7; ++around) words.push_back((1u << bit) + around - 3);
  }
  // The borders of the pieces: sqrt(1/2) and the eighths of a turn
  for (const std::uint32_t border :
       {0xb504f334u, 0x5a82799au, 0x20000000u, 0x60000000u, 0xa0000000u, 0xe0000000u}) {
    for (std::uint32_t around = 0; around < 7; ++around) words.push_back(border + around - 3);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) words.push_back(i * 4294967u);
  for (const std::uint32_t a : words) {
    for (const std::uint32_t b : words) {
      ASSERT_NEAR(double(normal_from_bits(a, b)), exact_normal(a, b), 1e-6) << a << " " << b;
    }
  }
}

TEST(Random, AnElementDoesNotDependOnHowManyAreDrawn) {
  std::vector<float> whole(100), part(10);
  philox_normals(7, 3, 0, whole);
  philox_normals(7, 3, 50, part);
  for (std::size_t i = 0; i < part.size(); ++i) EXPECT_EQ(part[i], whole[50 + i]);
  philox_normals(7 + (std::uint64_t(1) << 32), 3, 50, part);
  EXPECT_NE(part[0], whole[50]);
}

TEST(Random, TheBitsAreTheSameFromEveryCompiler) {
  std::vector<float> values(100'000);
  philox_normals(2024, 1, 0, values);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const float value : values) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3;
  }
  EXPECT_EQ(hash, 8978574715728008039u);
}

}  // namespace
}  // namespace kiln::test
