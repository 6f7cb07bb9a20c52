// The loops.
#include "tests/models/sampling/textbook_loops.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace kiln::test {
namespace {

// ---- over sigma, x = clean + sigma * noise (k-diffusion) ----

double noise_seen(const Problem& p, double x, double sigma, double timestep) {
  return p.network(x / std::sqrt(sigma * sigma + 1), timestep);
}

std::vector<double> distinct(std::vector<double> sigmas) {
  sigmas.erase(std::unique(sigmas.begin(), sigmas.end()), sigmas.end());
  return sigmas;
}

double sigma_up(double from, double to, double eta) {
  return std::min(to, eta * std::sqrt(to * to * (from * from - to * to) / (from * from)));
}

double euler(const Problem& p) {
  double x = p.start;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    x += noise_seen(p, x, p.sigmas[i], p.timesteps[i]) * (p.sigmas[i + 1] - p.sigmas[i]);
  }
  return x;
}

double euler_a(const Problem& p) {
  double x = p.start;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double up = sigma_up(p.sigmas[i], p.sigmas[i + 1], p.eta);
    const double down = std::sqrt(p.sigmas[i + 1] * p.sigmas[i + 1] - up * up);
    x += noise_seen(p, x, p.sigmas[i], p.timesteps[i]) * (down - p.sigmas[i]) + up * p.draws[i];
  }
  return x;
}

double heun(const Problem& p) {
  double x = p.start;
  const std::vector<double> s = distinct(p.sigmas);
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double h = s[i + 1] - s[i];
    const double d = noise_seen(p, x, s[i], p.timesteps[2 * i]);
    const double there = x + h * d;
    x = i + 1 == p.steps ? there
                         : x + h * (d + noise_seen(p, there, s[i + 1], p.timesteps[2 * i + 1])) / 2;
  }
  return x;
}

double dpm2_loop(const Problem& p, double eta) {
  double x = p.start;
  const std::vector<double> s = distinct(p.sigmas);
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double d = noise_seen(p, x, s[i], p.timesteps[2 * i]);
    if (i + 1 == p.steps) return x - d * s[i];
    const double up = sigma_up(s[i], s[i + 1], eta);
    const double down = std::sqrt(s[i + 1] * s[i + 1] - up * up);
    const double middle = std::exp((std::log(s[i]) + std::log(down)) / 2);
    const double d2 = noise_seen(p, x + d * (middle - s[i]), middle, p.timesteps[2 * i + 1]);
    x += d2 * (down - s[i]) + (up > 0 ? up * p.draws[i] : 0);
  }
  return x;
}
double dpm2(const Problem& p) { return dpm2_loop(p, 0); }
double dpm2_a(const Problem& p) { return dpm2_loop(p, p.eta); }

// Simpson's rule, exact for the cubics of LMS.
template <typename Function>
double integral(double from, double to, int parts, Function f) {
  const double h = (to - from) / parts;
  double sum = 0;
  for (int i = 0; i < parts; ++i) {
    const double a = from + i * h;
    sum += h / 6 * (f(a) + 4 * f(a + h / 2) + f(a + h));
  }
  return sum;
}

double lagrange(const std::vector<double>& nodes, std::size_t j, double at) {
  double product = 1;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (k != j) product *= (at - nodes[k]) / (nodes[j] - nodes[k]);
  }
  return product;
}

double lms(const Problem& p) {
  double x = p.start;
  std::vector<double> slopes, nodes;  // newest first
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    slopes.insert(slopes.begin(), noise_seen(p, x, p.sigmas[i], p.timesteps[i]));
    nodes.insert(nodes.begin(), p.sigmas[i]);
    slopes.resize(std::min<std::size_t>(slopes.size(), 4));
    nodes.resize(slopes.size());
    for (std::size_t j = 0; j < nodes.size(); ++j) {
      x += slopes[j] * integral(p.sigmas[i], p.sigmas[i + 1], 1,
                                [&](double s) { return lagrange(nodes, j, s); });
    }
  }
  return x;
}

double dpmpp_sde(const Problem& p) {
  double x = p.start;
  const std::vector<double> s = distinct(p.sigmas);
  std::size_t draw = 0;
  const auto move = [&](double from_x, double clean, double from, double to) {
    const double up = sigma_up(from, to, p.eta), down = std::sqrt(to * to - up * up);
    const double h = std::log(from) - std::log(down);
    return down / from * from_x - std::expm1(-h) * clean + up * p.draws[draw++];
  };
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double clean = x - s[i] * noise_seen(p, x, s[i], p.timesteps[2 * i]);
    if (i + 1 == p.steps) return clean;
    const double middle = std::exp((std::log(s[i]) + std::log(s[i + 1])) / 2);
    const double half = move(x, clean, s[i], middle);
    const double clean2 = half - middle * noise_seen(p, half, middle, p.timesteps[2 * i + 1]);
    x = move(x, clean2, s[i], s[i + 1]);
  }
  return x;
}

// ---- DPM++ in sigma; start and end are variance preserving ----

double clean_seen(const Problem& p, double x, std::uint32_t i) {
  return x - p.sigmas[i] * noise_seen(p, x, p.sigmas[i], p.timesteps[i]);
}
double to_sigma_scale(const Problem& p) { return p.start * std::hypot(1.0, p.sigmas[0]); }

double dpmpp_2m_loop(const Problem& p, bool sde) {
  double x = to_sigma_scale(p), before = 0, h_before = 0;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double clean = clean_seen(p, x, i), next = p.sigmas[i + 1];
    if (next == 0) return clean;
    const double h = std::log(p.sigmas[i]) - std::log(next), full = sde ? 2 * h : h;
    const double r = i == 0 ? 1 : h_before / h;
    const double guess = i == 0 ? clean : clean + (clean - before) / (2 * r);
    x = std::exp(-full) * x + (1 - std::exp(-full)) * guess;
    if (sde) x += p.draws[i] * next * std::sqrt(1 - std::exp(-2 * h));
    before = clean;
    h_before = h;
  }
  return x;
}
double dpmpp_2m(const Problem& p) { return dpmpp_2m_loop(p, false); }
double dpmpp_2m_sde(const Problem& p) { return dpmpp_2m_loop(p, true); }

// The clean latent as the polynomial in t = -ln(sigma) through its Taylor coefficients.
double dpmpp_3m(const Problem& p) {
  double x = to_sigma_scale(p);
  std::vector<double> clean;
  const auto t = [&](std::size_t i) { return -std::log(p.sigmas[i]); };
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    clean.push_back(clean_seen(p, x, i));
    if (p.sigmas[i + 1] == 0) return clean.back();
    const bool lower = p.steps < 15 && i + 2 == p.steps;
    const double h = t(i + 1) - t(i), e = std::exp(-h);
    x = e * x + (1 - e) * clean[i];
    if (i == 0) continue;
    const double near = (clean[i] - clean[i - 1]) / (t(i) - t(i - 1));
    if (i == 1 || lower) {
      x += (1 - e) / 2 * h * near;
      continue;
    }
    const double far = (clean[i - 1] - clean[i - 2]) / (t(i - 1) - t(i - 2));
    const double second = (near - far) / (t(i) - t(i - 2));
    const double first = near + second * (t(i) - t(i - 1));
    // integrals of e^(s - h) s and of half s^2 that the paper gives (the second with its sign)
    x += (h + e - 1) * first + (1 - e - h + h * h / 2) * second;
  }
  return x;
}

double dpmpp_2s(const Problem& p) {
  double x = to_sigma_scale(p), start = x, first = 0;
  const auto t = [&](std::size_t i) { return -std::log(p.sigmas[i]); };
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double clean = clean_seen(p, x, i);
    if (p.sigmas[i + 1] == 0) return clean;
    if (i % 2 == 0) {
      const double h = t(i + 1) - t(i);
      start = x;
      first = clean;
      x = std::exp(-h) * x - std::expm1(-h) * clean;
    } else {
      const double h = t(i + 1) - t(i - 1), r = (t(i) - t(i - 1)) / h;
      const double mean = (1 - 1 / (2 * r)) * first + 1 / (2 * r) * clean;
      x = std::exp(-h) * start - std::expm1(-h) * mean;
    }
  }
  return x;
}

double deis(const Problem& p) {
  double x = p.start * std::hypot(1.0, p.sigmas[0]);
  std::vector<double> seen, nodes;  // newest first
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    seen.insert(seen.begin(), noise_seen(p, x, p.sigmas[i], p.timesteps[i]));
    nodes.insert(nodes.begin(), std::log(p.sigmas[i]));
    const bool lower = p.steps < 15 && i + 1 == p.steps;
    seen.resize(std::min<std::size_t>(seen.size(), 2));
    nodes.resize(lower ? 1 : seen.size());
    for (std::size_t j = 0; j < nodes.size(); ++j) {
      x += seen[j] * integral(p.sigmas[i], p.sigmas[i + 1], 2000,
                              [&](double s) { return lagrange(nodes, j, std::log(s)); });
    }
  }
  return x / std::hypot(1.0, p.sigmas[p.steps]);
}

// Order 2 with B(h) = e^h - 1, the corrector's two weights by Cramer's rule.
double unipc(const Problem& p) {
  double x = to_sigma_scale(p), last = 0, before = 0, earlier = 0;
  const auto t = [&](std::size_t i) { return -std::log(p.sigmas[i]); };
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double clean = clean_seen(p, x, i);
    if (i >= 1) {
      const double h = t(i) - t(i - 1), b = std::expm1(-h);
      const double b1 = (b / -h - 1) / b, b2 = 2 * ((b / -h - 1) / -h - 0.5) / b;
      x = std::exp(-h) * last - b * before;
      if (i == 1) {
        x -= b * 0.5 * (clean - before);
      } else {
        const double r = (t(i - 2) - t(i - 1)) / h;
        const double w1 = (b1 - b2) / (1 - r), w2 = (b2 - r * b1) / (1 - r);
        x -= b * (w1 * (earlier - before) / r + w2 * (clean - before));
      }
    }
    last = x;
    if (p.sigmas[i + 1] == 0) return clean;
    const double h = t(i + 1) - t(i), b = std::expm1(-h);
    x = std::exp(-h) * last - b * clean;
    if (i >= 1) x -= b * 0.5 * (before - clean) / ((t(i - 1) - t(i)) / h);
    earlier = before;
    before = clean;
  }
  return x;
}

// ---- over timesteps, variance preserving ----

double alpha_bar(const Problem& p, double t) {
  return t < 0 ? p.noise.alpha_bars()[0] : p.noise.alpha_bars()[std::size_t(t)];
}

double clean_of(const Problem& p, double x, double epsilon, double t) {
  return (x - std::sqrt(1 - alpha_bar(p, t)) * epsilon) / std::sqrt(alpha_bar(p, t));
}

double ddpm(const Problem& p) {
  double x = p.start;
  std::size_t draw = 0;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double t = p.timesteps[i], now = alpha_bar(p, t);
    const double after = i + 1 < p.steps ? alpha_bar(p, p.timesteps[i + 1]) : 1;
    const double alpha = now / after, beta = 1 - alpha;
    // Algorithm 2 of the paper
    x = (x - beta / std::sqrt(1 - now) * p.network(x, t)) / std::sqrt(alpha);
    if (t > 0) x += std::sqrt(std::max(beta * (1 - after) / (1 - now), 1e-20)) * p.draws[draw++];
  }
  return x;
}

double ddim(const Problem& p) {
  double x = p.start;
  const double stride = std::floor(double(p.noise.size()) / p.steps);
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double t = p.timesteps[i], now = alpha_bar(p, t), after = alpha_bar(p, t - stride);
    const double epsilon = p.network(x, t);
    const double deviation =
        p.eta * std::sqrt((1 - after) / (1 - now)) * std::sqrt(1 - now / after);
    x = std::sqrt(after) * clean_of(p, x, epsilon, t) +
        std::sqrt(1 - after - deviation * deviation) * epsilon;
    if (p.eta > 0) x += deviation * p.draws[i];
  }
  return x;
}

// DDIM's step, which is what PNDM's transfer amounts to.
double transfer(const Problem& p, double x, double epsilon, double from, double to) {
  const double after = alpha_bar(p, to);
  return std::sqrt(after) * clean_of(p, x, epsilon, from) + std::sqrt(1 - after) * epsilon;
}

double adams_bashforth(const std::vector<double>& e) {
  const std::size_t n = e.size();
  if (n == 2) return (3 * e[1] - e[0]) / 2;
  if (n == 3) return (23 * e[2] - 16 * e[1] + 5 * e[0]) / 12;
  return (55 * e[n - 1] - 59 * e[n - 2] + 37 * e[n - 3] - 9 * e[n - 4]) / 24;
}

double pndm(const Problem& p) {
  double x = p.start;
  const double stride = std::floor(double(p.noise.size()) / p.steps);
  std::vector<double> times = p.timesteps, seen;
  times.erase(times.begin() + 1);
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    seen.push_back(p.network(x, times[i]));
    double epsilon = seen.back();
    if (i == 0) {
      const double there = transfer(p, x, epsilon, times[0], times[0] - stride);
      epsilon = (epsilon + p.network(there, times[1])) / 2;
    } else {
      epsilon = adams_bashforth(seen);
    }
    x = transfer(p, x, epsilon, times[i], times[i] - stride);
  }
  return x;
}

double pndm_prk(const Problem& p) {
  double x = p.start;
  const double stride = std::floor(double(p.noise.size()) / p.steps);
  std::vector<double> seen;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double t = i < 3 ? p.timesteps[4 * i] : p.timesteps[9 + i];
    seen.push_back(p.network(x, t));
    if (i >= 3) {
      x = transfer(p, x, adams_bashforth(seen), t, t - stride);
      continue;
    }
    const double middle = p.timesteps[4 * i + 1], end = p.timesteps[4 * i + 3];
    const double e1 = seen.back();
    const double half = std::floor(stride / 2);
    const double e2 = p.network(transfer(p, x, e1, t, t - half), middle);
    const double e3 = p.network(transfer(p, x, e2, t, middle), middle);
    const double e4 = p.network(transfer(p, x, e3, t, end), end);
    x = transfer(p, x, (e1 + 2 * e2 + 2 * e3 + e4) / 6, t, end);
  }
  return x;
}

double lcm(const Problem& p) {
  double x = p.start;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double t = p.timesteps[i], scaled = 10 * t;
    const double clean =
        0.25 / (scaled * scaled + 0.25) * x +
        scaled / std::sqrt(scaled * scaled + 0.25) * clean_of(p, x, p.network(x, t), t);
    if (i + 1 == p.steps) return clean;
    const double after = alpha_bar(p, p.timesteps[i + 1]);
    x = std::sqrt(after) * clean + std::sqrt(1 - after) * p.draws[i];
  }
  return x;
}

double tcd(const Problem& p) {
  double x = p.start;
  for (std::uint32_t i = 0; i < p.steps; ++i) {
    const double t = p.timesteps[i], next = i + 1 < p.steps ? p.timesteps[i + 1] : 0;
    const double s = std::floor((1 - p.eta) * next);
    x = transfer(p, x, p.network(x, t), t, s);
    if (i + 1 == p.steps) return x;
    const double kept = alpha_bar(p, next) / alpha_bar(p, s);
    x = std::sqrt(kept) * x + std::sqrt(1 - kept) * p.draws[i];
  }
  return x;
}

}  // namespace

Loop textbook_loop(const std::string& sampler) {
  static const std::map<std::string, Loop> kLoops = {{"ddpm", ddpm},
                                                     {"ddim", ddim},
                                                     {"pndm", pndm},
                                                     {"pndm_prk", pndm_prk},
                                                     {"euler", euler},
                                                     {"euler_a", euler_a},
                                                     {"heun", heun},
                                                     {"dpm2", dpm2},
                                                     {"dpm2_a", dpm2_a},
                                                     {"lms", lms},
                                                     {"dpmpp_2m", dpmpp_2m},
                                                     {"dpmpp_3m", dpmpp_3m},
                                                     {"dpmpp_sde", dpmpp_sde},
                                                     {"dpmpp_2m_sde", dpmpp_2m_sde},
                                                     {"dpmpp_2s", dpmpp_2s},
                                                     {"deis", deis},
                                                     {"unipc", unipc},
                                                     {"lcm", lcm},
                                                     {"tcd", tcd}};
  const auto found = kLoops.find(sampler);
  return found == kLoops.end() ? nullptr : found->second;
}

}  // namespace kiln::test
