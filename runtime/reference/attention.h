// Multi-head attention in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/graph/shape.h"

namespace kiln::reference {

// q: [batch, queries, heads * d]; k, v: [batch, keys, heads * d].
// causal: query i sees keys 0 to i.
inline std::vector<double> attention(const std::vector<double>& q, const Shape& q_shape,
                                     const std::vector<double>& k, const std::vector<double>& v,
                                     const Shape& kv_shape, std::size_t heads, bool causal) {
  const std::size_t width = q_shape.channels, d = width / heads;
  const std::size_t queries = q_shape.pixels(), keys = kv_shape.pixels();
  std::vector<double> y(q.size());
  std::vector<double> weights(keys);
  for (std::size_t row = 0; row < queries * q_shape.batch; ++row) {
    const std::size_t first_key = row / queries * keys;
    const std::size_t seen = causal ? std::min(row % queries + 1, keys) : keys;
    for (std::size_t start = 0; start < width; start += d) {
      const double* query = q.data() + row * width + start;
      double most = -1e300, total = 0.0;
      for (std::size_t j = 0; j < seen; ++j) {
        const double* key = k.data() + (first_key + j) * width + start;
        double score = 0.0;
        for (std::size_t c = 0; c < d; ++c) score += query[c] * key[c];
        weights[j] = score / std::sqrt(double(d));
        most = std::max(most, weights[j]);
      }
      for (std::size_t j = 0; j < seen; ++j) total += weights[j] = std::exp(weights[j] - most);
      double* sum = y.data() + row * width + start;
      for (std::size_t j = 0; j < seen; ++j) {
        const double* value = v.data() + (first_key + j) * width + start;
        for (std::size_t c = 0; c < d; ++c) sum[c] += weights[j] / total * value[c];
      }
    }
  }
  return y;
}

}  // namespace kiln::reference
