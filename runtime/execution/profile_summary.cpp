// Groups launches by a key and adds them up.
#include "runtime/execution/profile_summary.h"

#include <algorithm>
#include <functional>
#include <map>

namespace kiln {
namespace {

using Visit = std::function<void(const ProfiledDispatch&, double us)>;

void for_each_launch(const Profile& profile, const Visit& visit) {
  for (const ProfiledRun& run : profile.runs()) {
    const ProfiledStage& stage = profile.stages()[run.stage];
    for (std::size_t i = 0; i < run.dispatches.size(); ++i) {
      visit(stage.dispatches[i], run.dispatches[i].us());
    }
  }
}

void add(ProfileSum& sum, const ProfiledDispatch& dispatch, double us) {
  ++sum.launches;
  sum.us += us;
  sum.flops += dispatch.flops;
  sum.bytes += dispatch.bytes.total();
}

bool larger(const ProfileSum& a, const ProfileSum& b) { return a.us > b.us; }

// A word of a path and what stands under it.
struct Branch {
  ProfileSum sum;
  std::map<std::string, Branch, std::less<>> children;
};

void flatten(const Branch& branch, std::vector<ProfileSum>& rows) {
  std::vector<const Branch*> children;
  for (const auto& [word, child] : branch.children) children.push_back(&child);
  std::stable_sort(children.begin(), children.end(),
                   [](const Branch* a, const Branch* b) { return larger(a->sum, b->sum); });
  for (const Branch* child : children) {
    rows.push_back(child->sum);
    flatten(*child, rows);
  }
}

struct StageTimes {
  std::vector<double> submissions, gaps;
};

void add_run(const Profile& profile, const ProfiledRun& run, StageSum& row, StageTimes& times) {
  const ProfiledStage& stage = profile.stages()[run.stage];
  ++row.submissions;
  row.dispatches = stage.dispatches.size();
  row.device_us += run.device.us();
  times.submissions.push_back(run.device.us());
  for (std::size_t i = 0; i < run.dispatches.size(); ++i) {
    add(row.launches, stage.dispatches[i], run.dispatches[i].us());
    if (i > 0) times.gaps.push_back(run.dispatches[i].begin_us - run.dispatches[i - 1].end_us);
  }
}

}  // namespace

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

ProfileSum sum_of_all(const Profile& profile) {
  ProfileSum sum{.name = "all"};
  for_each_launch(profile,
                  [&](const ProfiledDispatch& dispatch, double us) { add(sum, dispatch, us); });
  return sum;
}

std::vector<ProfileSum> sums_by_kernel(const Profile& profile) {
  std::map<std::string, ProfileSum, std::less<>> sums;
  for_each_launch(profile, [&](const ProfiledDispatch& dispatch, double us) {
    ProfileSum& sum = sums[dispatch.kernel];
    sum.name = dispatch.kernel;
    add(sum, dispatch, us);
  });
  std::vector<ProfileSum> rows;
  for (auto& [name, sum] : sums) rows.push_back(std::move(sum));
  std::stable_sort(rows.begin(), rows.end(), larger);
  return rows;
}

std::vector<ProfileSum> sums_by_path(const Profile& profile, std::uint32_t depth) {
  Branch root;
  for_each_launch(profile, [&](const ProfiledDispatch& dispatch, double us) {
    Branch* branch = &root;
    const std::string& path = dispatch.path;
    std::size_t begin = 0;
    for (std::uint32_t word = 0; word < depth && begin <= path.size(); ++word) {
      const std::size_t end = std::min(path.find('.', begin), path.size());
      branch = &branch->children[path.substr(begin, end - begin)];
      branch->sum.name = path.substr(0, end);
      branch->sum.depth = word;
      add(branch->sum, dispatch, us);
      begin = end + 1;
    }
  });
  std::vector<ProfileSum> rows;
  flatten(root, rows);
  return rows;
}

std::vector<StageSum> sums_by_stage(const Profile& profile) {
  std::vector<StageSum> rows;
  std::vector<StageTimes> times;
  for (const ProfiledRun& run : profile.runs()) {
    const std::string& name = profile.stages()[run.stage].name;
    const auto known = std::find_if(rows.begin(), rows.end(),
                                    [&](const StageSum& row) { return row.launches.name == name; });
    const auto at = std::size_t(known - rows.begin());
    if (known == rows.end()) {
      rows.emplace_back().launches.name = name;
      times.emplace_back();
    }
    add_run(profile, run, rows[at], times[at]);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].median_us = median(times[i].submissions);
    if (times[i].gaps.empty()) continue;
    rows[i].gap_median_us = median(times[i].gaps);
    rows[i].gap_largest_us = *std::max_element(times[i].gaps.begin(), times[i].gaps.end());
  }
  return rows;
}

}  // namespace kiln
