// verify --bisect: a model's networks, node by node, until one differs from double.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/kiln/verify.h"
#include "models/pipeline/parts.h"
#include "models/tapes/network_tapes.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

// The node that comes nearest to its bound.
const NodeCheck& nearest(const std::vector<NodeCheck>& checks) {
  const NodeCheck* found = &checks.front();
  for (const NodeCheck& check : checks) {
    if (check.worst.ratio > found->worst.ratio) found = &check;
  }
  return *found;
}

nlohmann::json as_json(const std::string& network, const std::vector<NodeCheck>& checks) {
  nlohmann::json result = {
      {"network", network}, {"nodes", checks.size()}, {"first_wrong", nullptr}};
  const NodeCheck& last = checks.back();
  if (last.passed()) return result;
  result["first_wrong"] = {{"path", last.path},
                           {"op", last.op},
                           {"shapes", last.shapes},
                           {"kernels", last.kernels},
                           {"index", last.worst.element},
                           {"actual", fmt::format("{}", last.worst.actual)},
                           {"expected", last.worst.expected},
                           {"allowed", last.worst.allowed}};
  return result;
}

}  // namespace

void run_bisect(const VerifyOptions& options, const BisectOptions& bisect) {
  ModelOptions model;
  model.model = bisect.model;
  model.device = options.device;
  model.precision = options.precision;
  model.avoid = options.avoid;
  Pipeline pipeline(model);
  Pipeline::Parts& parts = PipelineAccess::parts(pipeline);
  nlohmann::json networks = nlohmann::json::array();
  std::string first_wrong;
  for (const Tape& tape : network_tapes(parts.model, parts.element,
                                        {.width = bisect.width, .height = bisect.height})) {
    const std::vector<NodeCheck> checks =
        check_nodes(parts.executor, parts.device.profile(), tape, {.stops_at_first = true});
    if (bisect.json) {
      networks.push_back(as_json(tape.name, checks));
    } else if (checks.back().passed()) {
      fmt::print("{}: {} nodes agree; nearest to its bound: {}\n", tape.name, checks.size(),
                 to_text(nearest(checks)));
    }
    std::fflush(stdout);
    if (checks.back().passed()) continue;
    first_wrong = fmt::format("{}, node {}: {}", tape.name, checks.size(), to_text(checks.back()));
    break;
  }
  if (bisect.json) fmt::print("{}\n", networks.dump(2));
  if (!first_wrong.empty()) fail("verify", "the first node that differs is in {}", first_wrong);
}

}  // namespace kiln::app
