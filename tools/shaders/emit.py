"""Writes the C++ of one kernel: argument structs and embedded SPIR-V."""

import struct

NAMESPACE = "kiln::kernels"
HEADER = '''// Generated from shaders/{path}.comp; do not edit.
#pragma once

#include <cstdint>

#include "runtime/graph/kernel_info.h"

namespace kiln::kernels {{

struct {name} {{
  static constexpr const char* kName = "{path}";
{args}{constants}  // The module for this element type; one that is for 16 bits alone stands for both.
  static const KernelInfo& info(DType element);
}};

}}  // namespace kiln::kernels
'''
CPP_TYPES = {"uint": "std::uint32_t", "int": "std::int32_t", "float": "float", "bool": "std::uint32_t"}


def default_text(member):
    if member.type == "float":
        return repr(struct.unpack("<f", struct.pack("<I", member.default))[0]) + "f"
    if member.type == "int":
        return str(struct.unpack("<i", struct.pack("<I", member.default))[0])
    return str(member.default)


def struct_text(name, members, with_defaults):
    if not members:
        return f"  struct {name} {{}};\n"
    lines = [f"  struct {name} {{\n"]
    for member in members:
        default = f" = {default_text(member)}" if with_defaults else ""
        lines.append(f"    {CPP_TYPES[member.type]} {member.name}{default};\n")
    return "".join(lines) + "  };\n"


def header(path, name, interface):
    return HEADER.format(path=path, name=name,
                         args=struct_text("Args", interface.arguments, False),
                         constants=struct_text("Constants", interface.constants, True))


def words_text(data):
    words = struct.unpack(f"<{len(data) // 4}I", data)
    rows = [", ".join(f"0x{w:08x}" for w in words[i:i + 10]) for i in range(0, len(words), 10)]
    return ",\n    ".join(rows)


def source(path, name, variants):
    """variants: list of (element or None, Interface, embedded SPIR-V)."""
    parts = [f"// Generated from shaders/{path}.comp; do not edit.\n",
             f'#include "kernels/{name}.h"\n\nnamespace {NAMESPACE} {{\nnamespace {{\n\n']
    infos = []
    for element, interface, data in variants:
        suffix = element or "any"
        accesses = ", ".join(f"Access::{a}" for a in interface.accesses)
        ids = ", ".join(str(c.spec_id) for c in interface.constants)
        parts.append(f"constexpr std::uint32_t kCode_{suffix}[] = {{\n    {words_text(data)}}};\n")
        parts.append(f"constexpr Access kOperands_{suffix}[] = {{{accesses}}};\n")
        if ids:
            parts.append(f"constexpr std::uint32_t kIds_{suffix}[] = {{{ids}}};\n")
        workgroup = ", ".join(str(e) for e in (interface.workgroup + [1, 1, 1])[:3])
        needs = " | ".join(interface.needs) or "kNeedNothing"
        infos.append(f'''constexpr KernelInfo kInfo_{suffix}{{
    .name = "{path}",
    .element = DType::{element or "f32"},
    .operands = kOperands_{suffix},
    .arguments_bytes = {4 * len(interface.arguments)},
    .constant_ids = {f"kIds_{suffix}" if ids else "{}"},
    .needs = {needs},
    .workgroup = {{{workgroup}}},
    .subgroup_constant = {interface.subgroup},
    .spirv = kCode_{suffix}}};
''')
    parts += infos
    parts.append("\n}  // namespace\n\n")
    if len(variants) == 1:
        only = variants[0][0] or "any"
        parts.append(f"const KernelInfo& {name}::info(DType) {{ return kInfo_{only}; }}\n")
    else:
        parts.append(f"const KernelInfo& {name}::info(DType element) {{\n"
                     "  return element == DType::f16 ? kInfo_f16 : kInfo_f32;\n}\n")
    parts.append(f"\n}}  // namespace {NAMESPACE}\n")
    return "".join(parts)


def catalogue(kernels, not_built):
    """The list of every module; kernels: list of (name, elements); not_built: paths."""
    includes = "".join(f'#include "kernels/{name}.h"\n' for name, _ in kernels)
    rows = "".join(f"    &{name}::info(DType::{element}),\n"
                   for name, elements in kernels for element in elements)
    names = ", ".join(f'"{path}"' for path in not_built)
    left_out = f"  static constexpr std::string_view kNames[] = {{{names}}};\n  return kNames;\n"
    return (f"// Generated; do not edit.\n#include \"kernels/all.h\"\n\n{includes}\n"
            f"namespace {NAMESPACE} {{\n\nstd::span<const KernelInfo* const> all() {{\n"
            f"  static const KernelInfo* const kAll[] = {{\n{rows}  }};\n  return kAll;\n}}\n\n"
            "std::span<const std::string_view> not_built() {\n"
            f"{left_out if names else '  return {};' + chr(10)}}}\n\n"
            f"}}  // namespace {NAMESPACE}\n")


CATALOGUE_HEADER = '''// Generated; do not edit.
#pragma once

#include <span>
#include <string_view>

#include "runtime/graph/kernel_info.h"

namespace kiln::kernels {

// Names of kernels that the compiler of this build did not understand.
std::span<const std::string_view> not_built();

// Every module: each shader for each element type it is compiled for.
std::span<const KernelInfo* const> all();

}  // namespace kiln::kernels
'''
