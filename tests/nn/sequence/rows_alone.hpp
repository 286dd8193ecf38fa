#pragma once

#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/sequence/unroll.hpp>

#include <vector>

/// A padded or masked batch against each of its rows run alone, on the time steps that count for it.
namespace tapeloop::test {

/// The slices `which` along an axis, in that order.
inline Tensor<double> slices(const Tensor<double>& x, std::size_t axis,
                             const std::vector<std::size_t>& which) {
    const Shape whole = shape_of(x);
    return generate(whole.with(axis, which.size()), [&](const Position& position) {
        Position from = position;
        from[axis] = which[position[axis]];
        return at(x, from);
    });
}

/// The number with which what does not count is filled.
inline Tensor<double> filled_where_not(Tensor<double> x, const std::vector<std::vector<std::size_t>>& counted,
                                       double value) {
    const std::size_t T = x.shape()[0];
    const std::size_t B = x.shape()[1];
    const std::size_t width = T * B == 0 ? 0 : x.size() / (T * B);
    for (std::size_t row = 0; row < B; ++row)
        for (std::size_t t = 0; t < T; ++t)
            if (std::find(counted[row].begin(), counted[row].end(), t) == counted[row].end())
                std::fill_n(x.data() + (t * B + row) * width, width, value);
    return x;
}

struct RowsRun {
    Tensor<double> outputs;
    Tensors state;
    Tensors gradients;  ///< of x, the parts of the state, the parameters
};

template <class L>
RowsRun run_rows(L& layer, const Tensor<double>& x, const Tensors& initial, const nn::UnrollOptions& options,
                 const Tensor<double>& weights, const Tensors& state_weights) {
    Tape<double> tape;
    const Var<double> sequence = input(x);
    WrtList<double> wrt{sequence};
    auto next = initial.begin();
    const auto state =
        nn::map_state([&](const Var<double>&) { return input(*next++); }, layer.initial_state(x.shape()[1]));
    nn::for_each_part([&](const Var<double>& part) { wrt.add(part); }, state);
    for (const auto& entry : layer.parameters()) wrt.add(*entry.parameter);
    const auto result = nn::unroll(layer, sequence, state, options);
    std::vector<GradientRoot<double>> roots{{result.outputs, weights}};
    RowsRun run{result.outputs.value(), {}, {}};
    nn::for_each_part(
        [&](const Var<double>& part) {
            roots.push_back({part, state_weights[run.state.size()]});
            run.state.push_back(part.value());
        },
        result.state);
    for (const Tensor<double>& g : gradient(roots, wrt)) run.gradients.push_back(g);
    return run;
}

/// `counted` are the time steps of each row; `filling` is what x holds at all others.
template <class L>
void check_rows_alone(L& layer, const Tensor<double>& live, const Tensors& initial,
                      const std::vector<std::vector<std::size_t>>& counted, const nn::UnrollOptions& options,
                      double filling) {
    const Tensor<double> x = filled_where_not(live, counted, filling);
    const std::size_t B = x.shape()[1];
    Random random("rows alone");
    Shape output_shape;
    {
        Tape<double> tape;
        output_shape = nn::unroll(layer, live).outputs.shape();
    }
    // What is shown where nothing counts has no weight, so that rows alone give the same gradients.
    const Tensor<double> weights = filled_where_not(random.tensor(output_shape), counted, 0);
    Tensors state_weights;
    for (const Tensor<double>& part : initial) state_weights.push_back(random.tensor(shape_of(part)));
    const RowsRun batch = run_rows(layer, x, initial, options, weights, state_weights);

    const std::size_t states = initial.size();
    Tensors sums;
    for (std::size_t k = 1 + states; k < batch.gradients.size(); ++k)
        sums.push_back(each(batch.gradients[k], [](double) { return 0.0; }));
    for (std::size_t row = 0; row < B; ++row) {
        CAPTURE(row);
        const auto own = [&](const Tensor<double>& all) {
            return slices(slices(all, 1, {row}), 0, counted[row]);
        };
        const auto own_parts = [&](const Tensors& all) {
            Tensors parts;
            for (const Tensor<double>& part : all) parts.push_back(slices(part, 0, {row}));
            return parts;
        };
        nn::UnrollOptions plain;
        plain.reverse = options.reverse;
        const RowsRun alone =
            run_rows(layer, own(x), own_parts(initial), plain, own(weights), own_parts(state_weights));
        check_close(own(batch.outputs), alone.outputs, 1e-13);
        check_close(own(batch.gradients[0]), alone.gradients[0], 1e-12);
        for (std::size_t k = 0; k < states; ++k) {
            check_close(slices(batch.state[k], 0, {row}), alone.state[k], 1e-13);
            check_close(slices(batch.gradients[1 + k], 0, {row}), alone.gradients[1 + k], 1e-12);
        }
        for (std::size_t k = 0; k < sums.size(); ++k)
            sums[k] =
                each(sums[k], alone.gradients[1 + states + k], [](double a, double b) { return a + b; });
    }
    // Nothing reaches what does not count.
    check_same_bits(filled_where_not(batch.gradients[0], counted, 0), batch.gradients[0]);
    for (std::size_t k = 0; k < sums.size(); ++k)
        check_close(batch.gradients[1 + states + k], sums[k], 1e-11);
}

inline std::vector<std::vector<std::size_t>> counted_by(const std::vector<std::size_t>& lengths) {
    std::vector<std::vector<std::size_t>> counted(lengths.size());
    for (std::size_t row = 0; row < lengths.size(); ++row)
        for (std::size_t t = 0; t < lengths[row]; ++t) counted[row].push_back(t);
    return counted;
}

}  // namespace tapeloop::test
