#pragma once

#include <autograd/check/check_gradient.hpp>
#include <nn/check/cell/found.hpp>
#include <nn/check/cell_runs.hpp>

#include <exception>

/// The gradients of a cell against differences.
namespace tapeloop::nn::detail {

template <class T>
class CellGradients {
  public:
    CellGradients(const CellRuns<T>& runs, const Batch<T>& batch, const CheckOptions& options);

    /// Returns the findings on the first-order gradients by the inputs of these names.
    Found of(const std::vector<std::string>& names);
    Found second_order();
    /// Returns the report of both orders, if the second was asked for and there is one.
    GradientReport report() const { return report_.value_or(GradientReport()); }

  private:
    GradientReport check(int order) const;
    const GradientReport& checked();

    const CellUnderCheck<T>& cell_;
    CheckOptions options_;
    CheckInputs<T> inputs_;
    std::optional<GradientReport> report_;  ///< once it was asked for
    std::exception_ptr thrown_;             ///< by the second order
};

/// Says what is wrong with the gradients of the first order, along two directions by each input; empty if
/// nothing is.
template <class T>
std::string wrong_along_directions(const CellRuns<T>& runs, const Batch<T>& batch, CheckOptions options);

extern template class CellGradients<float>;
extern template class CellGradients<double>;
extern template std::string wrong_along_directions(const CellRuns<float>&, const Batch<float>&, CheckOptions);
extern template std::string wrong_along_directions(const CellRuns<double>&, const Batch<double>&,
                                                   CheckOptions);

}  // namespace tapeloop::nn::detail
