#pragma once

#include <autograd/tape.hpp>

#include <unordered_map>
#include <vector>

namespace tapeloop::detail {

/// Cotangents of nodes; nothing has arrived at those that are not in it.
template <class T>
using ArrivedCotangents = std::unordered_map<NodeIndex, Tensor<T>>;

/// The part of a recorded graph between two sets of nodes, to be pulled back through many times. Unlike in
/// `gradient`, nothing passes beyond the nodes in front: they are taken for independent of each other, as the
/// parts of a state are to the step that reads them, even if one was computed from another.
template <class T>
class Stretch {
  public:
    /// One operation through which a node behind depends on one in front.
    struct Step {
        NodeIndex node;
        std::vector<NodeIndex> inputs;  ///< those that do so, each once
    };

    Stretch(Tape<T>& tape, const std::vector<NodeIndex>& front, const std::vector<NodeIndex>& behind);

    /// Returns the steps in the order of the tape.
    const std::vector<Step>& steps() const { return steps_; }

    /// Returns what arrives at the nodes in front for cotangents of any nodes of the stretch.
    ArrivedCotangents<T> pull(ArrivedCotangents<T> given) const { return pull(std::move(given), {}); }
    /// Returns what arrives without the paths that enter `node` of a cut by its `input`; the cotangents of
    /// these nodes are in the result, too.
    ArrivedCotangents<T> pull(ArrivedCotangents<T> given,
                              const std::unordered_map<NodeIndex, NodeIndex>& cut) const;

  private:
    bool is_in_front(NodeIndex node) const;

    Tape<T>& tape_;
    std::vector<NodeIndex> front_;
    std::vector<Step> steps_;
};

extern template class Stretch<float>;
extern template class Stretch<double>;

}  // namespace tapeloop::detail
