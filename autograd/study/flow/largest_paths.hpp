#pragma once

#include <autograd/study/flow/gradient_path.hpp>

#include <optional>
#include <utility>

namespace tapeloop::detail {

/// The paths of `largest_path` from J to every node at once: what one sweep over the rules finds of all of
/// them. They are a tree, so that each node has one that its paths arrive from.
template <class T>
class LargestPaths {
  public:
    LargestPaths(Tape<T>& tape, NodeIndex J, const Cotangents<T>& cotangents);

    /// Returns the path from J to a node; empty where there is none, and for J itself.
    std::vector<Hop> to(NodeIndex of) const;
    /// Returns whether J depends on a node.
    bool reaches(NodeIndex node) const { return node <= J_ && ways_[node].is_reached; }
    /// Returns the node through which paths that go on from `node` arrive there; none for J.
    std::optional<NodeIndex> from(NodeIndex node) const;

  private:
    struct Way {
        bool is_reached = false;
        double weight = 0;
        NodeIndex from = 0;
        double out = 0;
    };
    /// What a user of a node hands to it.
    struct Offer {
        NodeIndex user;
        double out;
    };

    void extend(Tape<T>& tape, NodeIndex node);
    void offer(NodeIndex node, NodeIndex input, double out);
    Offer last_step_to(NodeIndex of) const;

    NodeIndex J_;
    const Cotangents<T>& cotangents_;
    std::vector<Way> ways_;
    std::vector<std::vector<Offer>> offers_;  ///< to each node, those of later users first
};

extern template class LargestPaths<float>;
extern template class LargestPaths<double>;

}  // namespace tapeloop::detail
