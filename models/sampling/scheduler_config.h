// What a model's scheduler_config.json says: the noise it was trained with and the sampler it
// likes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// What the network's output means, with latent = alpha * clean + sigma * noise.
enum class Prediction : std::uint8_t {
  epsilon,   // noise
  velocity,  // alpha * noise - sigma * clean (Salimans & Ho, 2022, appendix D)
  sample,    // clean
};

enum class BetaSchedule : std::uint8_t { linear, scaled_linear, squaredcos_cap_v2 };

// How timesteps are spread (Lin et al., 2023, table 2); sgm_uniform: N of N + 1 even points.
enum class Spacing : std::uint8_t { leading, linspace, trailing, sgm_uniform };

// How noise levels are spread between the two ends that the spacing gives, if not by it.
enum class SigmaRule : std::uint8_t { by_spacing, karras, exponential, beta };

// Solvers of Lu et al., 2022: integrate the noise or the clean latent (++), without or with noise.
enum class DpmAlgorithm : std::uint8_t {
  dpmsolver,
  dpmsolver_plus_plus,
  sde_dpmsolver,
  sde_dpmsolver_plus_plus,
};

enum class VarianceType : std::uint8_t { fixed_small, fixed_large };

// The keys of diffusers' scheduler_config.json, under the same names where they are one value.
// The defaults are those of Stable Diffusion 1.x as published.
struct SchedulerConfig {
  std::string class_name = "PNDMScheduler";  // key _class_name

  std::uint32_t num_train_timesteps = 1000;  // 1 to 100000
  double beta_start = 0.00085, beta_end = 0.012;
  BetaSchedule beta_schedule = BetaSchedule::scaled_linear;
  std::vector<double> trained_betas;  // in place of a schedule when not empty
  bool rescale_betas_zero_snr = false;
  Prediction prediction = Prediction::epsilon;  // key prediction_type

  Spacing spacing = Spacing::leading;            // key timestep_spacing
  SigmaRule sigma_rule = SigmaRule::by_spacing;  // keys use_karras_sigmas and so on
  std::uint32_t steps_offset = 1;                // added by leading spacing
  std::optional<bool> set_alpha_to_one;          // after the last step; empty: by the sampler
  bool log_linear_interpolation = false;         // key interpolation_type
  bool final_sigma_zero = true;                  // key final_sigmas_type: zero or sigma_min
  std::optional<double> sigma_min, sigma_max;    // ends of the sigma rules
  double lambda_min_clipped = -std::numeric_limits<double>::infinity();

  std::uint32_t solver_order = 2;
  DpmAlgorithm algorithm = DpmAlgorithm::dpmsolver_plus_plus;  // key algorithm_type
  bool heun_solver = false;  // key solver_type: heun, not midpoint
  bool bh1_solver = false;   // key solver_type: bh1, not bh2
  bool lower_order_final = true;
  bool euler_at_final = false;
  bool predict_x0 = true;                                  // UniPC
  std::vector<std::uint32_t> disable_corrector;            // UniPC: after these steps
  bool skip_prk_steps = true;                              // PNDM: no Runge-Kutta start
  VarianceType variance_type = VarianceType::fixed_small;  // DDPM
  std::uint32_t original_inference_steps = 50;             // LCM, TCD
  double timestep_scaling = 10;                            // LCM
};

// Keys that are absent or null take the default of the class named by _class_name, as diffusers
// has them (except clip_sample: absent means false). Throws Error naming the key and the value for
// everything that is not supported, for values of a wrong type or range and for keys no scheduler
// has. place: the file, for messages.
SchedulerConfig scheduler_config(const nlohmann::json& object, std::string_view place);

// The same from a file, read through finite_json.
SchedulerConfig read_scheduler_config(const std::filesystem::path& path);

// JSON text with Python's Infinity and -Infinity (outside of strings), which JSON does not know,
// replaced by the largest numbers of double.
std::string finite_json(std::string_view text);

}  // namespace kiln
