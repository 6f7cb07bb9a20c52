// A profile for people (tables) and for programs (JSON).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/kiln/profile_peak.h"
#include "runtime/execution/profile.h"

namespace kiln::app {

struct ProfileReport {
  std::string command;      // what ran, "txt2img -m model ..."
  const Profile& detailed;  // with Timing::dispatches
  // The same command with Timing::submissions, for the overhead; null: it was not run.
  const Profile* plain = nullptr;
  Peaks peaks;
  std::uint32_t depth = 3;  // words of scope paths shown
};

// Several tables: stages, kernels, scope paths, memory.
std::string report_text(const ProfileReport& report);
nlohmann::json report_json(const ProfileReport& report);

}  // namespace kiln::app
