#pragma once

#include <autograd/study/explain/closed_ways.hpp>
#include <autograd/study/explain/hop_symptoms.hpp>
#include <autograd/study/flow/largest_paths.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tapeloop::detail {

/// What the explanations of the gradients of one J share: one sweep, and what was seen at its operations.
template <class T>
class ExplainedSweep {
  public:
    ExplainedSweep(const Var<T>& J, const ExplainOptions& options);

    /// Explains the gradient of a node that J depends on, by the largest path to it. `name` is what it is
    /// called.
    Explanation explained(NodeIndex of, std::string name, const std::vector<Hop>& path);

    const Cotangents<T>& cotangents() const { return cotangents_; }

  private:
    const PathStep& described(const Hop& hop);
    std::vector<Culprit> why_not_finite(const std::vector<PathStep>& path);

    Tape<T>& tape_;
    NodeIndex J_;
    ExplainOptions options_;
    Cotangents<T> cotangents_;
    HopSymptoms<T> symptoms_;
    std::vector<ClosedWay> closed_ways_;
    std::map<std::pair<NodeIndex, NodeIndex>, PathStep> steps_;  ///< those described, by node and input
    std::optional<std::optional<Culprit>> value_not_finite_;     ///< once it was looked for
};

/// Explains why there is no path from J to a node; null for a parameter that the tape never saw.
template <class T>
Explanation explained_without_path(const Tape<T>& tape, NodeIndex J, std::optional<NodeIndex> of,
                                   std::string name, const ExplainOptions& options);

/// Explains the gradients of many nodes, each as `explain` does, from one sweep.
template <class T>
class Explainer {
  public:
    /// J has one element.
    explicit Explainer(const Var<T>& J, const ExplainOptions& options = {});

    /// Returns what `explain` says of a node: of a parameter, of that by its name.
    Explanation of(NodeIndex node);
    const LargestPaths<T>& paths() const { return paths_; }

  private:
    Tape<T>& tape_;
    NodeIndex J_;
    ExplainOptions options_;
    ExplainedSweep<T> sweep_;
    LargestPaths<T> paths_;
};

extern template class ExplainedSweep<float>;
extern template class ExplainedSweep<double>;
extern template class Explainer<float>;
extern template class Explainer<double>;
extern template Explanation explained_without_path(const Tape<float>&, NodeIndex, std::optional<NodeIndex>,
                                                   std::string, const ExplainOptions&);
extern template Explanation explained_without_path(const Tape<double>&, NodeIndex, std::optional<NodeIndex>,
                                                   std::string, const ExplainOptions&);

}  // namespace tapeloop::detail
