// The "parameters" text, written and parsed by A1111's rules.
#include "models/pipeline/parameters.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace kiln {
namespace {

using Pair = std::pair<std::string, std::string>;
using Json = nlohmann::json;

constexpr std::string_view kNegative = "Negative prompt:";
constexpr std::size_t kFewestPairs = 3;

std::string quote(const std::string& value) {
  if (value.find_first_of(",:\n") == std::string::npos) return value;
  return Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string unquote(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  const Json parsed = Json::parse(value, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string(value);
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view strip(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Letters beyond ASCII count as letters, as they do in Python.
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_key(char c) { return is_word(c) || c == ' ' || c == '-' || c == '/'; }

// End of a quoted value that begins at `begin`, or npos. One character at least between quotes.
std::size_t end_of_quoted(std::string_view line, std::size_t begin) {
  if (begin >= line.size() || line[begin] != '"') return std::string_view::npos;
  for (std::size_t i = begin + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      const bool closes = i > begin + 1 && (i + 1 == line.size() || line[i + 1] == ',');
      return closes ? i + 1 : std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

// All matches of \s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$), as A1111's parser has it.
std::vector<Pair> find_pairs(std::string_view line) {
  std::vector<Pair> pairs;
  for (std::size_t at = 0; at < line.size();) {
    if (!is_word(line[at])) {
      ++at;
      continue;
    }
    std::size_t colon = at;
    while (colon < line.size() && is_key(line[colon])) ++colon;
    if (colon == line.size() || line[colon] != ':' || colon - at < 2) {
      at = colon + 1;
      continue;
    }
    std::size_t value = colon + 1;
    while (value < line.size() && is_space(line[value])) ++value;
    std::size_t end = end_of_quoted(line, value);
    if (end == std::string_view::npos) end = std::min(line.find(',', value), line.size());
    pairs.emplace_back(line.substr(at, colon - at), unquote(line.substr(value, end - value)));
    at = end + 1;
  }
  return pairs;
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename Number>
bool read_number(std::string_view text, std::optional<Number>& number) {
  Number value{};
  if (!read_number(text, value) || !std::isfinite(double(value))) return false;
  number = value;
  return true;
}

bool read_size(std::string_view text, GenerationParameters& parameters) {
  const std::size_t cross = text.find('x');
  std::uint32_t width = 0, height = 0;
  if (cross == std::string_view::npos || !read_number(text.substr(0, cross), width) ||
      !read_number(text.substr(cross + 1), height)) {
    return false;
  }
  parameters.width = width;
  parameters.height = height;
  return true;
}

bool read_text(std::string_view text, std::string& field) {
  field = text;
  return true;
}

// False when the key is not known or the value not understood.
bool read_known(const Pair& pair, GenerationParameters& parameters) {
  const auto& [key, value] = pair;
  if (key == "Steps") return read_number(value, parameters.steps);
  if (key == "Sampler") return read_text(value, parameters.sampler);
  if (key == "Schedule type") return read_text(value, parameters.schedule_type);
  if (key == "CFG scale") return read_number(value, parameters.cfg_scale);
  if (key == "Seed") return read_number(value, parameters.seed);
  if (key == "Size") return read_size(value, parameters);
  if (key == "Model hash") return read_text(value, parameters.model_hash);
  if (key == "Model") return read_text(value, parameters.model);
  if (key == "VAE hash") return read_text(value, parameters.vae_hash);
  if (key == "VAE") return read_text(value, parameters.vae);
  if (key == "Denoising strength") return read_number(value, parameters.denoising_strength);
  if (key == "Clip skip") return read_number(value, parameters.clip_skip);
  if (key == "RNG") return read_text(value, parameters.rng);
  if (key == "Version") return read_text(value, parameters.version);
  return false;
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

class PairWriter {
 public:
  void add(std::string_view key, const std::string& value) {
    if (value.empty()) return;
    line_ += fmt::format("{}{}: {}", line_.empty() ? "" : ", ", key, quote(value));
  }
  template <typename Number>
  void add(std::string_view key, const std::optional<Number>& value) {
    if (value) add(key, fmt::format("{}", *value));
  }
  const std::string& line() const { return line_; }

 private:
  std::string line_;
};

}  // namespace

std::string write_parameters(const GenerationParameters& parameters) {
  PairWriter pairs;
  pairs.add("Steps", parameters.steps);
  pairs.add("Sampler", parameters.sampler);
  pairs.add("Schedule type", parameters.schedule_type);
  pairs.add("CFG scale", parameters.cfg_scale);
  pairs.add("Seed", parameters.seed);
  if (parameters.width && parameters.height) {
    pairs.add("Size", fmt::format("{}x{}", *parameters.width, *parameters.height));
  }
  pairs.add("Model hash", parameters.model_hash);
  pairs.add("Model", parameters.model);
  pairs.add("VAE hash", parameters.vae_hash);
  pairs.add("VAE", parameters.vae);
  pairs.add("Denoising strength", parameters.denoising_strength);
  if (parameters.clip_skip > 1) pairs.add("Clip skip", fmt::format("{}", parameters.clip_skip));
  pairs.add("RNG", parameters.rng);
  for (const auto& [key, value] : parameters.extras) pairs.add(key, value);
  pairs.add("Version", parameters.version);
  std::string text = parameters.prompt;
  if (!parameters.negative_prompt.empty()) {
    text += fmt::format("\n{} {}", kNegative, parameters.negative_prompt);
  }
  return std::string(strip(text + "\n" + pairs.line()));
}

GenerationParameters parse_parameters(std::string_view text) {
  GenerationParameters parameters;
  text = strip(text);
  const std::size_t last_break = text.rfind('\n');
  const std::size_t last_begin = last_break == std::string_view::npos ? 0 : last_break + 1;
  const std::vector<Pair> pairs = find_pairs(text.substr(last_begin));
  if (pairs.size() >= kFewestPairs) {
    for (const Pair& pair : pairs) {
      const bool taken = pair.second.empty() || read_known(pair, parameters);
      if (!taken) parameters.extras.push_back(pair);
    }
    text = text.substr(0, last_begin == 0 ? 0 : last_begin - 1);
  }
  std::string* prompt = &parameters.prompt;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = strip(text.substr(begin, end - begin));
    if (line.starts_with(kNegative)) {
      prompt = &parameters.negative_prompt;
      line = strip(line.substr(kNegative.size()));
    }
    append_line(*prompt, line);
    begin = end + 1;
  }
  return parameters;
}

}  // namespace kiln
