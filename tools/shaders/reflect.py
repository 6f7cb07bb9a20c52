"""Reads what a compute shader says about itself from its unoptimised SPIR-V.

Source: the SPIR-V specification, version 1.5, sections 2.3 and 3.
"""

import struct
from dataclasses import dataclass, field

MAGIC = 0x07230203
(OP_NAME, OP_MEMBER_NAME, OP_EXECUTION_MODE, OP_CAPABILITY) = (5, 6, 16, 17)
(OP_TYPE_BOOL, OP_TYPE_INT, OP_TYPE_FLOAT, OP_TYPE_VECTOR, OP_TYPE_ARRAY, OP_TYPE_RUNTIME_ARRAY,
 OP_TYPE_STRUCT, OP_TYPE_POINTER) = (20, 21, 22, 23, 28, 29, 30, 32)
(OP_CONSTANT, OP_SPEC_TRUE, OP_SPEC_FALSE, OP_SPEC_CONSTANT, OP_SPEC_COMPOSITE) = (43, 48, 49, 50, 51)
(OP_VARIABLE, OP_DECORATE, OP_MEMBER_DECORATE, OP_EXECUTION_MODE_ID) = (59, 71, 72, 331)
(DECORATION_SPEC_ID, DECORATION_BUILTIN, DECORATION_NON_WRITABLE, DECORATION_NON_READABLE,
 DECORATION_BINDING, DECORATION_SET, DECORATION_OFFSET) = (1, 11, 24, 25, 33, 34, 35)
MODE_LOCAL_SIZE, MODE_LOCAL_SIZE_ID = 17, 38
STORAGE_PUSH_CONSTANT, STORAGE_BUFFER = 9, 12
BUILTIN_WORKGROUP_SIZE = 25

# Capability number -> Need of runtime/graph/kernel_info.h; None: every device has it.
CAPABILITIES = {
    1: None,                         # Shader
    9: "kNeedFloat16", 11: "kNeedInt64", 22: "kNeedInt16", 39: "kNeedInt8",
    61: "kNeedSubgroupBasic", 63: "kNeedSubgroupArithmetic", 64: "kNeedSubgroupBallot",
    62: "kNeedSubgroupBasic", 65: "kNeedSubgroupShuffle",
    4433: "kNeedStorage16", 4434: "kNeedStorage16", 4448: "kNeedStorage8",
    4449: "kNeedStorage8", 5345: "kNeedMemoryModel", 6022: "kNeedCooperativeMatrix",
    6912: "kNeedMixedDot", 6019: "kNeedIntegerDot", 6017: "kNeedIntegerDot", 6018: "kNeedIntegerDot",
}


class ShaderError(Exception):
    """A shader breaks a convention of shaders/README.md."""


@dataclass
class Member:
    name: str
    type: str          # "uint", "int", "float" or "bool"
    default: int = 0   # bits; specialization constants only
    spec_id: int = -1


@dataclass
class Interface:
    accesses: list = field(default_factory=list)    # by binding: "read", "write", "read_write"
    arguments: list = field(default_factory=list)   # Members of the push-constant block
    constants: list = field(default_factory=list)   # Members, by constant_id
    workgroup: list = field(default_factory=list)   # extents; -1 - i: constant number i
    needs: list = field(default_factory=list)
    subgroup: int = -1  # number of the constant SUBGROUP, the size that subgroups must have


class Module:
    """Tables of one module's instructions."""

    def __init__(self, data):
        if len(data) < 20 or len(data) % 4 or struct.unpack_from("<I", data)[0] != MAGIC:
            raise ShaderError("not a SPIR-V module")
        self.words = struct.unpack(f"<{len(data) // 4}I", data)
        self.names, self.member_names = {}, {}
        self.decorations, self.member_decorations = {}, {}
        self.types, self.constants, self.variables = {}, {}, []
        self.capabilities, self.mode, self.mode_ids = [], None, None
        self.read()

    def text(self, words):
        return struct.pack(f"<{len(words)}I", *words).split(b"\0")[0].decode()

    def read(self):
        position = 5
        while position < len(self.words):
            count, opcode = self.words[position] >> 16, self.words[position] & 0xFFFF
            if count == 0 or position + count > len(self.words):
                raise ShaderError("truncated SPIR-V")
            self.instruction(opcode, self.words[position + 1:position + count])
            position += count

    def instruction(self, opcode, o):
        if opcode == OP_CAPABILITY:
            self.capabilities.append(o[0])
        elif opcode == OP_NAME:
            self.names[o[0]] = self.text(o[1:])
        elif opcode == OP_MEMBER_NAME:
            self.member_names[o[0], o[1]] = self.text(o[2:])
        elif opcode == OP_DECORATE:
            self.decorations.setdefault(o[0], {})[o[1]] = o[2] if len(o) > 2 else True
        elif opcode == OP_MEMBER_DECORATE:
            self.member_decorations.setdefault((o[0], o[1]), {})[o[2]] = o[3] if len(o) > 3 else True
        elif opcode == OP_EXECUTION_MODE and o[1] == MODE_LOCAL_SIZE:
            self.mode = o[2:5]
        elif opcode == OP_EXECUTION_MODE_ID and o[1] == MODE_LOCAL_SIZE_ID:
            self.mode_ids = o[2:5]
        elif OP_TYPE_BOOL <= opcode <= OP_TYPE_POINTER:
            self.types[o[0]] = (opcode, o[1:])
        elif OP_CONSTANT <= opcode <= OP_SPEC_COMPOSITE:
            self.constants[o[1]] = (opcode, o[0], o[2:])
        elif opcode == OP_VARIABLE:
            self.variables.append((o[0], o[1], o[2]))

    def scalar(self, type_id, what):
        opcode, operands = self.types[type_id]
        if opcode == OP_TYPE_BOOL:
            return "bool"
        if opcode == OP_TYPE_INT and operands[0] == 32:
            return "int" if operands[1] else "uint"
        if opcode == OP_TYPE_FLOAT and operands[0] == 32:
            return "float"
        raise ShaderError(f"{what} must be a 32-bit scalar")


def reflect_constants(module):
    """Members by constant_id, and which of them each SPIR-V identity is.

    glslang declares a constant again, without a name, where it is an extent of the workgroup.
    """
    by_id, identities = {}, {}
    for identity, (opcode, type_id, operands) in module.constants.items():
        spec_id = module.decorations.get(identity, {}).get(DECORATION_SPEC_ID)
        if spec_id is None:
            continue
        identities[identity] = spec_id
        name = module.names.get(identity, "")
        default = {OP_SPEC_TRUE: 1, OP_SPEC_FALSE: 0}.get(opcode)
        if default is None:
            default = operands[0]
        if name or spec_id not in by_id:
            by_id[spec_id] = Member(name.lower(), module.scalar(type_id, f"constant {name}"),
                                    default, spec_id)
    order = sorted(by_id)
    for spec_id in order:
        if not by_id[spec_id].name:
            raise ShaderError(f"constant_id {spec_id} has no name")
    return ([by_id[i] for i in order],
            {identity: order.index(spec_id) for identity, spec_id in identities.items()})


def reflect_workgroup(module, constants):
    extents = module.mode_ids
    for identity, decorations in module.decorations.items():
        if decorations.get(DECORATION_BUILTIN) == BUILTIN_WORKGROUP_SIZE:
            extents = module.constants[identity][2]
    if extents is None:
        return list(module.mode)
    return [-1 - constants[e] if e in constants else module.constants[e][2][0] for e in extents]


def reflect_arguments(module, type_id):
    _, members = module.types[type_id]
    arguments = []
    for index, member_type in enumerate(members):
        name = module.member_names.get((type_id, index), "")
        offset = module.member_decorations[type_id, index][DECORATION_OFFSET]
        if offset != 4 * index:
            raise ShaderError(f"argument {name} lies at {offset}, expected {4 * index}")
        arguments.append(Member(name, module.scalar(member_type, f"argument {name}")))
    return arguments


def buffer_access(module, variable, struct_type):
    flags = dict(module.decorations.get(variable, {}))
    members = module.types[struct_type][1]
    for flag in (DECORATION_NON_WRITABLE, DECORATION_NON_READABLE):
        if all(flag in module.member_decorations.get((struct_type, i), {}) for i in range(len(members))):
            flags[flag] = True
    if DECORATION_NON_WRITABLE in flags:
        return "read"
    return "write" if DECORATION_NON_READABLE in flags else "read_write"


def reflect_buffers(module, interface):
    by_binding = {}
    for pointer_type, identity, storage in module.variables:
        if storage not in (STORAGE_BUFFER, STORAGE_PUSH_CONSTANT):
            continue
        pointee = module.types[pointer_type][1][1]
        if storage == STORAGE_PUSH_CONSTANT:
            interface.arguments = reflect_arguments(module, pointee)
            continue
        if module.decorations[identity].get(DECORATION_SET, 0) != 0:
            raise ShaderError("buffers must be of set 0")
        binding = module.decorations[identity][DECORATION_BINDING]
        access = buffer_access(module, identity, pointee)
        if by_binding.setdefault(binding, access) != access:
            by_binding[binding] = "read_write"  # two views of one buffer
    if sorted(by_binding) != list(range(len(by_binding))):
        raise ShaderError(f"bindings {sorted(by_binding)} have a gap; binding i is operand i")
    interface.accesses = [by_binding[i] for i in range(len(by_binding))]


def reflect(data):
    """The Interface of a module; raises ShaderError naming what breaks a convention."""
    module = Module(data)
    interface = Interface()
    interface.constants, identities = reflect_constants(module)
    interface.workgroup = reflect_workgroup(module, identities)
    interface.subgroup = next(
        (i for i, c in enumerate(interface.constants) if c.name == "subgroup"), -1)
    reflect_buffers(module, interface)
    for capability in module.capabilities:
        if capability not in CAPABILITIES:
            raise ShaderError(f"capability {capability} is not known to tools/shaders/reflect.py")
        need = CAPABILITIES[capability]
        if need and need not in interface.needs:
            interface.needs.append(need)
    return interface
