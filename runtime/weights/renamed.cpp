// Renamed: rules, and their effect on shapes and bytes.
#include "runtime/weights/renamed.h"

#include <array>
#include <set>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/strided.h"

namespace kiln {
namespace {

// The inner tensor's rows the transform reads, as a shape; nothing when it has no such rows.
std::optional<std::vector<std::int64_t>> rows_of(std::vector<std::int64_t> dims,
                                                 const TensorTransform& transform) {
  if (transform.row_count == 0) return dims;
  const bool inside = !dims.empty() && transform.first_row >= 0 && transform.row_count > 0 &&
                      transform.first_row <= dims[0] &&
                      transform.row_count <= dims[0] - transform.first_row;
  if (!inside) return std::nullopt;
  dims[0] = transform.row_count;
  return dims;
}

void squeeze(std::vector<std::int64_t>& dims) {
  while (dims.size() > 1 && dims.back() == 1) dims.pop_back();
}

}  // namespace

Renamed::Renamed(WeightSourcePtr inner, std::vector<Rename> table) : inner_(std::move(inner)) {
  for (Rename& rename : table) {
    const std::string name = rename.new_name;
    if (!rules_.emplace(name, std::move(rename)).second) {
      fail(inner_->description(), "two tensors are renamed to {}", in_quotes(name));
    }
  }
}

const Rename* Renamed::rule(std::string_view name) const {
  const auto found = rules_.find(name);
  return found == rules_.end() ? nullptr : &found->second;
}

std::vector<std::string> Renamed::names() const {
  const std::vector<std::string> inner_names = inner_->names();
  const std::set<std::string_view> inside(inner_names.begin(), inner_names.end());
  std::vector<std::string> names;
  for (const auto& [name, rename] : rules_) {
    if (inside.contains(rename.old_name)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> Renamed::unclaimed() const {
  std::set<std::string_view> claimed;
  for (const auto& item : rules_) claimed.insert(item.second.old_name);
  std::vector<std::string> names;
  for (std::string& name : inner_->names()) {
    if (!claimed.contains(name)) names.push_back(std::move(name));
  }
  return names;
}

std::string Renamed::name_in_file(std::string_view name) const {
  const Rename* found = rule(name);
  return found == nullptr ? std::string(name) : inner_->name_in_file(found->old_name);
}

std::optional<TensorInfo> Renamed::find(std::string_view name) const {
  const Rename* found = rule(name);
  auto info = found == nullptr ? std::nullopt : inner_->find(found->old_name);
  if (!info) return std::nullopt;
  auto dims = rows_of(std::move(info->dims), found->transform);
  if (!dims) {
    fail(description(), "tensor {} has fewer than {} rows", in_quotes(name_in_file(name)),
         found->transform.first_row + found->transform.row_count);
  }
  if (found->transform.squeeze) squeeze(*dims);
  if (found->transform.transpose) {
    if (dims->size() != 2) {
      fail(description(), "tensor {} is not a matrix", in_quotes(name_in_file(name)));
    }
    std::swap((*dims)[0], (*dims)[1]);
  }
  info->dims = std::move(*dims);
  return info;
}

void Renamed::read(std::string_view name, std::span<std::byte> out) const {
  const auto info = find(name);
  if (!info) fail(description(), "has no tensor {}", in_quotes(name_in_file(name)));
  const Rename& rename = *rule(name);
  const auto stored = inner_->find(rename.old_name);
  if (!stored) fail(description(), "has no tensor {}", in_quotes(rename.old_name));
  if (rename.transform.row_count == 0 && !rename.transform.transpose) {
    inner_->read(rename.old_name, out);
    return;
  }
  const std::uint64_t element_bytes = size_bytes(stored->dtype);
  const auto elements = checked_elements(info->dims);
  const auto all = checked_elements(stored->dims);
  if (!elements || !all || out.size() != *elements * element_bytes) {
    fail(description(), "tensor {} is asked for with a wrong size", in_quotes(name));
  }
  std::vector<std::byte> whole(*all * element_bytes);
  inner_->read(rename.old_name, whole);
  std::span<const std::byte> rows = whole;
  if (rename.transform.row_count != 0) {
    const std::uint64_t row_bytes = whole.size() / std::uint64_t(stored->dims[0]);
    rows = rows.subspan(std::uint64_t(rename.transform.first_row) * row_bytes, out.size());
  }
  const std::int64_t width = info->dims.empty() ? 1 : info->dims[0];  // before it was turned
  const std::array<std::int64_t, 2> turned{1, width};
  if (rename.transform.transpose) {
    copy_strided(info->dims, turned, element_bytes, rows, out);
  } else {
    std::copy(rows.begin(), rows.end(), out.begin());
  }
}

WeightSourcePtr without_prefix(WeightSourcePtr source, std::string_view prefix) {
  std::vector<Rename> table;
  for (const std::string& name : source->names()) {
    if (!name.starts_with(prefix)) continue;
    table.push_back({name.substr(prefix.size()), name, {}});
  }
  return std::make_shared<Renamed>(std::move(source), std::move(table));
}

}  // namespace kiln
