// The fusion pass: one forward walk over the tape with use counts.
#include "runtime/graph/fusion.h"

#include <algorithm>
#include <utility>

namespace kiln {

// Friend of Graph: takes its tape.
class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), nodes_(std::move(graph.nodes_)) {
    graph_.nodes_.clear();
    uses_.assign(graph_.values_.size(), 0);
    last_user_.assign(graph_.values_.size(), 0);
    for (std::size_t i = 0; i < nodes_.size(); ++i) count(i);
  }

  std::vector<Node> run() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].op) follow(i);
    }
    std::erase_if(nodes_, [](const Node& node) { return node.op == nullptr; });
    return std::move(nodes_);
  }

 private:
  void count(std::size_t index) {
    for (const ValueId input : nodes_[index].inputs) {
      ++uses_[input];
      last_user_[input] = index;
    }
  }

  // Lets node `index` absorb its only consumer and moves it there; the walk meets it again at that
  // place, so chains (norm, activation, ...) need no loop here.
  void follow(std::size_t index) {
    Node& node = nodes_[index];
    const ValueId mine = node.output;
    if (mine == kNoValue || uses_[mine] != 1) return;
    if (graph_.values_[mine].kind != Value::Kind::transient) return;
    Node& next = nodes_[last_user_[mine]];
    if (!next.op || next.output == kNoValue || &next == &node) return;
    if (!node.op->absorb(next, mine, node.inputs)) return;
    node.output = next.output;
    next.op = std::move(node.op);
    next.inputs = std::move(node.inputs);
    next.path = std::move(node.path);
    for (const ValueId input : next.inputs)
      last_user_[input] = std::max(last_user_[input], last_user_[mine]);
    node.inputs.clear();
  }

  Graph& graph_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> uses_;
  std::vector<std::size_t> last_user_;
};

std::vector<Node> fuse(Graph& graph) { return Fuser(graph).run(); }

}  // namespace kiln
