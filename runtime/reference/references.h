// The table of references: for each operation's name, the function that computes it in double.
#pragma once

#include <span>
#include <string_view>

#include "runtime/reference/task.h"

namespace kiln::reference {

struct Reference {
  std::string_view op;  // Op::name()
  Answer (*answer)(const Task& task);
};

std::span<const Reference> references();

// Throws Error naming the op and the node when the op has no reference.
Answer answer(const Task& task);

// --- The functions behind the table, by file ---
Answer product(const Task& task);         // linear and conv2d, with what they absorbed
Answer attention(const Task& task);       //
Answer self_attention(const Task& task);  // of q, k and v in one tensor
Answer group_norm(const Task& task);      // with a silu
Answer layer_norm(const Task& task);      //

// f(x) of shaders/common/activation.glsl's number; 0: x. Applies it to an answer, too.
double activated(double x, std::uint32_t activation);
void activate(Answer& answer, std::uint32_t activation);

}  // namespace kiln::reference
