// Chains of multiply-adds on every core. The one function that needs AVX2 is called only where the
// CPU has it.
#include "apps/kiln/bench_probe.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace kiln::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChains = 12;  // more than latency times units of any core
constexpr std::uint64_t kTurns = 1u << 20;
constexpr int kTrials = 100, kWakingTrials = 2;

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

std::uint32_t cores() { return std::max(1u, std::thread::hardware_concurrency()); }

// Seconds of each of `trials`, on all cores. All begin together; a trial lasts until the last core
// has ended.
std::vector<double> time_trials(int trials) {
  std::vector<float> results(cores());
  std::vector<Clock::time_point> ends;
  ends.reserve(std::size_t(trials) + 1);
  std::barrier together(std::ptrdiff_t(cores()), [&]() noexcept { ends.push_back(Clock::now()); });
  std::vector<std::thread> threads;
  for (std::uint32_t core = 0; core < cores(); ++core) {
    threads.emplace_back([&, core] {
      volatile float factor = 0.5f, addend = 1.0f;  // unknown to the compiler
      for (int trial = 0; trial < trials; ++trial) {
        together.arrive_and_wait();
        results[core] += chains(factor, addend);
      }
      together.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> seconds;
  for (std::size_t i = 1; i < ends.size(); ++i) {
    seconds.push_back(std::chrono::duration<double>(ends[i] - ends[i - 1]).count());
  }
  return seconds;
}

double gflops_of_trial(double seconds) {
  return double(kTurns) * kChains * kLanes * 2 * cores() / seconds * 1e-9;
}

}  // namespace

std::optional<HostPeak> measure_host_peak() {
  if (!served()) return {};
  const std::vector<double> seconds = time_trials(kWakingTrials + kTrials);
  const double best = *std::min_element(seconds.begin() + kWakingTrials, seconds.end());
  return HostPeak{.gflops = gflops_of_trial(best), .cores = cores(), .vectors = kVectors};
}

double host_gflops_now() {
  if (!served()) return 0;
  constexpr int kFew = 4;
  const std::vector<double> seconds = time_trials(1 + kFew);
  return gflops_of_trial(std::accumulate(seconds.begin() + 1, seconds.end(), 0.0) / kFew);
}

}  // namespace kiln::app
