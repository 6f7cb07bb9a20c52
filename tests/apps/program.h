// Runs the program as a person would: arguments in; exit code, output and messages out.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kiln::test {

struct Outcome {
  int code = -1;         // exit code; 128 + signal when it was killed
  std::string output;    // stdout
  std::string messages;  // stderr
};

// Variables of the environment and their values, set on top of this process's own.
using Environment = std::vector<std::pair<std::string, std::string>>;

// Runs kiln with these arguments in `folder`.
Outcome run_kiln(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                 const Environment& environment = {});

// A folder of its own that is removed again.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  // Relative names of everything in it, sorted.
  std::vector<std::string> files() const;
  void write(const std::string& name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);

}  // namespace kiln::test
