// A profile as a trace in Chrome's format, which Perfetto and chrome://tracing open.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/execution/profile.h"

namespace kiln::app {

// {"traceEvents": [...]}: two processes, the device and the host. On the device every submission of
// a stage is an event, its scope paths lie under it as a tree, and dispatches are the leaves, with
// shapes, FLOPs and bytes. Counters show each heap. Times are microseconds of the host's clock.
nlohmann::json chrome_trace(const Profile& profile);

}  // namespace kiln::app
