#include <nn/closed_form/loops.hpp>
#include <nn/closed_form/lstm.hpp>

#include <cmath>
#include <utility>

namespace tapeloop::nn::closed_form {
namespace lstm {

template <class T>
T logistic(T a) {
    return 1 / (1 + std::exp(-a));
}

/// The blocks of a packed row.
enum Gate : std::size_t { input, forget, candidate, output, gate_count };

/// The squashed gates of a time step, [B, 4H].
template <class T>
struct Gates {
    Tensor<T> values;
    std::size_t H;

    /// Returns a gate of element j of the batch's row.
    T operator()(Gate gate, std::size_t row, std::size_t j) const {
        return values.data()[(row * gate_count + gate) * H + j];
    }
};

template <class T>
Shape state_shape(const LstmWeights<T>& weights, const Tensor<T>& x) {
    return {x.shape(1), weights.W.shape(0)};
}

template <class T>
void require_fit(const LstmWeights<T>& weights, const Tensor<T>& x, const LstmState<T>& initial_state,
                 const Tensor<T>& outputs, const LstmState<T>& final_state) {
    const Shape sequence = shape_of(x), W = shape_of(weights.W);
    if (sequence.rank() != 3 || W.rank() != 2)
        throw std::invalid_argument(fmt::format(
            "lstm_bptt: x is {} and W {}; they must be [T, B, I] and [H, 4H]", sequence.text(), W.text()));
    const std::size_t H = W[0];
    const Shape state{sequence[1], H};
    const auto require = [](std::string_view name, const Tensor<T>& tensor, const Shape& expected) {
        require_shape("lstm_bptt", name, shape_of(tensor), expected);
    };
    require("W", weights.W, {H, 4 * H});
    require("U", weights.U, {sequence[2], 4 * H});
    require("b", weights.b, {4 * H});
    require("initial_state.h", initial_state.h, state);
    require("initial_state.c", initial_state.c, state);
    require("outputs", outputs, {sequence[0], sequence[1], H});
    require("final_state.h", final_state.h, state);
    require("final_state.c", final_state.c, state);
}

template <class T>
Gates<T> gates_of(const LstmWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& h) {
    Tensor<T> a = times(x, weights.U);
    add_to(a, times(h, weights.W));
    add_bias(a, weights.b);
    const std::size_t H = weights.W.shape(0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        T& element = a.data()[i];
        element = i / H % gate_count == candidate ? std::tanh(element) : logistic(element);
    }
    return {std::move(a), H};
}

/// Calls f with each row and element of a state, and where it lies.
template <class F>
void for_each_element(const Shape& state, const F& f) {
    for (std::size_t row = 0; row < state[0]; ++row)
        for (std::size_t j = 0; j < state[1]; ++j) f(row, j, row * state[1] + j);
}

template <class T>
LstmState<T> next_state(const Gates<T>& gate, const Tensor<T>& c_before) {
    LstmState<T> next{zeros_like(c_before), zeros_like(c_before)};
    for_each_element(shape_of(c_before), [&](std::size_t row, std::size_t j, std::size_t at) {
        T& c = next.c.data()[at];
        c = gate(forget, row, j) * c_before.data()[at] + gate(input, row, j) * gate(candidate, row, j);
        next.h.data()[at] = gate(output, row, j) * std::tanh(c);
    });
    return next;
}

/// Adds to dJ/dc(t) what h(t) hands on to c(t), and returns dJ/da(t).
template <class T>
Tensor<T> preactivations_of(const Gates<T>& gate, const LstmState<T>& before, const LstmState<T>& after,
                            LstmState<T>& d) {
    Tensor<T> d_a = zeros_like(gate.values);
    for_each_element(shape_of(d.h), [&](std::size_t row, std::size_t j, std::size_t at) {
        const T i = gate(input, row, j), f = gate(forget, row, j);
        const T g = gate(candidate, row, j), o = gate(output, row, j);
        const T squashed = std::tanh(after.c.data()[at]);
        const T d_h = d.h.data()[at];
        T& d_c = d.c.data()[at];
        d_c += d_h * o * (1 - squashed * squashed);
        T* row_of_a = d_a.data() + row * gate_count * gate.H + j;
        row_of_a[input * gate.H] = d_c * g * i * (1 - i);
        row_of_a[forget * gate.H] = d_c * before.c.data()[at] * f * (1 - f);
        row_of_a[candidate * gate.H] = d_c * i * (1 - g * g);
        row_of_a[output * gate.H] = d_h * squashed * o * (1 - o);
    });
    return d_a;
}

/// dJ/dc(t) * f(t)
template <class T>
Tensor<T> through_forget_gate(const Gates<T>& gate, Tensor<T> d_c) {
    for_each_element(shape_of(d_c), [&](std::size_t row, std::size_t j, std::size_t at) {
        d_c.data()[at] *= gate(forget, row, j);
    });
    return d_c;
}

template <class T>
void backward(const LstmWeights<T>& weights, const Tensor<T>& x, const std::vector<Gates<T>>& gates,
              const Tensor<T>& outputs, LstmState<T> from_later, LstmBptt<T>& bptt) {
    const std::size_t steps = gates.size();
    bptt.states.resize(steps);
    bptt.from_later.resize(steps);
    bptt.preactivations.resize(steps);
    bptt.terms.resize(steps);
    for (std::size_t t = steps; t-- > 0;) {
        const LstmState<T>& before = bptt.state_values[t];
        LstmState<T> d = from_later;
        add_to(d.h, time_step_of(outputs, t));
        Tensor<T> d_a = preactivations_of(gates[t], before, bptt.state_values[t + 1], d);
        bptt.terms[t] = {transposed_times(time_step_of(x, t), d_a), transposed_times(before.h, d_a),
                         column_sums(d_a)};
        set_time_step(bptt.x, t, times_transposed(d_a, weights.U));
        bptt.from_later[t] = std::move(from_later);
        from_later = {times_transposed(d_a, weights.W), through_forget_gate(gates[t], d.c)};
        bptt.states[t] = std::move(d);
        bptt.preactivations[t] = std::move(d_a);
    }
    bptt.initial_state = std::move(from_later);
}

}  // namespace lstm

template <class T>
LstmBptt<T> lstm_bptt(const LstmWeights<T>& weights, const Tensor<T>& x, const LstmState<T>& initial_state,
                      const Tensor<T>& outputs, const LstmState<T>& final_state) {
    using namespace lstm;
    require_fit(weights, x, initial_state, outputs, final_state);
    LstmBptt<T> bptt{};
    bptt.x = zeros_like(x);
    bptt.state_values.push_back(initial_state);
    std::vector<Gates<T>> gates;
    for (std::size_t t = 0; t < x.shape(0); ++t) {
        const LstmState<T>& before = bptt.state_values.back();
        gates.push_back(gates_of(weights, time_step_of(x, t), before.h));
        bptt.state_values.push_back(next_state(gates.back(), before.c));
    }
    backward(weights, x, gates, outputs, final_state, bptt);
    bptt.total = {zeros_like(weights.U), zeros_like(weights.W), zeros_like(weights.b)};
    for (const LstmGradients<T>& term : bptt.terms) {
        add_to(bptt.total.U, term.U);
        add_to(bptt.total.W, term.W);
        add_to(bptt.total.b, term.b);
    }
    return bptt;
}

template LstmBptt<float> lstm_bptt(const LstmWeights<float>&, const Tensor<float>&, const LstmState<float>&,
                                   const Tensor<float>&, const LstmState<float>&);
template LstmBptt<double> lstm_bptt(const LstmWeights<double>&, const Tensor<double>&,
                                    const LstmState<double>&, const Tensor<double>&,
                                    const LstmState<double>&);

}  // namespace tapeloop::nn::closed_form
