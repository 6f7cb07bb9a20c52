// Reads scheduler_config.json as diffusers 0.40 writes it (src/diffusers/schedulers).
#include "models/sampling/scheduler_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

// Typed access that remembers which keys were asked for. null counts as absent.
class Keys {
 public:
  Keys(const Json& object, std::string_view place) : object_(object), place_(place) {
    if (!object.is_object()) fail(place, "is not a JSON object");
  }

  double number(const char* key, double min, double max, double fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_number()) refuse(key, "a number");
    const double number = value->get<double>();
    if (!(number >= min && number <= max)) refuse(key, fmt::format("{} to {}", min, max));
    return number;
  }

  std::optional<double> optional_number(const char* key, double min, double max) {
    if (find(key) == nullptr) return std::nullopt;
    return number(key, min, max, 0);
  }

  std::uint32_t integer(const char* key, std::uint32_t min, std::uint32_t max,
                        std::uint32_t fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    const bool right = value->is_number_unsigned() && value->get<std::uint64_t>() >= min &&
                       value->get<std::uint64_t>() <= max;
    if (!right) refuse(key, fmt::format("an integer from {} to {}", min, max));
    return value->get<std::uint32_t>();
  }

  bool boolean(const char* key, bool fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) refuse(key, "true or false");
    return value->get<bool>();
  }

  std::optional<bool> optional_boolean(const char* key) {
    if (find(key) == nullptr) return std::nullopt;
    return boolean(key, false);
  }

  template <typename Value>
  Value choice(const char* key, std::initializer_list<std::pair<const char*, Value>> choices,
               Value fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == name) return meaning;
      names += names.empty() ? name : fmt::format(", {}", name);
    }
    refuse(key, names);
  }

  std::vector<double> numbers(const char* key, std::size_t count, double min, double max) {
    const Json* value = find(key);
    if (value == nullptr) return {};
    const auto right = [&](const Json& item) {
      return item.is_number() && item.get<double>() >= min && item.get<double>() <= max;
    };
    if (!value->is_array() || value->size() > count || !std::ranges::all_of(*value, right)) {
      refuse(key, fmt::format("a list of up to {} numbers from {} to {}", count, min, max));
    }
    return value->get<std::vector<double>>();
  }

  // Features that are not supported: absent or false is fine.
  void must_be_off(std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      const Json* value = find(key);
      if (value != nullptr && *value != false) refuse(key, "false or null");
    }
  }

  void ignore(std::initializer_list<const char*> keys) {
    for (const char* key : keys) asked_.insert(key);
  }

  void refuse_the_rest() const {
    for (const auto& [key, value] : object_.items()) {
      if (key.starts_with('_') || asked_.contains(key) || value.is_null() || value == false)
        continue;
      fail(place_, "{} is {}; this key is not known", shown(key), shown(value.dump()));
    }
  }

  std::string text(const char* key) {
    const Json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) refuse(key, "a text");
    return value->get<std::string>();
  }

 private:
  const Json* find(const char* key) {
    asked_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const char* key, std::string_view expected) const {
    fail(place_, "{} is {}; supported: {}", key, shown(object_.at(key).dump()), expected);
  }

  static std::string shown(const std::string& text) {
    std::string line;
    for (const char c : text.substr(0, 60)) line += c >= 0x20 && c < 0x7f ? c : '?';
    return text.size() > 60 ? line + "..." : line;
  }

  const Json& object_;
  std::string place_;
  std::set<std::string, std::less<>> asked_;
};

// What diffusers assumes where the file says nothing.
struct ClassDefaults {
  const char* class_name;
  double beta_start, beta_end;
  BetaSchedule beta_schedule;
  Spacing spacing;
};
constexpr auto kLinear = BetaSchedule::linear;
constexpr ClassDefaults kClasses[] = {
    {"DDPMScheduler", 0.0001, 0.02, kLinear, Spacing::leading},
    {"DDIMScheduler", 0.0001, 0.02, kLinear, Spacing::leading},
    {"PNDMScheduler", 0.0001, 0.02, kLinear, Spacing::leading},
    {"EulerDiscreteScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"EulerAncestralDiscreteScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"HeunDiscreteScheduler", 0.00085, 0.012, kLinear, Spacing::linspace},
    {"KDPM2DiscreteScheduler", 0.00085, 0.012, kLinear, Spacing::linspace},
    {"KDPM2AncestralDiscreteScheduler", 0.00085, 0.012, kLinear, Spacing::linspace},
    {"LMSDiscreteScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"DPMSolverMultistepScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"DPMSolverSinglestepScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"DPMSolverSDEScheduler", 0.00085, 0.012, kLinear, Spacing::linspace},
    {"UniPCMultistepScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"DEISMultistepScheduler", 0.0001, 0.02, kLinear, Spacing::linspace},
    {"LCMScheduler", 0.00085, 0.012, BetaSchedule::scaled_linear, Spacing::leading},
    {"TCDScheduler", 0.00085, 0.012, BetaSchedule::scaled_linear, Spacing::leading},
};

const ClassDefaults& defaults_of(const std::string& class_name, std::string_view place) {
  const auto found = std::ranges::find(kClasses, class_name, &ClassDefaults::class_name);
  if (found != std::end(kClasses)) return *found;
  std::string names;
  for (const ClassDefaults& known : kClasses) names += fmt::format(" {}", known.class_name);
  fail(place, "_class_name is '{:.60}'; supported:{}", class_name, names);
}

void read_training(Keys& keys, const ClassDefaults& defaults, SchedulerConfig& config) {
  config.num_train_timesteps = keys.integer("num_train_timesteps", 1, 100'000, 1000);
  config.beta_start = keys.number("beta_start", 0, 1, defaults.beta_start);
  config.beta_end = keys.number("beta_end", 0, 1, defaults.beta_end);
  config.beta_schedule =
      keys.choice<BetaSchedule>("beta_schedule",
                                {{"linear", BetaSchedule::linear},
                                 {"scaled_linear", BetaSchedule::scaled_linear},
                                 {"squaredcos_cap_v2", BetaSchedule::squaredcos_cap_v2}},
                                defaults.beta_schedule);
  config.trained_betas = keys.numbers("trained_betas", 100'000, 0, 0.999999);
  config.rescale_betas_zero_snr = keys.boolean("rescale_betas_zero_snr", false);
  config.prediction = keys.choice<Prediction>("prediction_type",
                                              {{"epsilon", Prediction::epsilon},
                                               {"v_prediction", Prediction::velocity},
                                               {"sample", Prediction::sample}},
                                              Prediction::epsilon);
}

void read_schedule(Keys& keys, const ClassDefaults& defaults, SchedulerConfig& config) {
  config.spacing = keys.choice<Spacing>("timestep_spacing",
                                        {{"leading", Spacing::leading},
                                         {"linspace", Spacing::linspace},
                                         {"trailing", Spacing::trailing}},
                                        defaults.spacing);
  config.sigma_rule = SigmaRule::by_spacing;
  if (keys.boolean("use_beta_sigmas", false)) config.sigma_rule = SigmaRule::beta;
  if (keys.boolean("use_exponential_sigmas", false)) config.sigma_rule = SigmaRule::exponential;
  if (keys.boolean("use_karras_sigmas", false)) config.sigma_rule = SigmaRule::karras;
  config.steps_offset = keys.integer("steps_offset", 0, 1000, 0);
  config.set_alpha_to_one = keys.optional_boolean("set_alpha_to_one");
  config.log_linear_interpolation =
      keys.choice<bool>("interpolation_type", {{"linear", false}, {"log_linear", true}}, false);
  config.final_sigma_zero =
      keys.choice<bool>("final_sigmas_type", {{"zero", true}, {"sigma_min", false}}, true);
  config.sigma_min = keys.optional_number("sigma_min", 1e-6, 1e6);
  config.sigma_max = keys.optional_number("sigma_max", 1e-6, 1e6);
  constexpr double kAny = std::numeric_limits<double>::max();
  config.lambda_min_clipped = keys.number("lambda_min_clipped", -kAny, kAny, -kAny);
}

void read_solver(Keys& keys, SchedulerConfig& config) {
  config.solver_order = keys.integer("solver_order", 1, 3, 2);
  using Dpm = DpmAlgorithm;
  config.algorithm = keys.choice<Dpm>("algorithm_type",
                                      {{"dpmsolver", Dpm::dpmsolver},
                                       {"dpmsolver++", Dpm::dpmsolver_plus_plus},
                                       {"sde-dpmsolver", Dpm::sde_dpmsolver},
                                       {"sde-dpmsolver++", Dpm::sde_dpmsolver_plus_plus},
                                       {"deis", Dpm::dpmsolver_plus_plus}},
                                      Dpm::dpmsolver_plus_plus);
  const std::string solver = keys.choice<std::string>("solver_type",
                                                      {{"midpoint", "midpoint"},
                                                       {"heun", "heun"},
                                                       {"logrho", "logrho"},
                                                       {"bh1", "bh1"},
                                                       {"bh2", "bh2"}},
                                                      "");
  config.heun_solver = solver == "heun";
  config.bh1_solver = solver == "bh1";
  config.lower_order_final = keys.boolean("lower_order_final", true);
  config.euler_at_final = keys.boolean("euler_at_final", false);
  config.predict_x0 = keys.boolean("predict_x0", true);
  for (const double step : keys.numbers("disable_corrector", 1000, 0, 100'000)) {
    config.disable_corrector.push_back(std::uint32_t(step));
  }
  config.skip_prk_steps = keys.boolean("skip_prk_steps", false);
  config.variance_type = keys.choice<VarianceType>("variance_type",
                                                   {{"fixed_small", VarianceType::fixed_small},
                                                    {"fixed_small_log", VarianceType::fixed_small},
                                                    {"fixed_large", VarianceType::fixed_large}},
                                                   VarianceType::fixed_small);
  config.original_inference_steps = keys.integer("original_inference_steps", 1, 100'000, 50);
  config.timestep_scaling = keys.number("timestep_scaling", 0, 1e6, 10);
}

}  // namespace

SchedulerConfig scheduler_config(const Json& object, std::string_view place) {
  Keys keys(object, place);
  SchedulerConfig config;
  config.class_name = keys.text("_class_name");
  const ClassDefaults& defaults = defaults_of(config.class_name, place);
  read_training(keys, defaults, config);
  read_schedule(keys, defaults, config);
  read_solver(keys, config);
  if (!config.trained_betas.empty()) {
    config.num_train_timesteps = std::uint32_t(config.trained_betas.size());
  }
  if (config.sigma_min && config.sigma_max && *config.sigma_min >= *config.sigma_max) {
    fail(place, "sigma_min {} is not below sigma_max {}", *config.sigma_min, *config.sigma_max);
  }
  keys.must_be_off({"clip_sample", "thresholding", "use_lu_lambdas", "use_flow_sigmas",
                    "use_dynamic_shifting", "solver_p", "shift_terminal"});
  keys.choice<bool>("timestep_type", {{"discrete", true}}, true);
  // These only matter to features that are off.
  keys.ignore({"clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value", "flow_shift",
               "time_shift_type", "noise_sampler_seed"});
  keys.refuse_the_rest();
  return config;
}

SchedulerConfig read_scheduler_config(const std::filesystem::path& path) {
  constexpr std::uint64_t kLargest = 4 << 20;
  const std::string text = finite_json(read_text_file(path, kLargest));
  return scheduler_config(parse_json(text, path.native()), path.native());
}

std::string finite_json(std::string_view text) {
  constexpr std::string_view kInfinity = "Infinity", kLargest = "1.7976931348623157e308";
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!in_string && text.substr(i).starts_with(kInfinity)) {
      result += kLargest;
      i += kInfinity.size() - 1;
      continue;
    }
    result += text[i];
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      result += text[++i];
    } else if (text[i] == '"') {
      in_string = !in_string;
    }
  }
  return result;
}

}  // namespace kiln
