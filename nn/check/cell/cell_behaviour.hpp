#pragma once

#include <nn/check/cell/found.hpp>
#include <nn/check/cell_runs.hpp>

/// The items of `check_cell` that run its batch, or parts of it, in another way, which must give the same.
namespace tapeloop::nn::detail {

template <class T>
class CellBehaviour {
  public:
    /// `run` is what `batch` gave.
    CellBehaviour(const CellRuns<T>& runs, const Batch<T>& batch, const CellRun& run)
        : runs_(runs), batch_(batch), run_(run) {}

    Found no_state_in_the_cell() const;
    Found same_bits() const;
    Found step_by_step() const;
    Found padded_batch() const;
    Found permuted_batch() const;
    Found no_time_steps() const;
    Found one_time_step() const;
    Found no_rows() const;
    Found save_and_restore() const;
    Found plain_operations() const;

  private:
    std::string row_alone(const Batch<T>& padded, const CellRun& whole, std::size_t row, std::size_t length,
                          CellRun& sum) const;

    const CellRuns<T>& runs_;
    const Batch<T>& batch_;
    const CellRun& run_;
};

extern template class CellBehaviour<float>;
extern template class CellBehaviour<double>;

}  // namespace tapeloop::nn::detail
