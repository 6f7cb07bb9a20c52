// y = x backwards, with VALUES (a power of 4, up to 16384) values held at once by each invocation.
#version 460

layout(local_size_x = 64) in;
layout(binding = 0) buffer X { float x[]; };

// Each value is read before the first is written, and constant indices leave no loop to keep.
#define READ1(i) v[i] = x[(i) * 64 + lane];
#define WRITE1(i) x[(i) * 64 + lane] = v[VALUES - 1 - (i)];
#define READ4(i) READ1(i) READ1((i) + 1) READ1((i) + 2) READ1((i) + 3)
#define WRITE4(i) WRITE1(i) WRITE1((i) + 1) WRITE1((i) + 2) WRITE1((i) + 3)
#define READ16(i) READ4(i) READ4((i) + 4) READ4((i) + 8) READ4((i) + 12)
#define WRITE16(i) WRITE4(i) WRITE4((i) + 4) WRITE4((i) + 8) WRITE4((i) + 12)
#define READ64(i) READ16(i) READ16((i) + 16) READ16((i) + 32) READ16((i) + 48)
#define WRITE64(i) WRITE16(i) WRITE16((i) + 16) WRITE16((i) + 32) WRITE16((i) + 48)
#define READ256(i) READ64(i) READ64((i) + 64) READ64((i) + 128) READ64((i) + 192)
#define WRITE256(i) WRITE64(i) WRITE64((i) + 64) WRITE64((i) + 128) WRITE64((i) + 192)
#define READ1024(i) READ256(i) READ256((i) + 256) READ256((i) + 512) READ256((i) + 768)
#define WRITE1024(i) WRITE256(i) WRITE256((i) + 256) WRITE256((i) + 512) WRITE256((i) + 768)
#define READ4096(i) READ1024(i) READ1024((i) + 1024) READ1024((i) + 2048) READ1024((i) + 3072)
#define WRITE4096(i) WRITE1024(i) WRITE1024((i) + 1024) WRITE1024((i) + 2048) WRITE1024((i) + 3072)
#define READ16384(i) READ4096(i) READ4096((i) + 4096) READ4096((i) + 8192) READ4096((i) + 12288)
#define WRITE16384(i) \
  WRITE4096(i) WRITE4096((i) + 4096) WRITE4096((i) + 8192) WRITE4096((i) + 12288)
#define JOINED(name, number) name##number
#define ALL(name, number) JOINED(name, number)(0)

void main() {
  const uint lane = gl_GlobalInvocationID.x;
  float v[VALUES];
  ALL(READ, VALUES)
  ALL(WRITE, VALUES)
}
