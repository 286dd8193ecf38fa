#pragma once

#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/kernels/strided.hpp>
#include <autograd/record/steps.hpp>
#include <autograd/sweep/deferred_products.hpp>
#include <autograd/sweep/reach.hpp>

#include <vector>

namespace tapeloop::detail {

/// A contribution of some shape that is zero but for elements which it knows how to add.
template <class S, class T>
concept SparseContribution = requires(const S& contribution, T* target) {
    contribution.add_to(target);
    { contribution.array() } -> std::same_as<Array<T>>;
    contribution.shape();
};

/// The first-order reverse sweep. Operations hand cotangents on through it; it alone knows of broadcasting,
/// of accumulation, and of products that wait for more rows.
template <class T>
class Sweep {
  public:
    Sweep(Tape<T>& tape, Reach<T> reach);

    Tape<T>& tape() { return tape_; }
    /// Returns whether anybody asked for the cotangent of `node`, or for one behind it.
    bool wants(NodeIndex node) const {
        return node <= reach_.last() ? reach_.contains(node) : recomputed_.contains(node);
    }
    /// Returns whether a cotangent has arrived at `node`.
    bool has(NodeIndex node) const { return wants(node) && arrived(node).written; }
    Array<T> cotangent(NodeIndex node) const {
        return {tape_.node(node).shape, arrived(node).data, arrived(node).memory};
    }

    /// Returns where a contribution of the node's own shape goes: written if it is the first, added after
    /// that.
    Target<T> target(NodeIndex node);
    /// Returns the target of contributions that are summed into it piece by piece: zeroed if nothing was
    /// there.
    Target<T> accumulator(NodeIndex node);
    /// Takes one contribution of `node`, an argument of `receiver_of`; sums it over broadcast axes.
    void deliver(NodeIndex receiver_of, NodeIndex node, const Array<T>& contribution);
    void deliver(NodeIndex receiver_of, NodeIndex node, const Product<T>& product);
    void deliver(NodeIndex receiver_of, NodeIndex node, const Tensor<T>& contribution) {
        deliver(receiver_of, node, Array<T>(contribution));
    }
    /// Adds a contribution that is zero in most places: it adds the rest itself.
    template <SparseContribution<T> Sparse>
    void deliver(NodeIndex receiver_of, NodeIndex node, const Sparse& contribution) {
        steps_do_not_suffice();
        if (contribution.shape() == tape_.node(node).shape)
            contribution.add_to(accumulator(node).data);
        else
            deliver(receiver_of, node, contribution.array());
    }
    /// Adds elements that may be part of `receiver_of`'s own cotangent and are not read again: the argument
    /// keeps them where they are if it can, instead of copying them.
    void hand_over(NodeIndex receiver_of, NodeIndex node, const Array<T>& part);
    void hand_over(NodeIndex receiver_of, NodeIndex node, const auto& contribution) {
        deliver(receiver_of, node, contribution);
    }

    /// Writes `size` zeros, or copies so many elements, in the memory of a cotangent.
    void fill_with_zeros(T* to, std::size_t size);
    void copy(const T* from, T* to, std::size_t size);
    /// Takes what a view sees of `from` as a contribution of `node`, of the node's shape.
    void transfer(const View& view, const T* from, NodeIndex node);

    /// Has `node`'s cotangent end up in `tensor`, and keeps it there.
    void ask(NodeIndex node, Tensor<T>& tensor);
    bool is_asked(NodeIndex node) const { return arrived(node).asked; }
    /// Computes the products of `node` that still wait for company.
    void settle(NodeIndex node) {
        if (!deferred_.empty()) settle_deferred(node);
    }
    /// Takes every node from the last to the first.
    void run();
    /// Takes the nodes behind `mark` as well, which the operation of `node`, while it is pulled, computed
    /// again and is about to take back. Each of `roots` is among them what that result of `node` is.
    void run_recomputed(const typename Tape<T>::Mark& mark, std::span<const NodeIndex> roots, NodeIndex node);
    /// Returns what the sweep took.
    typename Tape<T>::SweepFigures figures() const {
        return {peak_bytes_, recomputed_.nodes, recomputed_.most_bytes};
    }
    /// Takes one node, as `run` does one after another: those behind it come before it.
    void visit(NodeIndex node);

    // A sweep that is run again and again. Cotangents keep their places, so that what an operation does with
    // them can be prepared; where it is not, its rules run again.

    /// Runs, and adds what it does to `steps`, which refer to this sweep.
    void run_into(Steps<T>& steps);
    /// Forgets what has arrived: the steps may run again.
    void restart();
    /// Runs a pass whose function is `kept`.
    void pass(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
              std::span<const Target<T>> targets, Kernel<T> kernel, const void* function) {
        run_kernel<T>(shape, layouts, inputs, targets, kernel, function);
        if (steps_ != nullptr) [[unlikely]]
            steps_->pass(shape, layouts, inputs, targets, kernel, function);
    }
    /// Returns the function of a pass, which lives as long as its steps do.
    template <class F>
    const F& kept(const F& function) {
        return steps_ == nullptr ? function : tape_.keep(F(function));
    }
    /// Says of the operation that is pulled: what it does through the sweep does not depend on values, so the
    /// steps of that can take the place of its rules, ...
    void steps_suffice() { steps_suffice_ = true; }
    /// ... but for something that is not a step.
    void steps_do_not_suffice() { has_other_than_steps_ = true; }

  private:
    /// The cotangent of a node, as far as it has arrived.
    struct Arrived {
        T* data = nullptr;
        Memory memory;
        bool written = false;
        bool asked = false;
    };
    /// Nodes behind those that the sweep began with, as long as it takes them.
    struct Recomputed {
        NodeIndex first = 0;
        std::vector<Arrived> arrived;
        std::vector<std::uint8_t> reached;
        std::size_t nodes = 0;  ///< so far, in all
        std::size_t bytes = 0;  ///< of those that are held now
        std::size_t most_bytes = 0;
        bool contains(NodeIndex node) const {
            return node >= first && node - first < reached.size() && reached[node - first] != 0;
        }
    };
    class RecomputedScope;
    /// Takes the nodes before `end`, from the last to `first`.
    void walk(NodeIndex first, NodeIndex end);
    void pull(const Operation<T>& operation, NodeIndex node);
    /// Writes or adds a contribution that broadcasts from or to the node's shape.
    void place(NodeIndex receiver_of, NodeIndex node, const Array<T>& contribution);
    /// Returns whether elements stay where they are until the next run, to be written again.
    bool is_lasting(NodeIndex receiver_of, const Array<T>& x) const {
        return x.memory().bytes() == 0 || x.memory() == arrived(receiver_of).memory;
    }
    /// Adds the step that `make` returns, which is not made where nobody plans: it holds copies.
    void add_step(const auto& make) {
        if (steps_ != nullptr) [[unlikely]]
            steps_->add(make());
    }
    static auto& arrived_of(auto& self, NodeIndex node) {
        return node <= self.reach_.last() ? self.arrived_[self.reach_.place(node)]
                                          : self.recomputed_.arrived[node - self.recomputed_.first];
    }
    Arrived& arrived(NodeIndex node) { return arrived_of(*this, node); }
    const Arrived& arrived(NodeIndex node) const { return arrived_of(*this, node); }
    void settle_deferred(NodeIndex node);
    void allocate(NodeIndex node);
    void adopt(NodeIndex node, const Array<T>& contribution);
    void release(NodeIndex node);
    bool is_result(NodeIndex node) const { return tape_.node(node).results == result_mark; }
    std::size_t bytes_of(NodeIndex node) const { return tape_.node(node).shape.size() * sizeof(T); }
    /// Returns whether these are the elements of one of the node's arguments.
    bool is_argument(NodeIndex node, const T* data) const;
    void count(std::size_t bytes) {
        held_bytes_ += bytes;
        peak_bytes_ = std::max(peak_bytes_, held_bytes_ + deferred_.bytes());
    }

    Tape<T>& tape_;
    Reach<T> reach_;
    std::vector<Arrived, PoolAllocator<Arrived>> arrived_;
    DeferredProducts<T> deferred_;
    RepeatedProducts<T> products_;
    Recomputed recomputed_;
    std::size_t held_bytes_ = 0;
    std::size_t peak_bytes_ = 0;
    Steps<T>* steps_ = nullptr;
    bool steps_suffice_ = false;
    bool has_other_than_steps_ = false;
};

extern template class Sweep<float>;
extern template class Sweep<double>;

}  // namespace tapeloop::detail
