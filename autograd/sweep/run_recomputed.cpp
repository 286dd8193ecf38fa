#include <autograd/sweep/sweep.hpp>

#include <algorithm>

namespace tapeloop::detail {

/// Adds the nodes behind `mark` to those that a sweep takes. Whatever happens, it then knows as many as
/// before.
template <class T>
class Sweep<T>::RecomputedScope {
  public:
    RecomputedScope(Sweep& sweep, const typename Tape<T>::Mark& mark)
        : sweep_(sweep),
          before_(sweep.recomputed_.reached.size()),
          first_(static_cast<NodeIndex>(mark.nodes)) {
        Recomputed& all = sweep.recomputed_;
        const std::size_t end = sweep.tape_.size();
        if (before_ == 0) all.first = first_;  // else one is pulled meanwhile, whose nodes come behind
        all.arrived.resize(end - all.first);
        all.reached.resize(end - all.first, 0);
        bytes_ = sweep.tape_.mark().value_bytes - mark.value_bytes + (end - mark.nodes) * sizeof(Node<T>);
        all.nodes += end - mark.nodes;
        all.bytes += bytes_;
        all.most_bytes = std::max(all.most_bytes, all.bytes);
    }
    ~RecomputedScope() {
        sweep_.recomputed_.arrived.resize(before_);
        sweep_.recomputed_.reached.resize(before_);
        sweep_.recomputed_.bytes -= bytes_;
        sweep_.deferred_.drop_from(first_);  // of a run that an exception ended
        sweep_.products_.forget();           // copies of what is known by its place
    }
    RecomputedScope(const RecomputedScope&) = delete;
    RecomputedScope& operator=(const RecomputedScope&) = delete;

  private:
    Sweep& sweep_;
    std::size_t before_;
    NodeIndex first_;
    std::size_t bytes_;
};

template <class T>
void Sweep<T>::run_recomputed(const typename Tape<T>::Mark& mark, std::span<const NodeIndex> roots,
                              NodeIndex node) {
    const RecomputedScope scope(*this, mark);
    const auto first = static_cast<NodeIndex>(mark.nodes);
    const auto end = static_cast<NodeIndex>(tape_.size());
    for (NodeIndex one = first; one < end; ++one)
        for (const NodeIndex input : tape_.inputs(one))
            if (wants(input)) recomputed_.reached[one - recomputed_.first] = 1;
    // No steps of theirs: they are gone before a program runs.
    Steps<T>* const steps = std::exchange(steps_, nullptr);
    for (std::size_t k = 0; k < roots.size(); ++k)
        if (const auto result = static_cast<NodeIndex>(node + 1 + k); has(result) && wants(roots[k]))
            deliver(roots[k], roots[k], cotangent(result));
    walk(first, end);
    steps_ = steps;
    steps_do_not_suffice();
}

template void Sweep<float>::run_recomputed(const Tape<float>::Mark&, std::span<const NodeIndex>, NodeIndex);
template void Sweep<double>::run_recomputed(const Tape<double>::Mark&, std::span<const NodeIndex>, NodeIndex);

}  // namespace tapeloop::detail
