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

extern template class CellGradients<float>;
extern template class CellGradients<double>;

}  // namespace tapeloop::nn::detail
