// The two tables of element types. Sources: safetensors/src/tensor.rs; torch/storage.py.
#include "runtime/weights/element_type.h"

#include <array>
#include <utility>

namespace kiln {
namespace {

constexpr std::array kTypes = {
    ElementType{"BOOL", 8, DType::boolean},
    ElementType{"F4", 4, {}},
    ElementType{"F6_E2M3", 6, {}},
    ElementType{"F6_E3M2", 6, {}},
    ElementType{"U8", 8, DType::u8},
    ElementType{"I8", 8, DType::i8},
    ElementType{"F8_E5M2", 8, {}},
    ElementType{"F8_E4M3", 8, {}},
    ElementType{"F8_E8M0", 8, {}},
    ElementType{"F8_E4M3FNUZ", 8, {}},
    ElementType{"F8_E5M2FNUZ", 8, {}},
    ElementType{"I16", 16, DType::i16},
    ElementType{"U16", 16, {}},
    ElementType{"F16", 16, DType::f16},
    ElementType{"BF16", 16, DType::bf16},
    ElementType{"I32", 32, DType::i32},
    ElementType{"U32", 32, DType::u32},
    ElementType{"F32", 32, DType::f32},
    ElementType{"C64", 64, {}},
    ElementType{"F64", 64, DType::f64},
    ElementType{"I64", 64, DType::i64},
    ElementType{"U64", 64, {}},
};

using Names = std::pair<std::string_view, std::string_view>;
constexpr std::array kTorchNames = {
    Names{"HalfStorage", "F16"},
    Names{"BFloat16Storage", "BF16"},
    Names{"FloatStorage", "F32"},
    Names{"DoubleStorage", "F64"},
    Names{"ByteStorage", "U8"},
    Names{"UntypedStorage", "U8"},
    Names{"CharStorage", "I8"},
    Names{"ShortStorage", "I16"},
    Names{"IntStorage", "I32"},
    Names{"LongStorage", "I64"},
    Names{"BoolStorage", "BOOL"},
    Names{"ComplexFloatStorage", "C64"},
    Names{"float16", "F16"},
    Names{"bfloat16", "BF16"},
    Names{"float32", "F32"},
    Names{"float64", "F64"},
    Names{"uint8", "U8"},
    Names{"int8", "I8"},
    Names{"int16", "I16"},
    Names{"int32", "I32"},
    Names{"int64", "I64"},
    Names{"bool", "BOOL"},
    Names{"uint16", "U16"},
    Names{"uint32", "U32"},
    Names{"uint64", "U64"},
    Names{"complex64", "C64"},
    Names{"float8_e4m3fn", "F8_E4M3"},
    Names{"float8_e5m2", "F8_E5M2"},
    Names{"float8_e4m3fnuz", "F8_E4M3FNUZ"},
    Names{"float8_e5m2fnuz", "F8_E5M2FNUZ"},
};

}  // namespace

const ElementType* find_element_type(std::string_view name) {
  for (const ElementType& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

const ElementType* find_torch_type(std::string_view name) {
  for (const auto& [torch_name, type_name] : kTorchNames) {
    if (torch_name == name) return find_element_type(type_name);
  }
  return nullptr;
}

}  // namespace kiln
