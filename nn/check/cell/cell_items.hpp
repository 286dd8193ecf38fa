#pragma once

#include <autograd/check/judge/random.hpp>
#include <nn/check/cell/cell_behaviour.hpp>
#include <nn/check/cell_runs.hpp>
#include <nn/check/starting_state.hpp>

#include <functional>

/// The items of `check_cell`, one function each.
namespace tapeloop::nn::detail {

using tapeloop::detail::CheckRandom;

template <class T>
class CellItems {
  public:
    CellItems(CellReport& report, CellUnderCheck<T>& subject, const Tensor<T>& x, const StartingState& start,
              const CheckOptions& options);

    /// Adds every item to the report.
    void run();

  private:
    using State = std::vector<Var<T>>;

    void add(std::string name, const std::function<Found()>& item);
    bool items_of_nothing_end_the_program();
    void add_of_nothing(std::string name, std::string_view nothing, const std::function<Found()>& item);
    Found initial_state();
    Found shapes();
    Found parameters();
    Found own_start();

    void add_gradients();
    Batch<T> random_batch(const Tensor<T>& x);

    CellReport& report_;
    CellUnderCheck<T>& subject_;
    const CheckOptions& options_;
    const StartingState& start_;
    CellRuns<T> runs_;
    const Tensor<T>& x_;
    CheckRandom random_;
    std::vector<Shape> state_shapes_;  ///< of the initial state, for the batch
    std::vector<std::size_t> open_;    ///< parts of the state that have an open axis
    Batch<T> batch_;
    CellRun run_;
    CellBehaviour<T> behaviour_;
    bool may_end_the_program_ = false;  ///< an item of nothing
};

extern template class CellItems<float>;
extern template class CellItems<double>;

}  // namespace tapeloop::nn::detail
