// Name translation, one function per network, on names split at their dots.
#include "models/families/ldm_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace kiln {
namespace {

using Parts = std::span<const std::string_view>;
using Table = std::span<const std::pair<std::string_view, std::string_view>>;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string join(Parts parts) {
  std::string text;
  for (const std::string_view part : parts) text += (text.empty() ? "" : ".") + std::string(part);
  return text;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 1000) return {};
  return value;
}

// Replaces the start of `parts` (joined) that the table lists.
std::optional<std::string> replace_start(Parts parts, Table table) {
  const std::string name = join(parts);
  for (const auto& [from, to] : table) {
    if (name.starts_with(from) && name.size() > from.size() && name[from.size()] == '.') {
      return std::string(to) + name.substr(from.size());
    }
  }
  return {};
}

constexpr std::pair<std::string_view, std::string_view> kUnetResnet[] = {
    {"in_layers.0", "norm1"},  {"in_layers.2", "conv1"},  {"emb_layers.1", "time_emb_proj"},
    {"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"}};

constexpr std::pair<std::string_view, std::string_view> kUnetEnds[] = {
    {"time_embed.0", "time_embedding.linear_1"},
    {"time_embed.2", "time_embedding.linear_2"},
    {"label_emb.0.0", "add_embedding.linear_1"},
    {"label_emb.0.2", "add_embedding.linear_2"},
    {"input_blocks.0.0", "conv_in"},
    {"out.0", "conv_norm_out"},
    {"out.2", "conv_out"}};

// prefix.resnets.j.<...> from LDM's names inside a residual block.
std::optional<std::string> resnet(const std::string& prefix, Parts rest) {
  const auto inner = replace_start(rest, kUnetResnet);
  if (!inner) return {};
  return prefix + "." + *inner;
}

std::optional<std::string> unet_block(bool up, std::uint32_t index, Parts rest,
                                      std::uint32_t blocks) {
  if (rest.size() < 2) return {};
  const std::uint32_t stride = blocks + 1;
  const std::uint32_t level = (up ? index : index - 1) / stride;
  const std::uint32_t item = (up ? index : index - 1) % stride;
  const std::string prefix = fmt::format("{}_blocks.{}", up ? "up" : "down", level);
  const Parts tail = rest.subspan(1);
  if (!up && rest[0] == "0" && tail[0] == "op") {
    return fmt::format("{}.downsamplers.0.conv.{}", prefix, join(tail.subspan(1)));
  }
  if (up && rest[0] != "0" && tail[0] == "conv") {
    return fmt::format("{}.upsamplers.0.{}", prefix, join(tail));
  }
  if (rest[0] == "0") return resnet(fmt::format("{}.resnets.{}", prefix, item), tail);
  if (rest[0] == "1") return fmt::format("{}.attentions.{}.{}", prefix, item, join(tail));
  return {};
}

std::optional<std::string> unet_name(Parts parts, std::uint32_t blocks) {
  if (auto end = replace_start(parts, kUnetEnds)) return end;
  if (parts.size() < 3) return {};
  const auto index = number(parts[1]);
  if (!index) return {};
  if (parts[0] == "input_blocks" && *index > 0) {
    return unet_block(false, *index, parts.subspan(2), blocks);
  }
  if (parts[0] == "output_blocks") return unet_block(true, *index, parts.subspan(2), blocks);
  if (parts[0] != "middle_block") return {};
  if (*index == 1) return "mid_block.attentions.0." + join(parts.subspan(2));
  return resnet(fmt::format("mid_block.resnets.{}", *index / 2), parts.subspan(2));
}

constexpr std::pair<std::string_view, std::string_view> kVaeEnds[] = {
    {"norm_out", "conv_norm_out"}, {"conv_in", "conv_in"}, {"conv_out", "conv_out"}};

constexpr std::pair<std::string_view, std::string_view> kVaeMiddle[] = {
    {"block_1", "mid_block.resnets.0"},
    {"block_2", "mid_block.resnets.1"},
    {"attn_1.norm", "mid_block.attentions.0.group_norm"},
    {"attn_1.q", "mid_block.attentions.0.to_q"},
    {"attn_1.k", "mid_block.attentions.0.to_k"},
    {"attn_1.v", "mid_block.attentions.0.to_v"},
    {"attn_1.proj_out", "mid_block.attentions.0.to_out.0"}};

std::optional<std::string> vae_level(std::string_view direction, Parts parts,
                                     std::uint32_t levels) {
  const auto index = number(parts[0]);
  if (!index || *index >= levels || parts.size() < 3) return {};
  const bool up = direction == "up";
  const std::string prefix =
      fmt::format("{}_blocks.{}", direction, up ? levels - 1 - *index : *index);
  if (parts[1] == "upsample" || parts[1] == "downsample") {
    return fmt::format("{}.{}rs.0.{}", prefix, parts[1], join(parts.subspan(2)));
  }
  if (parts[1] != "block") return {};
  std::vector<std::string_view> inner(parts.begin() + 2, parts.end());
  for (std::string_view& part : inner) part = part == "nin_shortcut" ? "conv_shortcut" : part;
  return fmt::format("{}.resnets.{}", prefix, join(inner));
}

std::optional<std::string> vae_name(Parts parts, std::uint32_t levels) {
  if (parts[0] == "quant_conv" || parts[0] == "post_quant_conv") return join(parts);
  if (parts.size() < 3 || (parts[0] != "encoder" && parts[0] != "decoder")) return {};
  const Parts rest = parts.subspan(1);
  std::optional<std::string> inner = replace_start(rest, kVaeEnds);
  if (!inner && rest[0] == "mid") inner = replace_start(rest.subspan(1), kVaeMiddle);
  if (!inner && (rest[0] == "up" || rest[0] == "down")) {
    inner = vae_level(rest[0], rest.subspan(1), levels);
  }
  if (!inner) return {};
  return std::string(parts[0]) + "." + *inner;
}

constexpr std::string_view kUnet = "model.diffusion_model.";
constexpr std::string_view kVae = "first_stage_model.";
constexpr std::string_view kText = "cond_stage_model.transformer.";

}  // namespace

std::optional<std::string> diffusers_name(std::string_view name, const LdmLayout& layout) {
  if (name.starts_with(kUnet)) {
    const auto inner = unet_name(split(name.substr(kUnet.size())), layout.unet_blocks);
    if (inner) return "unet." + *inner;
  } else if (name.starts_with(kVae)) {
    const auto inner = vae_name(split(name.substr(kVae.size())), layout.vae_levels);
    if (inner) return "vae." + *inner;
  } else if (name.starts_with(kText) && !name.ends_with(".position_ids")) {
    return "text_encoder." + std::string(name.substr(kText.size()));
  }
  return {};
}

LdmLayout ldm_layout(const std::vector<std::string>& names) {
  LdmLayout layout;
  std::uint32_t first_downsample = 0, levels = 0;
  for (const std::string& name : names) {
    const std::vector<std::string_view> parts = split(name);
    if (parts.size() > 6 && parts[2] == "input_blocks" && parts[5] == "op") {
      const std::uint32_t index = number(parts[3]).value_or(0);
      if (first_downsample == 0 || index < first_downsample) first_downsample = index;
    }
    if (parts.size() > 3 && parts[0] == "first_stage_model" && parts[1] == "decoder" &&
        parts[2] == "up") {
      levels = std::max(levels, number(parts[3]).value_or(0) + 1);
    }
  }
  if (first_downsample > 1) layout.unet_blocks = first_downsample - 1;
  if (levels > 0) layout.vae_levels = levels;
  return layout;
}

bool is_ldm_projection(std::string_view name) {
  return name.starts_with(kVae) && name.find(".mid.attn_1.") != std::string_view::npos &&
         name.find(".norm.") == std::string_view::npos && name.ends_with(".weight");
}

}  // namespace kiln
