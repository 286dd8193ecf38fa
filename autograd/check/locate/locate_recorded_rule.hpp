#pragma once

#include <autograd/check/judge/differences.hpp>

/// This file finds the operation whose rule is wrong when it is recorded and differentiated itself.
namespace tapeloop::detail {

struct LocatedRule {
    FaultyRule rule;
    std::string text;  ///< what is wrong with it, as the end of a sentence
};

/// Holds each rule of a subject of order 2 against itself: recorded it must give what it gives by arrays, and
/// its derivatives by its cotangent and by the operation's arguments must be those of differences. Returns
/// the first that is wrong; nothing if none is, or if the graph is too large.
template <class T>
std::optional<LocatedRule> locate_recorded_rule(Subject<T>& subject, const Differences<T>& differences);

extern template std::optional<LocatedRule> locate_recorded_rule(Subject<float>&, const Differences<float>&);
extern template std::optional<LocatedRule> locate_recorded_rule(Subject<double>&, const Differences<double>&);

}  // namespace tapeloop::detail
