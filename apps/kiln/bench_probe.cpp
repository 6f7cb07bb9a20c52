// Chains of multiply-adds on every core. The one function that needs AVX2 is called only where the
// CPU has it.
#include "apps/kiln/bench_probe.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace kiln::app {
namespace {

constexpr int kChains = 12;  // more than latency times units of any core
constexpr std::uint64_t kTurns = 1u << 20;
constexpr int kTrials = 100;

#if defined(__x86_64__)

constexpr std::uint64_t kLanes = 8;
constexpr const char* kVectors = "AVX2";

bool served() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

__attribute__((target("avx2,fma"))) float chains(float factor, float addend) {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(float(i));
  const __m256 a = _mm256_set1_ps(factor), b = _mm256_set1_ps(addend);
  for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], a, b);
  }
  __m256 sum = sums[0];
  for (int i = 1; i < kChains; ++i) sum = _mm256_add_ps(sum, sums[i]);
  return _mm256_cvtss_f32(sum);
}

#elif defined(__aarch64__)

constexpr std::uint64_t kLanes = 4;
constexpr const char* kVectors = "NEON";

bool served() { return true; }

float chains(float factor, float addend) {
  float32x4_t sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = vdupq_n_f32(float(i));
  const float32x4_t a = vdupq_n_f32(factor), b = vdupq_n_f32(addend);
  for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = vfmaq_f32(b, sums[i], a);
  }
  float32x4_t sum = sums[0];
  for (int i = 1; i < kChains; ++i) sum = vaddq_f32(sum, sums[i]);
  return vgetq_lane_f32(sum, 0);
}

#else

constexpr std::uint64_t kLanes = 1;
constexpr const char* kVectors = "";

bool served() { return false; }

float chains(float factor, float) { return factor; }

#endif

}  // namespace

std::optional<HostPeak> measure_host_peak() {
  if (!served()) return {};
  using Clock = std::chrono::steady_clock;
  const std::uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<float> results(cores);
  Clock::time_point begin;
  double best_s = 0;
  int ends = 0;
  // All begin together; a trial lasts until the last has ended.
  std::barrier together(std::ptrdiff_t(cores), [&]() noexcept {
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - begin).count();
    // The first trials wake the cores up.
    if (ends > 2 && (best_s == 0 || seconds < best_s)) best_s = seconds;
    ++ends;
    begin = Clock::now();
  });
  std::vector<std::thread> threads;
  for (std::uint32_t core = 0; core < cores; ++core) {
    threads.emplace_back([&, core] {
      volatile float factor = 0.5f, addend = 1.0f;  // unknown to the compiler
      for (int trial = 0; trial < kTrials; ++trial) {
        together.arrive_and_wait();
        results[core] += chains(factor, addend);
      }
      together.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double flops = double(kTurns) * kChains * kLanes * 2 * cores;
  return HostPeak{.gflops = flops / best_s * 1e-9, .cores = cores, .vectors = kVectors};
}

}  // namespace kiln::app
