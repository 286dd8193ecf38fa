#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

#include <optional>
#include <string_view>

/// This file looks for functions that do not give the same again.
namespace tapeloop::detail {

/// The calls of a function that are compared after others, if nothing is found, and if something is: what
/// changes every so many calls shows as a wrong difference among the others.
inline constexpr std::size_t calls_of_right = 16;
inline constexpr std::size_t calls_of_wrong = 64;

/// Returns how many of these calls are made of a function that computes so many elements: large ones are few.
std::size_t affordable_calls(std::size_t calls, std::size_t computed);

/// Returns whether two results differ by no more than `tolerance`, relative to the largest.
bool same_values(const std::vector<double>& a, const std::vector<double>& b, double tolerance);

/// Evaluates a subject up to `calls` times where it is, and for no longer than a second, which must give
/// `center`; returns what to say if it does not.
template <class T>
std::optional<Finding> changed_again(Subject<T>& subject, const std::vector<double>& center, double tolerance,
                                     std::size_t calls, std::string_view when);

extern template std::optional<Finding> changed_again(Subject<float>&, const std::vector<double>&, double,
                                                     std::size_t, std::string_view);
extern template std::optional<Finding> changed_again(Subject<double>&, const std::vector<double>&, double,
                                                     std::size_t, std::string_view);

}  // namespace tapeloop::detail
