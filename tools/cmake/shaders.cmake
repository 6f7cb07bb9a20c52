# Shaders become SPIR-V and C++ argument structs at build time.
