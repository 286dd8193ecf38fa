#pragma once

#include <autograd/study/graph/graph.hpp>
#include <autograd/sweep/contributions.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace tapeloop::detail {

/// The norm of what each time step contributes to the gradient of each parameter, from the contributions of
/// one sweep. Several uses in one time step are added up before the norm is taken.
class StepNorms {
  public:
    /// `names` are those of the parameters.
    StepNorms(const Graph& graph, const std::map<NodeIndex, std::string>& names);

    template <class T>
    void add(NodeIndex node, const Contribution<T>& contribution);

    /// [{"parameter": .., "by_step": [..]}]; nothing for parameters that are used outside of time steps
    /// alone.
    nlohmann::json json() const;
    /// The names of the parameters that also contribute, or only, outside of time steps.
    const std::vector<std::string>& used_outside_steps() const { return outside_; }

  private:
    /// A parameter at a time step.
    using Place = std::pair<NodeIndex, std::size_t>;

    Graph graph_;
    std::map<NodeIndex, std::string> names_;
    std::vector<std::string> outside_;
    std::map<Place, std::size_t> uses_;  ///< that have not contributed yet
    std::map<Place, Tensor<double>> sums_;
    std::map<NodeIndex, std::vector<double>> norms_;
};

extern template void StepNorms::add(NodeIndex, const Contribution<float>&);
extern template void StepNorms::add(NodeIndex, const Contribution<double>&);

}  // namespace tapeloop::detail
