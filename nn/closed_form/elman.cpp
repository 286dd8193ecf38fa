#include <fmt/format.h>
#include <nn/closed_form/elman.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace tapeloop::nn::closed_form {
namespace {

template <class T>
T activated(Activation activation, T a) {
    switch (activation) {
        case Activation::relu:
            return a > 0 ? a : T(0);
        case Activation::sigmoid:
            return 1 / (1 + std::exp(-a));
        default:
            return std::tanh(a);
    }
}

/// f', told from h = f(a).
template <class T>
T slope(Activation activation, T h) {
    switch (activation) {
        case Activation::relu:
            return h > 0 ? T(1) : T(0);
        case Activation::sigmoid:
            return h * (1 - h);
        default:
            return 1 - h * h;
    }
}

/// Turns one row of outputs into dJ/do = y - target, and returns the loss. Of the class itself y - 1 is
/// written as minus the sum of the others, which keeps its digits when y is nearly 1.
template <class T>
T row_loss_and_gradient(T* y, std::size_t count, std::size_t target) {
    const T largest = *std::max_element(y, y + count);
    const T distance = largest - y[target];
    T others = 0;
    for (std::size_t j = 0; j < count; ++j) {
        y[j] = std::exp(y[j] - largest);
        if (j != target) others += y[j];
    }
    const T total = others + y[target];
    for (std::size_t j = 0; j < count; ++j) y[j] /= total;
    y[target] = -others / total;
    return distance == 0 ? std::log1p(others) : std::log(total) + distance;
}

/// Turns the outputs o [B, O] of a time step into dJ/do, and returns J(t).
template <class T>
T loss_and_gradient(Tensor<T>& o, const std::ptrdiff_t* targets) {
    const std::size_t count = o.shape(1);
    const T batch = static_cast<T>(o.shape(0));
    T loss = 0;
    for (std::size_t row = 0; row < o.shape(0); ++row)
        loss += row_loss_and_gradient(o.data() + row * count, count, static_cast<std::size_t>(targets[row])) /
                batch;
    for (std::size_t i = 0; i < o.size(); ++i) o.data()[i] /= batch;
    return loss;
}

template <class T>
void require_cell(const ElmanCellWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& initial_state,
                  const Tensor<T>& outputs, const Tensor<T>& final_state) {
    const Shape sequence = shape_of(x), W = shape_of(weights.W);
    if (sequence.rank() != 3 || W.rank() != 2)
        throw std::invalid_argument(
            fmt::format("elman_cell_bptt: x is {} and W {}; they must be [T, B, I] and [H, H]",
                        sequence.text(), W.text()));
    const auto require = [](std::string_view name, const Tensor<T>& tensor, const Shape& expected) {
        require_shape("elman_cell_bptt", name, shape_of(tensor), expected);
    };
    require("W", weights.W, {W[0], W[0]});
    require("U", weights.U, {sequence[2], W[0]});
    require("b", weights.b, {W[0]});
    require("initial_state", initial_state, {sequence[1], W[0]});
    require("outputs", outputs, {sequence[0], sequence[1], W[0]});
    require("final_state", final_state, {sequence[1], W[0]});
}

template <class T>
void require_network(std::string_view function, const ElmanWeights<T>& weights, const Tensor<T>& x,
                     const Tensor<T>& initial_state) {
    const Shape sequence = shape_of(x), V = shape_of(weights.V);
    if (sequence.rank() != 3 || V.rank() != 2)
        throw std::invalid_argument(fmt::format("{}: x is {} and V {}; they must be [T, B, I] and [H, O]",
                                                function, sequence.text(), V.text()));
    const auto require = [function](std::string_view name, const Tensor<T>& tensor, const Shape& expected) {
        require_shape(function, name, shape_of(tensor), expected);
    };
    require("U", weights.U, {sequence[2], V[0]});
    require("W", weights.W, {V[0], V[0]});
    require("b", weights.b, {V[0]});
    require("c", weights.c, {V[1]});
    require("initial_state", initial_state, {sequence[1], V[0]});
}

template <class T>
void require_targets(const Targets& targets, const Tensor<T>& x, const Shape& V) {
    require_shape("elman_bptt", "targets", Shape::of(targets.shape()), {x.shape(0), x.shape(1)});
    for (std::ptrdiff_t target : targets)
        if (target < 0 || target >= static_cast<std::ptrdiff_t>(V[1]))
            throw std::invalid_argument(fmt::format(
                "elman_bptt: a target is {}; with V {} it must be in 0..{}", target, V.text(), V[1] - 1));
}

/// h(0), h(1), ..., h(T)
template <class T>
std::vector<Tensor<T>> states_of(const ElmanCellWeights<T>& weights, const Tensor<T>& x,
                                 const Tensor<T>& initial_state) {
    std::vector<Tensor<T>> states{initial_state};
    for (std::size_t t = 0; t < x.shape(0); ++t) {
        Tensor<T> h = times(time_step_of(x, t), weights.U);
        add_to(h, times(states.back(), weights.W));
        add_bias(h, weights.b);
        for (std::size_t i = 0; i < h.size(); ++i) h.data()[i] = activated(weights.activation, h.data()[i]);
        states.push_back(std::move(h));
    }
    return states;
}

/// The recursion over dJ~/dh(t), from the last time step to the first.
template <class T>
ElmanCellBptt<T> backward(const ElmanCellWeights<T>& weights, const Tensor<T>& x, std::vector<Tensor<T>> h,
                          const Tensor<T>& outputs, const Tensor<T>& final_state) {
    const std::size_t steps = x.shape(0);
    ElmanCellBptt<T> bptt{};
    bptt.x = zeros_like(x);
    bptt.terms.resize(steps);
    bptt.states.resize(steps);
    bptt.from_later.resize(steps);
    bptt.preactivations.resize(steps);
    Tensor<T> from_later = final_state;
    for (std::size_t t = steps; t-- > 0;) {
        Tensor<T> d_h = from_later;
        add_to(d_h, time_step_of(outputs, t));
        Tensor<T> d_a = d_h;  // D(t) dJ~/dh(t)
        for (std::size_t i = 0; i < d_a.size(); ++i)
            d_a.data()[i] *= slope(weights.activation, h[t + 1].data()[i]);

        bptt.terms[t] = {transposed_times(time_step_of(x, t), d_a), transposed_times(h[t], d_a),
                         column_sums(d_a)};
        set_time_step(bptt.x, t, times_transposed(d_a, weights.U));
        bptt.from_later[t] = std::move(from_later);
        from_later = times_transposed(d_a, weights.W);  // W' D(t) dJ~/dh(t)
        bptt.states[t] = std::move(d_h);
        bptt.preactivations[t] = std::move(d_a);
    }
    bptt.initial_state = std::move(from_later);
    bptt.h = std::move(h);
    bptt.total = {zeros_like(weights.U), zeros_like(weights.W), zeros_like(weights.b)};
    for (const ElmanCellGradients<T>& term : bptt.terms) {
        add_to(bptt.total.U, term.U);
        add_to(bptt.total.W, term.W);
        add_to(bptt.total.b, term.b);
    }
    return bptt;
}

/// Goes back through the output layer, of which dJ/do(t) is known, and the cell before it.
template <class T>
ElmanBptt<T> network_backward(const ElmanWeights<T>& weights, const Tensor<T>& x, std::vector<Tensor<T>> h,
                              std::vector<Tensor<T>> outputs, const Tensor<T>& final_state) {
    Tensor<T> from_outputs =
        tapeloop::detail::zeros<T>({x.shape(0), x.shape(1), weights.V.shape(0)});  // V' dJ/do(t)
    for (std::size_t t = 0; t < outputs.size(); ++t)
        set_time_step(from_outputs, t, times_transposed(outputs[t], weights.V));
    ElmanCellBptt<T> inner = backward<T>({weights.U, weights.W, weights.b, weights.activation}, x,
                                         std::move(h), from_outputs, final_state);
    ElmanBptt<T> bptt{};
    bptt.total = {inner.total.U, inner.total.W, inner.total.b, zeros_like(weights.V), zeros_like(weights.c)};
    for (std::size_t t = 0; t < inner.terms.size(); ++t) {
        ElmanCellGradients<T>& term = inner.terms[t];
        bptt.terms.push_back({std::move(term.U), std::move(term.W), std::move(term.b),
                              transposed_times(inner.h[t + 1], outputs[t]), column_sums(outputs[t])});
        add_to(bptt.total.V, bptt.terms[t].V);
        add_to(bptt.total.c, bptt.terms[t].c);
    }
    bptt.x = std::move(inner.x);
    bptt.initial_state = std::move(inner.initial_state);
    bptt.outputs = std::move(outputs);
    bptt.states = std::move(inner.states);
    bptt.from_later = std::move(inner.from_later);
    bptt.preactivations = std::move(inner.preactivations);
    bptt.h = std::move(inner.h);
    return bptt;
}

}  // namespace

template <class T>
ElmanCellBptt<T> elman_cell_bptt(const ElmanCellWeights<T>& weights, const Tensor<T>& x,
                                 const Tensor<T>& initial_state, const Tensor<T>& outputs,
                                 const Tensor<T>& final_state) {
    require_cell(weights, x, initial_state, outputs, final_state);
    return backward(weights, x, states_of(weights, x, initial_state), outputs, final_state);
}

template <class T>
ElmanBptt<T> elman_network_bptt(const ElmanWeights<T>& weights, const Tensor<T>& x,
                                const Tensor<T>& initial_state, const Tensor<T>& outputs,
                                const Tensor<T>& final_state) {
    require_network("elman_network_bptt", weights, x, initial_state);
    require_shape("elman_network_bptt", "outputs", shape_of(outputs),
                  {x.shape(0), x.shape(1), weights.V.shape(1)});
    require_shape("elman_network_bptt", "final_state", shape_of(final_state), shape_of(initial_state));
    std::vector<Tensor<T>> by_time_step;
    for (std::size_t t = 0; t < x.shape(0); ++t) by_time_step.push_back(time_step_of(outputs, t));
    return network_backward(
        weights, x, states_of<T>({weights.U, weights.W, weights.b, weights.activation}, x, initial_state),
        std::move(by_time_step), final_state);
}

template <class T>
ElmanBptt<T> elman_bptt(const ElmanWeights<T>& weights, const Tensor<T>& x, const Targets& targets,
                        const Tensor<T>& initial_state) {
    require_network("elman_bptt", weights, x, initial_state);
    require_targets(targets, x, shape_of(weights.V));
    std::vector<Tensor<T>> h =
        states_of<T>({weights.U, weights.W, weights.b, weights.activation}, x, initial_state);
    T loss = 0;
    std::vector<Tensor<T>> outputs;
    for (std::size_t t = 0; t < x.shape(0); ++t) {
        Tensor<T> o = times(h[t + 1], weights.V);
        add_bias(o, weights.c);
        loss += loss_and_gradient(o, targets.data() + t * targets.shape(1));
        outputs.push_back(std::move(o));
    }
    ElmanBptt<T> bptt =
        network_backward(weights, x, std::move(h), std::move(outputs), zeros_like(initial_state));
    bptt.loss = loss;
    return bptt;
}

template ElmanCellBptt<float> elman_cell_bptt(const ElmanCellWeights<float>&, const Tensor<float>&,
                                              const Tensor<float>&, const Tensor<float>&,
                                              const Tensor<float>&);
template ElmanCellBptt<double> elman_cell_bptt(const ElmanCellWeights<double>&, const Tensor<double>&,
                                               const Tensor<double>&, const Tensor<double>&,
                                               const Tensor<double>&);
template ElmanBptt<float> elman_network_bptt(const ElmanWeights<float>&, const Tensor<float>&,
                                             const Tensor<float>&, const Tensor<float>&,
                                             const Tensor<float>&);
template ElmanBptt<double> elman_network_bptt(const ElmanWeights<double>&, const Tensor<double>&,
                                              const Tensor<double>&, const Tensor<double>&,
                                              const Tensor<double>&);
template ElmanBptt<float> elman_bptt(const ElmanWeights<float>&, const Tensor<float>&, const Targets&,
                                     const Tensor<float>&);
template ElmanBptt<double> elman_bptt(const ElmanWeights<double>&, const Tensor<double>&, const Targets&,
                                      const Tensor<double>&);

}  // namespace tapeloop::nn::closed_form
