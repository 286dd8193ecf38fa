#pragma once

#include <autograd/check/judge/differences.hpp>
#include <autograd/check/locate/diagnosis.hpp>

/// This file finds the operation whose rule is wrong.
namespace tapeloop::detail {

struct Located {
    /// The first wrong rule on the way from the input to the result; none if all are right.
    std::optional<FaultyRule> rule;
    /// The mistake of this rule, by the derivatives of its operation alone.
    std::optional<Diagnosed> explanation;
    /// True if its argument is the input itself.
    bool is_at_input = false;
    /// The place where something that depends on the input is detached first: `detach (cell.hpp:42, t=0)`.
    /// Empty if nowhere.
    std::string detached = {};
};

/// Holds every rule between the input and the result against differences of its own operation: the argument
/// is moved where it lies in the tape's memory, just while the operation computes. `failing` is the relative
/// difference that is to be explained. Nothing if the graph is too large, if f does not record the same one
/// each time, or if no rule is wrong and one could not be told as accurately as that.
template <class T>
std::optional<Located> locate(Subject<T>& subject, const Differences<T>& differences, std::size_t input,
                              double failing);

extern template std::optional<Located> locate(Subject<float>&, const Differences<float>&, std::size_t,
                                              double);
extern template std::optional<Located> locate(Subject<double>&, const Differences<double>&, std::size_t,
                                              double);

}  // namespace tapeloop::detail
