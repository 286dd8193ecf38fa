#pragma once

#include <autograd/contributions.hpp>
#include <autograd/inspect/graph.hpp>

#include <nlohmann/json.hpp>

#include <map>

namespace tapeloop::detail {

/// The norm of what each time step contributes to the gradient of each parameter, from the contributions of
/// one sweep. Several uses in one time step are added up before the norm is taken.
class StepNorms {
  public:
    explicit StepNorms(const Graph& graph);

    template <class T>
    void add(Index node, const Contribution<T>& contribution);

    /// [{"parameter": .., "by_step": [..]}]; nothing for parameters that are used outside of time steps
    /// alone.
    nlohmann::json json() const;

  private:
    /// A parameter at a time step.
    using Place = std::pair<Index, std::size_t>;

    Graph graph_;
    std::map<Place, std::size_t> uses_;  ///< that have not contributed yet
    std::map<Place, Tensor<double>> sums_;
    std::map<Index, std::vector<double>> norms_;
};

extern template void StepNorms::add(Index, const Contribution<float>&);
extern template void StepNorms::add(Index, const Contribution<double>&);

}  // namespace tapeloop::detail
