// Element types of tensors, on the device and in files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln {

// Devices hold f32, f16, u32 and u8; the others appear only in files.
enum class DType : std::uint8_t { f32, f16, bf16, f64, u8, i8, i16, i32, u32, i64, boolean };

constexpr std::uint32_t size_bytes(DType type) {
  switch (type) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
      return 2;
    case DType::u8:
    case DType::i8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

constexpr bool is_floating(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16 || type == DType::f64;
}

// The name safetensors uses, e.g. "F16".
constexpr std::string_view to_text(DType type) {
  switch (type) {
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::f64:
      return "F64";
    case DType::u8:
      return "U8";
    case DType::i8:
      return "I8";
    case DType::i16:
      return "I16";
    case DType::i32:
      return "I32";
    case DType::u32:
      return "U32";
    case DType::i64:
      return "I64";
    case DType::boolean:
      return "BOOL";
  }
  return "?";
}

}  // namespace kiln
