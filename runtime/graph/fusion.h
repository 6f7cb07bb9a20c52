// Pass 1: an op takes over the work of its only consumer. Knows no op by name.
#pragma once

#include <vector>

#include "runtime/graph/graph.h"

namespace kiln {

// Moves the tape out of the graph, with absorbed nodes gone. A fused node stands where its last
// part stood, so every operand exists by then. The graph keeps its values and weights only.
std::vector<Node> fuse(Graph& graph);

}  // namespace kiln
