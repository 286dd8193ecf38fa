// The factories of everything that takes part. A peer that was not installed at build time returns a null
// pointer.
#pragma once

#include <memory>

#include "workload.hpp"

namespace tapeloop::benchmarks {

// How a tapeloop cell is written: in plain operations, or with its elementwise part fused by `map`.
enum class Style { operations, map };
// Records in every step or, `again`, once, and runs the recording again.
std::unique_ptr<Contender> make_tapeloop(const Problem& problem, Style style, bool again);

std::unique_ptr<Contender> make_libtorch_layer(const Problem& problem);
std::unique_ptr<Contender> make_libtorch_cell(const Problem& problem);
std::unique_ptr<Contender> make_onednn_primitive(const Problem& problem);
std::unique_ptr<Contender> make_libxsmm_rnncell(const Problem& problem);
std::unique_ptr<Contender> make_hand_written(const Problem& problem);
std::unique_ptr<Contender> make_gemms_alone(const Problem& problem);

// Why libxsmm does not take part at this cell and size; empty where it does.
std::string libxsmm_omission(CellKind cell, Size size);

// Applies to every library at once, since they share OpenMP's and OpenBLAS's pools. Call it before making
// contenders.
void set_thread_count(int count);

// LibTorch's part of the above: its first operation would otherwise reset OpenMP's count.
void set_libtorch_thread_count(int count);

}  // namespace tapeloop::benchmarks
