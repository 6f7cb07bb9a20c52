// Sums over a Profile: by scope path, by kernel and by stage. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/execution/profile.h"

namespace kiln {

struct ProfileSum {
  std::string name;
  std::uint32_t depth = 0;  // of a path: its number of words less one; else 0
  std::uint64_t launches = 0;
  double us = 0;  // device time of the launches
  std::uint64_t flops = 0, bytes = 0;

  double gflops_a_second() const { return us > 0 ? double(flops) / us * 1e-3 : 0; }
  double gigabytes_a_second() const { return us > 0 ? double(bytes) / us * 1e-3 : 0; }
};

// Every launch of the profile.
ProfileSum sum_of_all(const Profile& profile);
// Largest first.
std::vector<ProfileSum> sums_by_kernel(const Profile& profile);
// Rows of a tree, parents before children, siblings largest first; a parent holds the sum of its
// children and its own. depth: rows of this many words at most; 0: none.
std::vector<ProfileSum> sums_by_path(const Profile& profile, std::uint32_t depth);

// What one stage did, over all its submissions.
struct StageSum {
  ProfileSum launches;  // none with Timing::submissions
  std::uint32_t submissions = 0;
  std::uint64_t dispatches = 0;  // of one submission; the last one's
  double device_us = 0;          // from first to last command of each submission, summed
  double median_us = 0;          // of one submission
  double gap_median_us = 0;      // between two dispatches that follow each other
  double gap_largest_us = 0;

  // The part of the device's time that named dispatches account for, 0 to 1.
  double coverage() const { return device_us > 0 ? launches.us / device_us : 0; }
};
// In the order in which stages first ran; equal names are one row.
std::vector<StageSum> sums_by_stage(const Profile& profile);

// Of a non-empty list.
double median(std::vector<double> values);

}  // namespace kiln
