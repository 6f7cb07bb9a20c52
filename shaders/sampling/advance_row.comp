// row = row + 1.
#version 460

layout(local_size_x = 1) in;

layout(binding = 0) buffer Row { uint row; };

void main() { ++row; }
