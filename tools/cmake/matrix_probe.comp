// Compiles only where GL_KHR_cooperative_matrix is known (shaders.cmake).
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(binding = 0) buffer X { float16_t x[]; };
layout(local_size_x = 1) in;

void main() {
  coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseA> a;
  coopMatLoad(a, x, 0, 16, gl_CooperativeMatrixLayoutRowMajor);
  coopMatStore(a, x, 0, 16, gl_CooperativeMatrixLayoutRowMajor);
}
