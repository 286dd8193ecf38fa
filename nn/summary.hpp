#pragma once

#include <autograd/tape.hpp>

#include <string>

namespace tapeloop::nn {

/// A table of a model's layers: the path of each, the shape of its output, the number of its parameters, and
/// the totals. `parameters` are the model's; `tape` holds one run of it, whose labels give the order and the
/// shapes. What carries no label, and parameters that have no path, stand under `(model)`.
///
///     Tape<float> tape;
///     nn::unroll(model, x);
///     fmt::print("{}", nn::summary(tape, model.parameters()));
template <class T>
std::string summary(const Tape<T>& tape, const ParameterList<T>& parameters);

extern template std::string summary(const Tape<float>&, const ParameterList<float>&);
extern template std::string summary(const Tape<double>&, const ParameterList<double>&);

}  // namespace tapeloop::nn
