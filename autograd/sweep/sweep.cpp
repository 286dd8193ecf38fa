#include <fmt/format.h>
#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/sweep/sweep.hpp>
#include <autograd/watch.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace tapeloop {
namespace {

// A product with at least this many rows is worth a gemm of its own; fewer wait for company, up to a panel's
// size.
constexpr std::size_t enough_rows = 512;
constexpr std::size_t panel_rows = 1024;

template <class T>
[[noreturn]] void fail_shape(const Tape<T>& tape, Index node, Index argument, const Shape& shape) {
    throw std::logic_error(fmt::format(
        "gradient: a rule of {} gives its argument {}, which is {}, a cotangent of {}; it must have the "
        "argument's "
        "shape or broadcast from or to it",
        tape.describe(node), tape.describe(argument), tape.node(argument).shape.text(), shape.text()));
}

}  // namespace

template <class T>
Reach<T>::Reach(const Tape<T>& tape, Index first, Index last, std::span<const Index> wrt)
    : first_(first), last_(last), reached_(last < first ? 0 : last - first + 1, 0) {
    for (Index node : wrt)
        if (node >= first && node <= last) reached_[node - first] = 1;
    for (Index node = first; node <= last && last >= first; ++node) {
        std::uint8_t reached = reached_[node - first];
        for (Index input : tape.inputs(node))
            if (input >= first) reached |= reached_[input - first];
        reached_[node - first] = reached;
    }
}

template <class T>
Sweep<T>::Sweep(Tape<T>& tape, Reach<T> reach) : tape_(tape), reach_(std::move(reach)) {
    slots_.resize(reach_.last() - reach_.first() + 1);
    products_.hold();  // of arguments alone, whose values stay
}

template <class T>
void Sweep<T>::ask(Index node, Tensor<T>& tensor) {
    slot(node).data = tensor.data();
    slot(node).asked = true;
}

template <class T>
void Sweep<T>::allocate(Index node) {
    Slot& own = slot(node);
    if (is_result(node)) {
        const Index parent = tape_.inputs(node)[0];
        own.data = tape_.node(parent).operation->place(*this, parent, node - parent - 1);
        if (own.data != nullptr) return;
    }
    own.memory = Memory(bytes_of(node));
    own.data = static_cast<T*>(own.memory.data());
    count(bytes_of(node));
}

template <class T>
void Sweep<T>::adopt(Index node, const Array<T>& contribution) {
    Slot& own = slot(node);
    own.memory = contribution.memory();
    own.data = contribution.data();
    own.written = true;
}

template <class T>
Target<T> Sweep<T>::target(Index node) {
    Slot& own = slot(node);
    if (own.data == nullptr) allocate(node);
    return {own.data, std::exchange(own.written, true)};
}

template <class T>
Target<T> Sweep<T>::accumulator(Index node) {
    const Target<T> there = target(node);
    if (!there.add) std::fill_n(there.data, tape_.node(node).shape.size(), T(0));
    return {there.data, true};
}

template <class T>
void Sweep<T>::release(Index node) {
    Slot& own = slot(node);
    if (own.memory.bytes() != 0) held_bytes_ -= bytes_of(node);
    own.memory = {};
}

template <class T>
void Sweep<T>::deliver(Index receiver_of, Index node, const Array<T>& contribution) {
    const Shape& shape = tape_.node(node).shape;
    if (contribution.shape() == shape) {
        // A result's cotangent is better off where its operation wants it.
        if (slot(node).data == nullptr && contribution.memory().is_sole_owner() && !is_result(node)) {
            adopt(node, contribution);
            return count(bytes_of(node));
        }
        const Target<T> there = target(node);
        if (!there.add)
            std::copy_n(contribution.data(), contribution.size(), there.data);
        else
            run_function<T, 2>(elementary::Add{}, shape, {contribution, Array<T>(shape, there.data)},
                               {there.data, false});
    } else if (broadcasts_to(shape, contribution.shape())) {
        sum_into(contribution, shape, target(node));
    } else if (broadcasts_to(contribution.shape(), shape)) {
        const Target<T> there = target(node);
        run_pass<T, 1, 1>(shape, {Layout{&contribution.shape()}, Layout{&shape}}, {contribution.data()},
                          {there}, [](const auto& in, auto& out) { out[0] = in[0]; });
    } else {
        fail_shape(tape_, receiver_of, node, contribution.shape());
    }
}

template <class T>
void Sweep<T>::hand_over(Index receiver_of, Index node, const Array<T>& part) {
    const bool is_own = part.memory().bytes() != 0 && part.memory() == slot(receiver_of).memory;
    if (!is_own || slot(node).data != nullptr || is_result(node) || part.shape() != tape_.node(node).shape)
        return deliver(receiver_of, node, part);
    adopt(node, part);
    held_bytes_ += bytes_of(node);  // no new peak: the whole is released next
}

template <class T>
void Sweep<T>::deliver(Index receiver_of, Index node, const Product<T>& product) {
    const Shape& shape = tape_.node(node).shape;
    // Results of another shape are summed over broadcast axes, or are a mistake that deliver names.
    if (!product.is_single() || shape.rank() == 0 || shape.back() != product.columns() ||
        shape.size() != product.rows() * product.columns())
        return deliver(receiver_of, node, product.array());
    if (product.transposed.a && !product.transposed.b && product.inner() < enough_rows)
        return defer(node, product);
    const Target<T> there = target(node);
    if (is_argument(receiver_of, product.b.data()))
        products_.compute(product, shape, there);
    else
        product.compute(shape, there.data, there.add);
}

template <class T>
bool Sweep<T>::is_argument(Index node, const T* data) const {
    const auto inputs = tape_.inputs(node);
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](Index input) { return tape_.node(input).data == data; });
}

template <class T>
void Sweep<T>::defer(Index node, const Product<T>& product) {
    const std::size_t columns_a = product.a.shape()[1];
    const std::size_t columns_g = product.b.shape()[1];
    auto panel =
        std::find_if(panels_.begin(), panels_.end(), [node](const Panel& p) { return p.node == node; });
    if (panel == panels_.end()) {
        panels_.push_back(
            {node, 0, Array<T>(Shape{panel_rows, columns_a}), Array<T>(Shape{panel_rows, columns_g})});
        panel = panels_.end() - 1;
        count(panel->a.memory().bytes() + panel->g.memory().bytes());
    }
    const std::size_t rows = product.inner();
    if (panel->rows + rows > panel_rows) compute(*panel);
    std::copy_n(product.a.data(), product.a.size(), panel->a.data() + panel->rows * columns_a);
    std::copy_n(product.b.data(), product.b.size(), panel->g.data() + panel->rows * columns_g);
    panel->rows += rows;
}

template <class T>
void Sweep<T>::compute(Panel& panel) {
    if (panel.rows == 0) return;
    const Target<T> there = target(panel.node);
    const std::size_t m = panel.a.shape()[1];
    const std::size_t n = panel.g.shape()[1];
    gemm({.a = true, .b = false}, m, n, panel.rows, panel.a.data(), m, panel.g.data(), n,
         there.add ? T(1) : T(0), there.data, n);
    panel.rows = 0;
}

template <class T>
void Sweep<T>::settle(Index node) {
    const auto panel =
        std::find_if(panels_.begin(), panels_.end(), [node](const Panel& p) { return p.node == node; });
    if (panel == panels_.end()) return;
    compute(*panel);
    held_bytes_ -= panel->a.memory().bytes() + panel->g.memory().bytes();
    panels_.erase(panel);
}

template <class T>
void Sweep<T>::run() {
    const bool observed = tape_.observed();
    for (Index node = reach_.last() + 1; node-- > reach_.first();) {
        if (!reach_.contains(node)) continue;
        if (!panels_.empty()) settle(node);
        if (is_result(node)) continue;  // kept for the operation it is a result of
        // Copies: a rule may record, which moves the tape's nodes.
        const Index results = tape_.node(node).results;
        const Operation<T>& operation = *tape_.node(node).operation;
        // A root may be one of several results: those behind it were never reached.
        bool reached = has(node);
        for (Index result = 0; result < results; ++result) reached = reached || has(node + 1 + result);
        if (!reached) continue;
        operation.pull(*this, node);
        if (observed) [[unlikely]]
            tape_.observe_pull(*this, node);
        release(node);
        for (Index result = 0; result < results; ++result)
            if (wants(node + 1 + result)) release(node + 1 + result);
    }
}

template <class T>
GraphSweep<T>::GraphSweep(Tape<T>& tape, Reach<T> reach)
    : tape_(tape), reach_(std::move(reach)), slots_(reach_.last() - reach_.first() + 1) {}

template <class T>
void GraphSweep<T>::deliver(Index receiver_of, Index node, const Var<T>& contribution) {
    const Shape shape = tape_.node(node).shape;
    Var<T> fitting = contribution;
    if (contribution.shape() != shape) {
        if (broadcasts_to(shape, contribution.shape()))
            fitting = sum_to(contribution, shape);
        else if (broadcasts_to(contribution.shape(), shape))
            fitting = broadcast_to(contribution, shape);
        else
            fail_shape(tape_, receiver_of, node, contribution.shape());
    }
    std::optional<Var<T>>& own = slots_[node - reach_.first()];
    own = own.has_value() ? add(*own, fitting) : fitting;
}

template <class T>
void GraphSweep<T>::run() {
    for (Index node = reach_.last() + 1; node-- > reach_.first();) {
        if (!reach_.contains(node)) continue;
        const Index results = tape_.node(node).results;
        if (results == result_mark) continue;
        bool reached = has(node);
        for (Index result = 0; result < results; ++result) reached = reached || has(node + 1 + result);
        if (!reached) continue;
        try {
            tape_.node(node).operation->pull(*this, node);
        } catch (const NonFinite& error) {
            throw error.while_differentiating(tape_.describe(node));
        }
    }
}

template class Reach<float>;
template class Reach<double>;
template class Sweep<float>;
template class Sweep<double>;
template class GraphSweep<float>;
template class GraphSweep<double>;

}  // namespace tapeloop
