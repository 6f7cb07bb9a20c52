// Cleans a prompt up and splits it into words, as CLIP's tokenizer does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// NFC, lower case, then the words of CLIP's pattern: the start and end tokens, English
// contractions, runs of letters, single digits, runs of anything else but white space.
// Throws Error (usage) for text that is not UTF-8.
// Source: transformers, convert_slow_tokenizer.py, CLIPConverter.
std::vector<std::string> prompt_words(std::string_view prompt);

}  // namespace kiln
