#pragma once

#include <autograd/check/check_gradient.hpp>
#include <nn/check/bptt/step_checks.hpp>
#include <nn/check/bptt/tape_run.hpp>
#include <nn/check/bptt/verify_bptt.hpp>

#include <optional>

/// What `verify_bptt` verifies, and what `check_gradient` says of parts of it.
namespace tapeloop::nn::detail {

/// A cell and a loss on a sequence, and what the tape makes of them.
template <class T>
struct VerifiedRun {
    const CellUnderCheck<T>& cell;
    const BpttLoss<T>& loss;
    BpttOptions options;  ///< with their limits filled in
    std::uint64_t seed;
    std::vector<Tensor<T>> offsets;  ///< of the start from the cell's initial state
    TapeRun<T> tape;
    TermNames names;
};

template <class T>
VerifiedRun<T> verified_run(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                            const BpttOptions& options);

/// Checks the whole sequence against differences.
template <class T>
GradientReport check_sequence(const VerifiedRun<T>& run, bool diagnose);
/// Checks one step of it, with a diagnosis.
template <class T>
GradientReport check_step(const VerifiedRun<T>& run, std::size_t t);
/// Checks the first one from the cell's own initial state; nothing if the run started there, or where the
/// options say.
template <class T>
std::optional<GradientReport> check_own_start(const VerifiedRun<T>& run);
/// Returns whether the gradient of the loss, by outputs, final state and parameters, is right.
template <class T>
bool loss_is_right(const VerifiedRun<T>& run);
/// Returns whether the gradient of the initial state by the parameters of which it may be made is right.
template <class T>
bool initial_state_is_right(const VerifiedRun<T>& run);

#define TAPELOOP_VERIFIED_RUN(T)                                                              \
    extern template VerifiedRun<T> verified_run(const CellUnderCheck<T>&, const BpttLoss<T>&, \
                                                const Tensor<T>&, const BpttOptions&);        \
    extern template GradientReport check_sequence(const VerifiedRun<T>&, bool);               \
    extern template GradientReport check_step(const VerifiedRun<T>&, std::size_t);            \
    extern template std::optional<GradientReport> check_own_start(const VerifiedRun<T>&);     \
    extern template bool loss_is_right(const VerifiedRun<T>&);                                \
    extern template bool initial_state_is_right(const VerifiedRun<T>&);

TAPELOOP_VERIFIED_RUN(float)
TAPELOOP_VERIFIED_RUN(double)

#undef TAPELOOP_VERIFIED_RUN

}  // namespace tapeloop::nn::detail
