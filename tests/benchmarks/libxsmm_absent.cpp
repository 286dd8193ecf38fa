// Stands in for libxsmm_rnncell.cpp where libxsmm is not installed.
#include "contenders.hpp"

namespace tapeloop::benchmarks {

std::string libxsmm_omission(CellKind, Size) { return {}; }

std::unique_ptr<Contender> make_libxsmm_rnncell(const Problem&) { return nullptr; }

}  // namespace tapeloop::benchmarks
