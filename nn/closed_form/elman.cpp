#include <fmt/format.h>
#include <nn/closed_form/elman.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn::closed_form {
namespace {

template <class T>
Tensor<T> zeros_of(std::size_t rows, std::size_t columns) {
    Tensor<T> tensor = uninitialised<T>({rows, columns});
    tensor.fill(T(0));
    return tensor;
}

// The three products of matrices, in plain loops on purpose: no part of this shares code with what it checks.

/// a b
template <class T>
Tensor<T> times(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(0), n = b.shape(1), inner = a.shape(1);
    Tensor<T> product = zeros_of<T>(m, n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t k = 0; k < inner; ++k)
            for (std::size_t j = 0; j < n; ++j)
                product.data()[i * n + j] += a.data()[i * inner + k] * b.data()[k * n + j];
    return product;
}

/// a b'
template <class T>
Tensor<T> times_transposed(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(0), n = b.shape(0), inner = a.shape(1);
    Tensor<T> product = zeros_of<T>(m, n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t k = 0; k < inner; ++k)
                product.data()[i * n + j] += a.data()[i * inner + k] * b.data()[j * inner + k];
    return product;
}

/// a' b
template <class T>
Tensor<T> transposed_times(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(1), n = b.shape(1), inner = a.shape(0);
    Tensor<T> product = zeros_of<T>(m, n);
    for (std::size_t k = 0; k < inner; ++k)
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                product.data()[i * n + j] += a.data()[k * m + i] * b.data()[k * n + j];
    return product;
}

template <class T>
Tensor<T> column_sums(const Tensor<T>& a) {
    Tensor<T> sums = uninitialised<T>({a.shape(1)});
    sums.fill(T(0));
    for (std::size_t i = 0; i < a.size(); ++i) sums.data()[i % sums.size()] += a.data()[i];
    return sums;
}

template <class T>
void add_bias(Tensor<T>& a, const Tensor<T>& bias) {
    for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] += bias.data()[i % bias.size()];
}

template <class T>
void add_to(Tensor<T>& sum, const Tensor<T>& term) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] += term.data()[i];
}

template <class T>
Tensor<T> time_step_of(const Tensor<T>& x, std::size_t t) {
    Tensor<T> at_t = uninitialised<T>({x.shape(1), x.shape(2)});
    std::copy_n(x.data() + t * at_t.size(), at_t.size(), at_t.data());
    return at_t;
}

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

void require_shape(std::string_view name, const Shape& shape, const Shape& expected) {
    if (shape != expected)
        throw std::invalid_argument(
            fmt::format("elman_bptt: {} is {}; with the other arguments it must be {}", name, shape.text(),
                        expected.text()));
}

template <class T>
void require_fit(const ElmanWeights<T>& weights, const Tensor<T>& x, const Targets& targets,
                 const Tensor<T>& initial_state) {
    const Shape sequence = shape_of(x), V = shape_of(weights.V);
    if (sequence.rank() != 3 || V.rank() != 2)
        throw std::invalid_argument(fmt::format(
            "elman_bptt: x is {} and V {}; they must be [T, B, I] and [H, O]", sequence.text(), V.text()));
    require_shape("U", shape_of(weights.U), {sequence[2], V[0]});
    require_shape("W", shape_of(weights.W), {V[0], V[0]});
    require_shape("b", shape_of(weights.b), {V[0]});
    require_shape("c", shape_of(weights.c), {V[1]});
    require_shape("targets", Shape::of(targets.shape()), {sequence[0], sequence[1]});
    require_shape("initial_state", shape_of(initial_state), {sequence[1], V[0]});
    for (std::ptrdiff_t target : targets)
        if (target < 0 || target >= static_cast<std::ptrdiff_t>(V[1]))
            throw std::invalid_argument(fmt::format(
                "elman_bptt: a target is {}; with V {} it must be in 0..{}", target, V.text(), V[1] - 1));
}

/// h(1), ..., h(T), the loss, and dJ/do(t) of every time step.
template <class T>
void forward(const ElmanWeights<T>& weights, const Tensor<T>& x, const Targets& targets, ElmanBptt<T>& bptt) {
    for (std::size_t t = 0; t < x.shape(0); ++t) {
        Tensor<T> h = times(time_step_of(x, t), weights.U);
        add_to(h, times(bptt.h.back(), weights.W));
        add_bias(h, weights.b);
        for (std::size_t i = 0; i < h.size(); ++i) h.data()[i] = activated(weights.activation, h.data()[i]);

        Tensor<T> o = times(h, weights.V);
        add_bias(o, weights.c);
        bptt.loss += loss_and_gradient(o, targets.data() + t * x.shape(1));
        bptt.outputs.push_back(std::move(o));
        bptt.h.push_back(std::move(h));
    }
}

/// The recursion over dJ~/dh(t), from the last time step to the first.
template <class T>
void backward(const ElmanWeights<T>& weights, const Tensor<T>& x, ElmanBptt<T>& bptt) {
    const std::size_t steps = bptt.outputs.size();
    bptt.states.resize(steps);
    bptt.preactivations.resize(steps);
    bptt.terms.resize(steps);
    Tensor<T> from_later = zeros_of<T>(x.shape(1), weights.W.shape(0));  // W' D(t+1) dJ~/dh(t+1)
    for (std::size_t t = steps; t-- > 0;) {
        const Tensor<T>& h = bptt.h[t + 1];
        const Tensor<T>& h_before = bptt.h[t];
        const Tensor<T>& d_o = bptt.outputs[t];
        Tensor<T> d_h = times_transposed(d_o, weights.V);
        add_to(d_h, from_later);

        Tensor<T> d_a = d_h;  // D(t) dJ~/dh(t)
        for (std::size_t i = 0; i < d_a.size(); ++i) d_a.data()[i] *= slope(weights.activation, h.data()[i]);

        bptt.terms[t] = {transposed_times(time_step_of(x, t), d_a), transposed_times(h_before, d_a),
                         column_sums(d_a), transposed_times(h, d_o), column_sums(d_o)};
        from_later = times_transposed(d_a, weights.W);
        bptt.states[t] = std::move(d_h);
        bptt.preactivations[t] = std::move(d_a);
    }
    bptt.initial_state = std::move(from_later);
}

template <class T>
Tensor<T> zeros_like(const Tensor<T>& weight) {
    Tensor<T> zeros = weight;
    zeros.fill(T(0));
    return zeros;
}

}  // namespace

template <class T>
ElmanBptt<T> elman_bptt(const ElmanWeights<T>& weights, const Tensor<T>& x, const Targets& targets,
                        const Tensor<T>& initial_state) {
    require_fit(weights, x, targets, initial_state);
    ElmanBptt<T> bptt{};
    bptt.h.push_back(initial_state);
    forward(weights, x, targets, bptt);
    backward(weights, x, bptt);
    bptt.total = {zeros_like(weights.U), zeros_like(weights.W), zeros_like(weights.b), zeros_like(weights.V),
                  zeros_like(weights.c)};
    for (const ElmanGradients<T>& term : bptt.terms) {
        add_to(bptt.total.U, term.U);
        add_to(bptt.total.W, term.W);
        add_to(bptt.total.b, term.b);
        add_to(bptt.total.V, term.V);
        add_to(bptt.total.c, term.c);
    }
    return bptt;
}

template ElmanBptt<float> elman_bptt(const ElmanWeights<float>&, const Tensor<float>&, const Targets&,
                                     const Tensor<float>&);
template ElmanBptt<double> elman_bptt(const ElmanWeights<double>&, const Tensor<double>&, const Targets&,
                                      const Tensor<double>&);

}  // namespace tapeloop::nn::closed_form
