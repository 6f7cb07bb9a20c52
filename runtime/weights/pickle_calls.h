// The functions a pickle may name whose result this reader knows without calling anything.
#pragma once

#include <span>

#include "runtime/weights/pickle.h"

namespace kiln {

// What function(arguments) would give, as data; PickleOpaque for all but the table in
// pickle_calls.cpp and for arguments of an unexpected kind.
PickleValue result_of_call(const Pickle& pickle, PickleId function, PickleId arguments);

// What the persistent id ("storage", class, key, place, elements) stands for.
PickleValue storage_of_id(const Pickle& pickle, PickleId id);

}  // namespace kiln
