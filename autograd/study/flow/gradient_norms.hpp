#pragma once

#include <autograd/parameter.hpp>
#include <autograd/study/jacobian/states.hpp>

#include <string>
#include <vector>

namespace tapeloop {

/// Norms in the order of time.
struct NormSeries {
    std::string name;
    std::vector<std::string> labels;  ///< `t=3`; the node for a use outside every time step
    std::vector<double> norms;
    double whole = 0;  ///< of a parameter's whole gradient; of a state 0
};

/// The norms of the gradient of one loss, by parameter, state and time step.
struct GradientNorms {
    /// The contribution of each use of the parameter to its gradient.
    std::vector<NormSeries> parameters;
    /// The cotangent of each part of the state: all that a change of it changes in the loss.
    std::vector<NormSeries> states;

    /// The norms as a table for a terminal.
    std::string text() const;
    /// A line for each value: `kind,name,time,norm`.
    std::string csv() const;
};

/// The data for a plot of the gradient over time. J has a single element. Parameters that are not used on
/// its tape are left out. A state's part is called by its name, or by its place: `state 0`. Throws
/// `std::invalid_argument` when J has several elements or the states do not all have as many parts, and
/// `std::logic_error` when a state lies on another tape or a parameter was changed after it was recorded.
GradientNorms gradient_norms(const Var<float>& J, const ParameterList<float>& parameters,
                             const States<float>& states = {});
GradientNorms gradient_norms(const Var<double>& J, const ParameterList<double>& parameters,
                             const States<double>& states = {});

}  // namespace tapeloop
