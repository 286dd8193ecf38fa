#include <nn/closed_form/gru.hpp>
#include <nn/closed_form/loops.hpp>

#include <cmath>
#include <utility>

namespace tapeloop::nn::closed_form {
namespace gru {

/// The blocks of a packed row.
enum Gate : std::size_t { update, reset, candidate, gate_count };

/// A squashed gate and the slope at its pre-activation.
template <class T>
struct Squashed {
    T value, slope;
};

template <class T>
Squashed<T> squashed(GateActivation activation, T a) {
    if (activation == GateActivation::sigmoid) {
        const T value = 1 / (1 + std::exp(-a));
        return {value, value * (1 - value)};
    }
    const T line = T(0.2) * a + T(0.5);
    if (line < 0) return {0, 0};
    if (line > 1) return {1, 0};
    return {line, T(0.2)};
}

/// The values that the forward pass leaves for the backward one, all [B, H].
template <class T>
struct TimeStep {
    Tensor<T> kept;        ///< how much of h(t-1) is kept: z, or 1 - z
    Tensor<T> kept_slope;  ///< of `kept` by u_z
    Tensor<T> r, r_slope;
    Tensor<T> w_n;  ///< the candidate's recurrent part
    Tensor<T> n;
};

template <class T>
void require_fit(const GruWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& initial_state,
                 const Tensor<T>& outputs, const Tensor<T>& final_state) {
    const Shape sequence = shape_of(x), W = shape_of(weights.W);
    if (sequence.rank() != 3 || W.rank() != 2)
        throw std::invalid_argument(fmt::format(
            "gru_bptt: x is {} and W {}; they must be [T, B, I] and [H, 3H]", sequence.text(), W.text()));
    const std::size_t H = W[0];
    const auto require = [](std::string_view name, const Tensor<T>& tensor, const Shape& expected) {
        require_shape("gru_bptt", name, shape_of(tensor), expected);
    };
    require("W", weights.W, {H, 3 * H});
    require("U", weights.U, {sequence[2], 3 * H});
    require("b", weights.b, {3 * H});
    require("b_recurrent", weights.b_recurrent, {H});
    require("initial_state", initial_state, {sequence[1], H});
    require("outputs", outputs, {sequence[0], sequence[1], H});
    require("final_state", final_state, {sequence[1], H});
}

/// The element `at` of a state [B, H], in the block of a gate in [B, 3H].
std::size_t packed(std::size_t at, Gate gate, std::size_t H) {
    return (at / H * gate_count + gate) * H + at % H;
}

template <class T>
TimeStep<T> forward(const GruWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& h) {
    Tensor<T> u = times(x, weights.U);
    add_bias(u, weights.b);
    const Tensor<T> w = times(h, weights.W);
    const std::size_t H = weights.W.shape(0);
    const auto gate_at = [&](std::size_t at, Gate gate) {
        const std::size_t place = packed(at, gate, H);
        return squashed(weights.options.gate_activation, u.data()[place] + w.data()[place]);
    };
    const Tensor<T> empty = zeros_like(h);
    TimeStep<T> step{empty, empty, empty, empty, empty, empty};
    const bool keeps = weights.options.update == Update::keeps;
    for (std::size_t at = 0; at < h.size(); ++at) {
        const Squashed<T> z = gate_at(at, update);
        const Squashed<T> r = gate_at(at, reset);
        const T w_n = w.data()[packed(at, candidate, H)] + weights.b_recurrent.data()[at % H];
        step.kept.data()[at] = keeps ? z.value : 1 - z.value;
        step.kept_slope.data()[at] = keeps ? z.slope : -z.slope;
        step.r.data()[at] = r.value;
        step.r_slope.data()[at] = r.slope;
        step.w_n.data()[at] = w_n;
        step.n.data()[at] = std::tanh(u.data()[packed(at, candidate, H)] + r.value * w_n);
    }
    return step;
}

template <class T>
Tensor<T> next_state(const TimeStep<T>& step, const Tensor<T>& h) {
    Tensor<T> next = zeros_like(h);
    for (std::size_t at = 0; at < h.size(); ++at) {
        const T kept = step.kept.data()[at];
        next.data()[at] = kept * h.data()[at] + (1 - kept) * step.n.data()[at];
    }
    return next;
}

/// dJ/du(t) and dJ/dw(t).
template <class T>
std::pair<Tensor<T>, Tensor<T>> preactivations_of(const TimeStep<T>& step, const Tensor<T>& h,
                                                  const Tensor<T>& d_h) {
    const std::size_t H = h.shape(1);
    Tensor<T> d_u = tapeloop::detail::zeros<T>({h.shape(0), gate_count * H});
    Tensor<T> d_w = d_u;
    for (std::size_t at = 0; at < h.size(); ++at) {
        const T d = d_h.data()[at];
        const T n = step.n.data()[at];
        const T d_n = d * (1 - step.kept.data()[at]) * (1 - n * n);
        const T d_r = d_n * step.w_n.data()[at] * step.r_slope.data()[at];
        const T d_z = d * (h.data()[at] - n) * step.kept_slope.data()[at];
        d_u.data()[packed(at, update, H)] = d_w.data()[packed(at, update, H)] = d_z;
        d_u.data()[packed(at, reset, H)] = d_w.data()[packed(at, reset, H)] = d_r;
        d_u.data()[packed(at, candidate, H)] = d_n;
        d_w.data()[packed(at, candidate, H)] = d_n * step.r.data()[at];
    }
    return {std::move(d_u), std::move(d_w)};
}

/// The sums over the rows of the candidate's block.
template <class T>
Tensor<T> candidate_sums(const Tensor<T>& d_w) {
    const Tensor<T> sums = column_sums(d_w);
    const std::size_t H = sums.size() / gate_count;
    Tensor<T> block = tapeloop::detail::zeros<T>({H});
    std::copy_n(sums.data() + candidate * H, H, block.data());
    return block;
}

template <class T>
void backward(const GruWeights<T>& weights, const Tensor<T>& x, const std::vector<TimeStep<T>>& steps,
              const Tensor<T>& outputs, Tensor<T> from_later, GruBptt<T>& bptt) {
    bptt.states.resize(steps.size());
    bptt.from_later.resize(steps.size());
    bptt.input_preactivations.resize(steps.size());
    bptt.recurrent_preactivations.resize(steps.size());
    bptt.terms.resize(steps.size());
    for (std::size_t t = steps.size(); t-- > 0;) {
        const Tensor<T>& before = bptt.h[t];
        Tensor<T> d_h = from_later;
        add_to(d_h, time_step_of(outputs, t));
        auto [d_u, d_w] = preactivations_of(steps[t], before, d_h);
        bptt.terms[t] = {transposed_times(time_step_of(x, t), d_u), transposed_times(before, d_w),
                         column_sums(d_u), candidate_sums(d_w)};
        set_time_step(bptt.x, t, times_transposed(d_u, weights.U));
        bptt.from_later[t] = std::move(from_later);
        from_later = times_transposed(d_w, weights.W);
        for (std::size_t at = 0; at < d_h.size(); ++at)
            from_later.data()[at] += d_h.data()[at] * steps[t].kept.data()[at];
        bptt.states[t] = std::move(d_h);
        bptt.input_preactivations[t] = std::move(d_u);
        bptt.recurrent_preactivations[t] = std::move(d_w);
    }
    bptt.initial_state = std::move(from_later);
}

}  // namespace gru

template <class T>
GruBptt<T> gru_bptt(const GruWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& initial_state,
                    const Tensor<T>& outputs, const Tensor<T>& final_state) {
    using namespace gru;
    require_fit(weights, x, initial_state, outputs, final_state);
    GruBptt<T> bptt{};
    bptt.x = zeros_like(x);
    bptt.h.push_back(initial_state);
    std::vector<TimeStep<T>> steps;
    for (std::size_t t = 0; t < x.shape(0); ++t) {
        steps.push_back(forward(weights, time_step_of(x, t), bptt.h.back()));
        bptt.h.push_back(next_state(steps.back(), bptt.h.back()));
    }
    backward(weights, x, steps, outputs, final_state, bptt);
    bptt.total = {zeros_like(weights.U), zeros_like(weights.W), zeros_like(weights.b),
                  zeros_like(weights.b_recurrent)};
    for (const GruGradients<T>& term : bptt.terms) {
        add_to(bptt.total.U, term.U);
        add_to(bptt.total.W, term.W);
        add_to(bptt.total.b, term.b);
        add_to(bptt.total.b_recurrent, term.b_recurrent);
    }
    return bptt;
}

template GruBptt<float> gru_bptt(const GruWeights<float>&, const Tensor<float>&, const Tensor<float>&,
                                 const Tensor<float>&, const Tensor<float>&);
template GruBptt<double> gru_bptt(const GruWeights<double>&, const Tensor<double>&, const Tensor<double>&,
                                  const Tensor<double>&, const Tensor<double>&);

}  // namespace tapeloop::nn::closed_form
