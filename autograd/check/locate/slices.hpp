#pragma once

#include <autograd/check/locate/evidence.hpp>

/// The classes that concern slices along an axis: time steps, gates, parts.
namespace tapeloop::detail {

/// The gradient's slices are in another order, or shifted by one.
std::optional<Diagnosed> order_of_input(const Evidence& evidence, const Fit& fit);
/// The gradient is that of a cotangent whose slices are in another order, or shifted by one.
std::optional<Diagnosed> order_of_results(const Evidence& evidence, const Fit& fit);
/// Says that only some of the result's slices contribute, if that is so.
std::optional<Diagnosed> slices_of_results(const Evidence& evidence, const Fit& fit);
/// The blocks of some gates are wrong, those of others right.
std::optional<Diagnosed> wrong_gates(const Evidence& evidence, const Fit& fit);
/// Says which slices are wrong, if the others are right.
std::optional<Diagnosed> slices_of_input(const Evidence& evidence, const Fit& fit);
/// Says which elements are wrong, if they are few and fill no slices.
std::optional<Diagnosed> elements_of_input(const Evidence& evidence, const Fit& fit);

/// Explains by the values alone: none, sign, factor.
std::optional<Diagnosed> explain_values(const Evidence& evidence);

}  // namespace tapeloop::detail
