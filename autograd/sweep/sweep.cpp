#include <fmt/format.h>
#include <autograd/kernels/reduction.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace tapeloop::detail {
template <class T>
Sweep<T>::Sweep(Tape<T>& tape, Reach<T> reach) : tape_(tape), reach_(std::move(reach)) {
    arrived_.resize(reach_.size());
    products_.hold();  // of arguments alone, whose values stay
}

template <class T>
void Sweep<T>::ask(NodeIndex node, Tensor<T>& tensor) {
    arrived(node).data = tensor.data();
    arrived(node).asked = true;
}

template <class T>
void Sweep<T>::allocate(NodeIndex node) {
    Arrived& own = arrived(node);
    if (is_result(node)) {
        const NodeIndex parent = tape_.inputs(node)[0];
        own.data = tape_.node(parent).operation->place(*this, parent, node - parent - 1);
        if (own.data != nullptr) return;
    }
    own.memory = Memory(bytes_of(node));
    own.data = static_cast<T*>(own.memory.data());
    count(bytes_of(node));
}

template <class T>
void Sweep<T>::adopt(NodeIndex node, const Array<T>& contribution) {
    Arrived& own = arrived(node);
    own.memory = contribution.memory();
    T* const block = static_cast<T*>(own.memory.data());
    own.data = block + (contribution.data() - block);
    own.written = true;
}

template <class T>
Target<T> Sweep<T>::target(NodeIndex node) {
    Arrived& own = arrived(node);
    if (own.data == nullptr) allocate(node);
    const bool add = std::exchange(own.written, true);
    if (!add) add_step([&] { return [&written = own.written] { written = true; }; });
    return {own.data, add};
}

template <class T>
Target<T> Sweep<T>::accumulator(NodeIndex node) {
    const Target<T> there = target(node);
    if (!there.add) fill_with_zeros(there.data, tape_.node(node).shape.size());
    return {there.data, true};
}

template <class T>
void Sweep<T>::restart() {
    for (Arrived& own : arrived_) own.written = false;
    deferred_.restart();  // of a run that an exception ended
    products_.forget();   // parameters have changed
}

template <class T>
void Sweep<T>::settle_deferred(NodeIndex node) {
    if (steps_ == nullptr) return deferred_.settle(node, [&] { return target(node); });
    if (!deferred_.holds(node)) return;
    const std::size_t before = steps_->size();
    deferred_.compute(node, [&] { return target(node); });
    steps_->shorten(before);
    steps_->add([this, node] { deferred_.compute(node, [&] { return target(node); }); });
}

template <class T>
void Sweep<T>::release(NodeIndex node) {
    if (steps_ != nullptr) return;  // it is written again
    Arrived& own = arrived(node);
    if (own.memory.bytes() != 0) held_bytes_ -= bytes_of(node);
    own.memory = {};
}

template <class T>
void Sweep<T>::deliver(NodeIndex receiver_of, NodeIndex node, const Array<T>& contribution) {
    // A result's cotangent is better off where its operation wants it.
    if (steps_ == nullptr && arrived(node).data == nullptr && contribution.memory().is_sole_owner() &&
        !is_result(node) && contribution.shape() == tape_.node(node).shape) {
        adopt(node, contribution);
        return count(bytes_of(node));
    }
    if (!is_lasting(receiver_of, contribution)) steps_do_not_suffice();
    place(receiver_of, node, contribution);
}

template <class T>
void Sweep<T>::place(NodeIndex receiver_of, NodeIndex node, const Array<T>& contribution) {
    const Shape& shape = tape_.node(node).shape;
    if (broadcasts_to(contribution.shape(), shape)) {
        const Target<T> there = target(node);
        if (!there.add && contribution.shape() == shape)
            return copy(contribution.data(), there.data, contribution.size());
        broadcast_into(contribution, shape, there);
        add_step(
            [&] { return [contribution, shape, there] { broadcast_into(contribution, shape, there); }; });
    } else if (broadcasts_to(shape, contribution.shape())) {
        const Target<T> there = target(node);
        sum_into(contribution, shape, there);
        add_step([&] { return [contribution, shape, there] { sum_into(contribution, shape, there); }; });
    } else {
        fail_contribution(tape_, receiver_of, node, contribution.shape());
    }
}

template <class T>
void Sweep<T>::fill_with_zeros(T* to, std::size_t size) {
    std::fill_n(to, size, T(0));
    add_step([&] { return [to, size] { std::fill_n(to, size, T(0)); }; });
}

template <class T>
void Sweep<T>::copy(const T* from, T* to, std::size_t size) {
    std::copy_n(from, size, to);
    add_step([&] { return [from, to, size] { std::copy_n(from, size, to); }; });
}

template <class T>
void Sweep<T>::transfer(const View& view, const T* from, NodeIndex node) {
    const Target<T> there = target(node);
    detail::transfer(view, from, View::of(view.shape), there);
    add_step(
        [&] { return [view, from, there] { detail::transfer(view, from, View::of(view.shape), there); }; });
}

template <class T>
void Sweep<T>::hand_over(NodeIndex receiver_of, NodeIndex node, const Array<T>& part) {
    const bool is_own = part.memory().bytes() != 0 && part.memory() == arrived(receiver_of).memory;
    const T* const before = arrived(node).data;
    if (!is_own || is_result(node) || part.shape() != tape_.node(node).shape ||
        (before != nullptr && before != part.data()))
        return deliver(receiver_of, node, part);
    adopt(node, part);
    add_step([&] { return [&written = arrived(node).written] { written = true; }; });
    held_bytes_ += bytes_of(node);  // no new peak: the whole is released next
}

template <class T>
void Sweep<T>::deliver(NodeIndex receiver_of, NodeIndex node, const Product<T>& product) {
    const Shape& shape = tape_.node(node).shape;
    // Results of another shape are summed over broadcast axes, or are a mistake that deliver names.
    if (!product.is_single() || shape.rank() == 0 || shape.back() != product.columns() ||
        shape.size() != product.rows() * product.columns())
        return deliver(receiver_of, node, product.array());
    if (!is_lasting(receiver_of, product.a) || !is_lasting(receiver_of, product.b)) steps_do_not_suffice();
    const std::size_t before = steps_ == nullptr ? 0 : steps_->size();
    // The rules of one node alone, whose inputs lie in front of its reach, have no company to wait for.
    const bool is_alone = reach_.size() > reach_.last() + 1 - reach_.first();
    if (!is_alone && deferred_.take(node, product, [&] { return target(node); })) {
        if (steps_ != nullptr)
            steps_->shorten(before);  // a full panel asks for its target in the step itself
        add_step([&] {
            return [this, node, product] { deferred_.take(node, product, [&] { return target(node); }); };
        });
        return count(0);
    }
    const Target<T> there = target(node);
    if (is_argument(receiver_of, product.b.data())) {
        products_.compute(product, shape, there);
        if (steps_ != nullptr) [[unlikely]]
            steps_->product(products_, product, shape, there);
    } else {
        product.compute(shape, there.data, there.add);
        add_step([&] { return [product, shape, there] { product.compute(shape, there.data, there.add); }; });
    }
}

template <class T>
bool Sweep<T>::is_argument(NodeIndex node, const T* data) const {
    const auto inputs = tape_.inputs(node);
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](NodeIndex input) { return tape_.node(input).data == data; });
}

template <class T>
void Sweep<T>::pull(const Operation<T>& operation, NodeIndex node) {
    if (steps_ == nullptr) return operation.pull(*this, node);
    const std::size_t before = steps_->size();
    steps_suffice_ = false;
    has_other_than_steps_ = false;
    operation.pull(*this, node);
    if (steps_suffice_ && !has_other_than_steps_) return;
    steps_->shorten(before);
    steps_->add([this, &operation, node] { operation.pull(*this, node); });
}

template <class T>
void Sweep<T>::run_into(Steps<T>& steps) {
    steps_ = &steps;
    run();
    steps_ = nullptr;
}

template <class T>
void Sweep<T>::visit(NodeIndex node) {
    settle(node);
    if (is_result(node)) return;  // kept for the operation it is a result of
    // Copies: a rule may record, which moves the tape's nodes.
    const NodeIndex results = tape_.node(node).results;
    const Operation<T>& operation = *tape_.node(node).operation;
    // A root may be one of several results: those behind it were never reached.
    bool reached = has(node);
    for (NodeIndex result = 0; result < results; ++result) reached = reached || has(node + 1 + result);
    if (!reached) return;
    pull(operation, node);
    if (tape_.observed()) [[unlikely]]
        tape_.observe_pull(*this, node);
    release(node);
    for (NodeIndex result = 0; result < results; ++result)
        if (wants(node + 1 + result)) release(node + 1 + result);
}

template <class T>
void Sweep<T>::run() {
    walk(reach_.first(), reach_.last() + 1);
}

template <class T>
void Sweep<T>::walk(NodeIndex first, NodeIndex end) {
    for (NodeIndex node = end; node-- > first;)
        if (wants(node)) visit(node);
}

template class Sweep<float>;
template class Sweep<double>;

}  // namespace tapeloop::detail
