#pragma once

#include <nn/check/bptt/step_checks.hpp>
#include <nn/check/bptt/tape_run.hpp>

namespace tapeloop::nn::detail {

/// Checks the terms of single steps against central differences of the step alone. What they leave open, at a
/// kink or lost in rounding, is taken for right.
template <class T>
class StepDifferences {
  public:
    /// Compares up to `elements` elements by each term, or where that would take longer than about a second
    /// for all steps, directions, and elements where one fails. `limit` is relative to the summands.
    StepDifferences(const CellUnderCheck<T>& cell, const TermNames& names, const TapeRun<T>& tape,
                    double limit, std::size_t elements, std::uint64_t seed);

    /// Returns the deviations of the terms of the step `t`, in the order of `TermNames`. Elements are looked
    /// for in a large step that is wrong if `places` says so.
    std::vector<Deviation> of_step(std::size_t t, const Summands& summands, bool places) const;

  private:
    const CellUnderCheck<T>& cell_;
    const TermNames& names_;
    const TapeRun<T>& tape_;
    double limit_;
    std::size_t elements_;
    std::uint64_t seed_;
    bool is_large_;
};

extern template class StepDifferences<float>;
extern template class StepDifferences<double>;

}  // namespace tapeloop::nn::detail
