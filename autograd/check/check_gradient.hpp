#pragma once

#include <autograd/check/function.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop {

namespace detail {

/// Checks the gradients of a function whose arguments are in a list, for the templates below.
GradientReport check_function(const CheckFunction<float>& f, const CheckInputs<float>& inputs,
                              const CheckOptions& options = {});
GradientReport check_function(const CheckFunction<double>& f, const CheckInputs<double>& inputs,
                              const CheckOptions& options = {});

/// Checks it in double, and holds its tape of float against that of double.
GradientReport check_in_both(const CheckFunction<float>& in_float, const CheckFunction<double>& in_double,
                             const CheckInputs<float>& inputs, const CheckOptions& options);

/// Returns the inputs' tensors in double. There must be no parameters.
CheckInputs<double> in_double(const CheckInputs<float>& inputs);

}  // namespace detail

/// Holds the gradient of f against central differences.
///
///     check_gradient([](const auto& x, const auto& W) { return tanh(matmul(x, W)); }, {{"x", x}, {"W", W}});
///     check_gradient([&] { return loss(model); }, model.parameters());
///     check_gradient([&](const auto& x) { return loss(model(x)); }, {model.U, {"x", x, {{"time",
///     "batch"}}}});
///
/// f gets one `Var` per tensor among the inputs, in their order (or all in a `std::vector<Var<T>>`), uses the
/// parameters by itself, and returns a `Var` of any shape, or several. It is called many times and must give
/// the same each time. Results of several elements get a random cotangent.
///
/// Parameters are as before afterwards, to the last bit, whatever is thrown. What f throws is passed on.
/// Throws `std::invalid_argument` when f does not take that many arguments or there are no inputs, and
/// `std::logic_error` when f records on another tape than the current one. What passes because differences
/// cannot tell, such as a gradient below the tolerances, has a warning in the report.
template <class F>
GradientReport check_gradient(const F& f, const CheckInputs<double>& inputs,
                              const CheckOptions& options = {}) {
    return detail::check_function(detail::erased<double>(f), inputs, options);
}

/// Tensors of `float` are checked in double if f takes `Var<double>` as well, as a generic lambda does; then
/// the values and gradients of float are held against those of double, so that a mistake is found which only
/// one of both types has. Where it does not, or parameters of `float` take part, differences are coarse, and
/// the report warns of it. A generic lambda is compiled for double to find that out: write `const
/// Var<float>&` if it captures anything of float.
template <class F>
GradientReport check_gradient(const F& f, const CheckInputs<float>& inputs,
                              const CheckOptions& options = {}) {
    if constexpr (detail::takes_any<double, F>)
        if (inputs.tensor_count() == inputs.size()) {
            if constexpr (detail::takes_any<float, F>)
                return detail::check_in_both(detail::erased<float>(f), detail::erased<double>(f), inputs,
                                             options);
            else
                return detail::check_function(detail::erased<double>(f), detail::in_double(inputs), options);
        }
    return detail::check_function(detail::erased<float>(f), inputs, options);
}

}  // namespace tapeloop
