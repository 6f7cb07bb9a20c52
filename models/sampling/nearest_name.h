// Names as people type them: compared loosely, and the nearest one when there is none.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kiln {

// Equal but for letters' case, spaces, '-', '_' and '.'.
bool same_name(std::string_view a, std::string_view b);

// For messages: one line of plain characters, cut short.
std::string printable_name(std::string_view name);

// "did you mean 'x'? known: a, b, c", the question only where a name is near.
std::string known_names(std::string_view wanted, std::span<const char* const> names);

}  // namespace kiln
