#pragma once

#include <tests/autograd/ops/op_table.hpp>
#include <tests/expect.hpp>

#include <nn/losses/reduction.hpp>

#include <array>

/// This file has what the tests of all losses share.
namespace tapeloop::test {

inline constexpr std::array all_reductions{nn::Reduction::batch_mean, nn::Reduction::mean, nn::Reduction::sum,
                                           nn::Reduction::none};

/// Everything that the op table checks of an operation: values, derivatives of both orders with random
/// cotangents, constant arguments, `float`, refused shapes.
inline void check_rows(const std::vector<Row>& rows) {
    for (const Row& row : rows)
        for (auto check : {check_values, check_first_order, check_second_order, check_subsets, check_float,
                           check_rejections})
            for (const std::string& problem : check(row)) FAIL_CHECK(problem);
}

/// A sine wave through the elements: the inputs that the numbers of LibTorch were computed for.
inline Tensor<double> waves(const Shape& shape, double phase, double size) {
    double place = 0;
    return generate(shape, [&](const Position&) { return size * std::sin(phase + 1.7 * place++); });
}

/// Returns whether element i of values [T, B, ..] is at a time step that its row has.
inline bool counts(std::size_t i, const Shape& shape, const std::vector<std::size_t>& lengths) {
    if (lengths.empty()) return true;
    const std::size_t row = i / (shape.size() / shape[0] / shape[1]);
    return row / shape[1] < lengths[row % shape[1]];
}

/// One number or all losses, by plain loops. `weights` are what each counts for in the mean.
inline Tensor<double> reduced_by_loops(const Tensor<double>& losses, const Tensor<double>& weights,
                                       nn::Reduction reduction, double batch) {
    if (reduction == nn::Reduction::none) return losses;
    double total = 0;
    double count = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        total += losses.data()[i];
        count += weights.data()[i];
    }
    if (reduction == nn::Reduction::batch_mean) total /= batch;
    if (reduction == nn::Reduction::mean) total = count == 0 ? 0 : total / count;
    return filled({}, total);
}

/// x with `value` where its row has ended.
inline Tensor<double> padded(Tensor<double> x, const std::vector<std::size_t>& lengths, double value) {
    for (std::size_t i = 0; i < x.size(); ++i)
        if (!counts(i, shape_of(x), lengths)) x.data()[i] = value;
    return x;
}

/// The value, the gradients, and the gradients of a random projection of those.
template <class Loss>
Tensors everything_of(const Loss& loss, const Tensors& arguments) {
    Random random("projection");
    Tape<double> tape;
    std::vector<Var<double>> x;
    std::vector<Wrt<double>> wrt;
    for (const Tensor<double>& argument : arguments) x.push_back(input(argument));
    for (const Var<double>& one : x) wrt.emplace_back(one);
    const Var<double> y = loss(x);
    const Tensor<double> cotangent = random.tensor(y.shape());
    Tensors all{y.value()};
    const auto first = gradient(std::vector<GradientRoot<double>>{{y, cotangent}}, wrt);
    all.insert(all.end(), first.begin(), first.end());
    const auto recorded = gradient_graph(std::vector<GradientGraphRoot<double>>{{y, input(cotangent)}}, wrt);
    std::vector<GradientRoot<double>> roots;
    for (const Var<double>& one : recorded) {
        all.push_back(one.value());
        roots.push_back({one, random.tensor(one.shape())});
    }
    const auto second = gradient(roots, wrt);
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

/// Checks that what lies behind the end of a row changes nothing, be it NaN, and gets 0 in every gradient.
/// `loss` takes a list of Vars [T, B, ..].
template <class Loss>
void check_padding(const Loss& loss, const Tensors& arguments, const std::vector<std::size_t>& lengths) {
    Tensors zeros;
    for (const Tensor<double>& one : arguments) zeros.push_back(padded(one, lengths, 0));
    const Tensors expected = everything_of(loss, zeros);
    for (double value : {not_a_number, infinity, -infinity}) {
        Tensors others;
        for (const Tensor<double>& one : arguments) others.push_back(padded(one, lengths, value));
        const Tensors actual = everything_of(loss, others);
        for (std::size_t k = 0; k < actual.size(); ++k) {
            check_close(actual[k], expected[k], 1e-15);
            if (k > 0) check_close(actual[k], padded(actual[k], lengths, 0), 0);
        }
    }
}

/// The text with which a call is refused, which must leave the tape as it was.
template <class Call>
std::string refusal(const Call& call) {
    Tape<double> tape;
    const std::string text = text_of<std::invalid_argument>(call);
    CHECK(tape.size() == 0);
    return text;
}

}  // namespace tapeloop::test
