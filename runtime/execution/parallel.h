// Work on several host threads.
#pragma once

#include <cstddef>
#include <functional>

namespace kiln {

// At least 1, at most 8: what the machine has.
std::size_t worker_count();

// Runs work(i) for every i below count, on up to worker_count() threads, and waits. Rethrows the
// first exception; work not yet begun is then skipped.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace kiln
