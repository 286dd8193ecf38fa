#pragma once

/// Checks of cells, for users' own tests. `nn/check/doctest.hpp` has the matchers for doctest.
#include <nn/check/verify_bptt.hpp>
