// The header's grammar as a state machine driven by JSON events.
#include "runtime/weights/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;  // of values under keys this reader does not know
constexpr std::size_t kMostDims = 64;

// Called by the JSON parser, event by event. What the value now read means is in `field_`.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view place) : place_(place) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() { return scalar("null"); }
  bool boolean(bool) { return scalar("true or false"); }
  bool number_integer(Json::number_integer_t) { return scalar("a negative number"); }
  bool number_float(Json::number_float_t, const std::string&) {
    return scalar("a number that is no integer");
  }
  bool binary(Json::binary_t&) { return scalar("binary"); }

  bool number_unsigned(Json::number_unsigned_t value) {
    if (field_ == Field::shape && in_list_) return add_extent(value);
    if (field_ == Field::offsets && in_list_) return add_offset(value);
    return scalar("a number");
  }

  bool string(std::string& value) {
    if (level_ == Level::metadata) {
      header_.metadata[key_] = value;
      return true;
    }
    if (field_ == Field::dtype) {
      entry_.type = find_element_type(value);
      if (entry_.type == nullptr) {
        fail(place_, "tensor {} has the unknown element type {}", in_quotes(tensor_),
             in_quotes(value));
      }
      field_ = Field::none;
      return true;
    }
    return scalar("a text");
  }

  bool start_object(std::size_t) {
    if (skipping()) return deeper();
    switch (level_) {
      case Level::outside:
        level_ = Level::header;
        return true;
      case Level::header:
        level_ = key_ == "__metadata__" ? Level::metadata : Level::tensor;
        seen_.clear();
        tensor_ = key_;
        entry_ = {};
        offsets_ = 0;
        return true;
      case Level::metadata:
      case Level::tensor:
        return scalar("an object");
    }
    return false;
  }

  bool key(std::string& name) {
    if (skipping() && depth_ > 0) return true;
    if (level_ == Level::header) {
      const bool is_new = name == "__metadata__" ? !has_metadata_ : !header_.entries.contains(name);
      if (!is_new) fail(place_, "lists {} twice", in_quotes(name));
      has_metadata_ = has_metadata_ || name == "__metadata__";
    } else if (!seen_.insert(name).second) {
      fail(place_, "{} has the key {} twice", in_quotes(tensor_), in_quotes(name));
    }
    key_ = name;
    if (level_ == Level::tensor) {
      field_ = name == "dtype"          ? Field::dtype
               : name == "shape"        ? Field::shape
               : name == "data_offsets" ? Field::offsets
                                        : Field::unknown;
    }
    return true;
  }

  bool end_object() {
    if (skipping() && depth_ > 0) return shallower();
    if (level_ == Level::tensor) add_tensor();
    level_ = level_ == Level::header ? Level::outside : Level::header;
    return true;
  }

  bool start_array(std::size_t) {
    if (skipping()) return deeper();
    const bool wanted = field_ == Field::shape || field_ == Field::offsets;
    if (!wanted || in_list_) return scalar("a list");
    in_list_ = true;
    return true;
  }

  bool end_array() {
    if (skipping()) return shallower();
    in_list_ = false;
    field_ = Field::none;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    fail(place_, "its header is not valid JSON: {}", json_complaint(error));
  }

 private:
  enum class Level { outside, header, metadata, tensor };
  enum class Field { none, dtype, shape, offsets, unknown };

  bool skipping() const { return field_ == Field::unknown; }
  bool deeper() {
    if (++depth_ > kDeepest) fail(place_, "its header nests deeper than {} levels", kDeepest);
    return true;
  }
  bool shallower() {
    if (--depth_ == 0) field_ = Field::none;
    return true;
  }

  // A value of a kind that fits nowhere but under an unknown key.
  bool scalar(std::string_view what) {
    if (skipping()) {
      if (depth_ == 0) field_ = Field::none;
      return true;
    }
    if (level_ == Level::outside) fail(place_, "its header is {}, not an object", what);
    if (level_ == Level::header) fail(place_, "{} is {}, not an object", in_quotes(key_), what);
    if (level_ == Level::metadata)
      fail(place_, "metadata {} is {}, not a text", in_quotes(key_), what);
    fail(place_, "tensor {}: {} holds {}", in_quotes(tensor_), in_quotes(key_), what);
  }

  bool add_extent(Json::number_unsigned_t value) {
    if (value > std::uint64_t(std::numeric_limits<std::int64_t>::max())) {
      fail(place_, "tensor {} has an extent of {}", in_quotes(tensor_), value);
    }
    if (entry_.dims.size() >= kMostDims) {
      fail(place_, "tensor {} has more than {} dimensions", in_quotes(tensor_), kMostDims);
    }
    entry_.dims.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool add_offset(Json::number_unsigned_t value) {
    if (offsets_ == 2)
      fail(place_, "tensor {}: data_offsets has more than two", in_quotes(tensor_));
    (offsets_ == 0 ? entry_.begin : entry_.end) = value;
    ++offsets_;
    return true;
  }

  void add_tensor() {
    for (const char* needed : {"dtype", "shape", "data_offsets"}) {
      if (!seen_.contains(needed)) fail(place_, "tensor {} has no {}", in_quotes(tensor_), needed);
    }
    if (offsets_ != 2)
      fail(place_, "tensor {}: data_offsets has fewer than two", in_quotes(tensor_));
    header_.entries.emplace(tensor_, std::move(entry_));
  }

  std::string place_;
  SafetensorsHeader header_;
  Level level_ = Level::outside;
  Field field_ = Field::none;
  bool in_list_ = false;
  bool has_metadata_ = false;
  int depth_ = 0;  // inside the value of an unknown key
  std::string key_, tensor_;
  std::set<std::string> seen_;  // keys of the object being read
  Safetensors::Entry entry_;
  int offsets_ = 0;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::string_view place) {
  // The parser takes a zero byte for the end of its input.
  if (json.find('\0') != json.npos) fail(place, "its header is not valid JSON: a zero byte");
  HeaderReader reader(place);
  Json::sax_parse(json, &reader);
  return reader.take();
}

}  // namespace kiln
