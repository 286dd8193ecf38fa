#pragma once

#include <autograd/check/locate/edge_differences.hpp>

/// This file explains in which way one rule of one operation is wrong.
namespace tapeloop::detail {

/// How far a rule may be from the differences of its operation, relatively, rounding not counted.
template <class T>
inline constexpr double close_to_differences = sizeof(T) == 8 ? 3e-8 : 5e-3;

/// Returns the mistake of the rule behind an edge, by the derivatives of its operation alone; nothing if it
/// has no name or the operation is too large. `edges` are all on the way from the input `input`.
template <class T>
std::optional<Diagnosed> explain_edge(Subject<T>& subject, const Differences<T>& differences,
                                      const Edge& edge, const std::vector<Edge>& edges, std::size_t input);

#define TAPELOOP_EXPLAIN_EDGE(T)                                                                           \
    extern template std::optional<Diagnosed> explain_edge(Subject<T>&, const Differences<T>&, const Edge&, \
                                                          const std::vector<Edge>&, std::size_t);

TAPELOOP_EXPLAIN_EDGE(float)
TAPELOOP_EXPLAIN_EDGE(double)

#undef TAPELOOP_EXPLAIN_EDGE

}  // namespace tapeloop::detail
