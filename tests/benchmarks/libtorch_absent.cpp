// Stands in for the libtorch_*.cpp where LibTorch is not installed.
#include "contenders.hpp"

namespace tapeloop::benchmarks {

std::unique_ptr<Contender> make_libtorch_layer(const Problem&) { return nullptr; }
std::unique_ptr<Contender> make_libtorch_cell(const Problem&) { return nullptr; }
void set_libtorch_thread_count(int) {}

}  // namespace tapeloop::benchmarks
