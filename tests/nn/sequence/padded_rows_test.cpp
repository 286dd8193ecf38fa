#include <tests/nn/sequence/rows_alone.hpp>

#include <autograd/derivatives.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/layer_norm.hpp>
#include <nn/layers/linear.hpp>
#include <nn/sequence/last_outputs.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>
#include <nn/wrappers/zoneout.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

// Padding that a cell cannot compute with: 0 under a logarithm or a division, NaN, infinities.

namespace {

using D = Var<double>;

constexpr std::size_t T = 5;
constexpr std::size_t I = 3;
constexpr std::size_t H = 3;
const std::vector<std::size_t> lengths{3, 5, 0, 1};
const double fillings[] = {0, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity(), -1};

enum class Function { logarithm, inverse, normalised };

D applied(Function f, const D& x) {
    switch (f) {
        case Function::logarithm:
            return log(x);
        case Function::inverse:
            return 1 / x;
        case Function::normalised:
            return x / sqrt(sum(x * x, -1, true));
    }
    return x;
}

/// h' = tanh(f(x_I) U + h W) + 2, where x_I are the first columns of x; positive, so that another may read
/// it.
struct Touchy {
    Function f;
    Parameter<double> U, W;

    Touchy(Function function, nn::Generator& generator)
        : f(function),
          U("U", nn::xavier_uniform<double>({I, H}, generator)),
          W("W", nn::xavier_uniform<double>({H, H}, generator)) {}
    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    D project(const D& x) const { return matmul(applied(f, slice(x, -1, 0, I)), U); }
    std::pair<D, D> step(const D& u, const D& h) const {
        const D next = tanh(u + matmul(h, W)) + 2;
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// Divides by a part of its state, which counts the row's time steps down: 0 is left when it has ended.
struct Countdown {
    Parameter<double> U;

    std::pair<D, D> initial_state(std::size_t batch) const {
        return {input(nn::zeros<double>({batch, H})), input(nn::ones<double>({batch, 1}))};
    }
    auto step(const D& x, const std::pair<D, D>& state) const {
        const D h = tanh(matmul(x, U) + state.first) / state.second;
        return std::pair{h, std::pair{h, state.second - 1}};
    }
    ParameterList<double> parameters() { return parameter_list(U); }
};

/// A layer without state that cannot read 0.
struct Logarithm {
    template <class X>
    auto operator()(const X& x) const {
        return log(x) + 3;
    }
};

Tensor<double> positive(const Shape& shape) {
    Random random("positive");
    return random.tensor(shape, 0.5, 1.5);
}

template <class L>
void check_layer(L layer) {
    Tensors initial;
    Random random("initial");
    {
        Tape<double> tape;
        for (const Shape& part : nn::shapes_of(layer.initial_state(lengths.size())))
            initial.push_back(random.tensor(part));
    }
    for (const double filling : fillings)
        for (const bool reverse : {false, true}) {
            CAPTURE(filling);
            CAPTURE(reverse);
            nn::UnrollOptions options;
            options.reverse = reverse;
            options.lengths = lengths;
            check_rows_alone(layer, positive({T, lengths.size(), I}), initial, counted_by(lengths), options,
                             filling);
        }
}

}  // namespace

TEST_CASE("padded rows: a cell that cannot compute with padding gives what its rows give alone") {
    nn::Generator generator(3);
    for (const Function f : {Function::logarithm, Function::inverse, Function::normalised}) {
        CAPTURE(static_cast<int>(f));
        check_layer(Touchy(f, generator));
        check_layer(nn::Bidirectional(Touchy(f, generator), Touchy(f, generator)));
        check_layer(nn::Reversed(Touchy(f, generator)));
        check_layer(nn::Residual(Touchy(f, generator)));
        check_layer(nn::RecurrentDropout(Touchy(f, generator), 0.5));
        check_layer(nn::Zoneout(Touchy(f, generator)));
        check_layer(nn::Stack<double>(Touchy(f, generator), Touchy(f, generator)));
        check_layer(nn::Zoneout(nn::Stack<double>(Touchy(f, generator), Touchy(f, generator))));
    }
}

TEST_CASE("padded rows: cells that compute all time steps at once") {
    nn::Generator generator(3);
    check_layer(nn::SruCell<double>(I, H, generator));
    check_layer(nn::SruCell<double>(I, H + 1, generator));
    check_layer(nn::QrnnCell<double>(I, H, generator));
    check_layer(nn::SelectiveSsmCell<double>(I, 2, generator));
    check_layer(nn::LruCell<double>(I, 2, generator));
    check_layer(nn::Stack<double>(
        nn::Bidirectional(nn::SruCell<double>(I, 2, generator), nn::QrnnCell<double>(I, 1, generator)),
        nn::Residual(nn::SelectiveSsmCell<double>(I, 2, generator))));
}

TEST_CASE("padded rows: layers without state in a stack") {
    nn::Generator generator(3);
    check_layer(nn::Stack<double>(Logarithm{}, nn::Linear<double>(I, H, generator)));
    check_layer(nn::Stack<double>(Touchy(Function::logarithm, generator), nn::LayerNorm<double>(H),
                                  nn::Residual(nn::Stack<double>(nn::Linear<double>(H, H, generator))),
                                  nn::LstmCell<double>(H, H, generator)));
    check_layer(nn::Stack<double>(
        Logarithm{},
        nn::Bidirectional(nn::LstmCell<double>(I, H, generator), nn::LstmCell<double>(I, H, generator)),
        nn::Dropout{0.5, true}, nn::Linear<double>(2 * H, H, generator)));
}

TEST_CASE("padded rows: a state that cannot be divided by once its row has ended") {
    nn::Generator generator(3);
    Countdown cell{Parameter<double>("U", nn::xavier_uniform<double>({I, H}, generator))};
    Random random("countdown");
    Tensor<double> left = nn::zeros<double>({lengths.size(), 1});
    for (std::size_t row = 0; row < lengths.size(); ++row) left(row, 0) = static_cast<double>(lengths[row]);
    const Tensors initial{random.tensor({lengths.size(), H}), left};
    for (const bool reverse : {false, true}) {
        nn::UnrollOptions options;
        options.reverse = reverse;
        options.lengths = lengths;
        check_rows_alone(cell, positive({T, lengths.size(), I}), initial, counted_by(lengths), options, 0);
    }
}

TEST_CASE("padded rows: attention, over padded sources and from padded queries") {
    nn::Generator generator(3);
    nn::AttentionCell cell(Touchy(Function::logarithm, generator),
                           nn::AdditiveAttention<double>(H, 2, 4, generator), 2);
    Random random("attention");
    const std::size_t B = lengths.size();
    const std::vector<std::size_t> source_lengths{2, 0, 3, 1};
    const Tensor<double> source = filled_where_not(random.tensor({3, B, 2}), counted_by(source_lengths),
                                                   std::numeric_limits<double>::quiet_NaN());
    const Tensor<double> live = positive({T, B, I});
    const Tensor<double> weights = random.tensor({T, B, H + 2});
    const auto run = [&](const std::vector<std::size_t>& rows, std::size_t steps,
                         const std::vector<std::size_t>& own_lengths, double filling) {
        Tape<double> tape;
        const D keys = input(slices(source, 1, rows));
        const Tensor<double> padded = filled_where_not(live, counted_by(lengths), filling);
        const D x = input(part_of(slices(padded, 1, rows), 0, 0, steps));
        std::vector<std::size_t> of_source;
        for (const std::size_t row : rows) of_source.push_back(source_lengths[row]);
        const D y = nn::unroll(cell, x, cell.attending(keys, of_source), {.lengths = own_lengths}).outputs;
        Tensors all{y.value()};
        const Tensor<double> w = part_of(slices(weights, 1, rows), 0, 0, steps);
        WrtList<double> wrt{x, keys};
        for (const auto& entry : cell.parameters()) wrt.add(*entry.parameter);
        for (const Tensor<double>& g : gradient(std::vector<GradientRoot<double>>{{y, w}}, wrt))
            all.push_back(g);
        return all;
    };
    for (const double filling : fillings) {
        CAPTURE(filling);
        const Tensors batch = run({0, 1, 2, 3}, T, lengths, filling);
        Tensors sums;
        for (std::size_t row = 0; row < B; ++row) {
            const Tensors alone = run({row}, lengths[row], {}, filling);
            check_close(part_of(slices(batch[0], 1, {row}), 0, 0, lengths[row]), alone[0], 1e-13);
            check_close(part_of(slices(batch[1], 1, {row}), 0, 0, lengths[row]), alone[1], 1e-12);
            check_close(slices(batch[2], 1, {row}), alone[2], 1e-12);
            for (std::size_t k = 3; k < alone.size(); ++k) {
                if (row == 0) sums.push_back(filled(shape_of(alone[k]), 0));
                sums[k - 3] = each(sums[k - 3], alone[k], [](double a, double b) { return a + b; });
            }
        }
        for (std::size_t k = 0; k < sums.size(); ++k) check_close(batch[k + 3], sums[k], 1e-11);
    }
}

TEST_CASE("padded rows: the second order, and the last outputs") {
    nn::Generator generator(3);
    Touchy cell(Function::logarithm, generator);
    const std::size_t B = lengths.size();
    const Tensor<double> live = positive({T, B, I});
    const auto penalty = [&](const Tensor<double>& values, const std::vector<std::size_t>& own) {
        Tape<double> tape;
        const D x = input(values);
        const D J = sum(square(nn::last_outputs(nn::unroll(cell, x, {.lengths = own}).outputs, own)));
        const D squares = sum(square(gradient_graph(J, {x})[x]));
        return gradient(squares, {cell.U})[cell.U];
    };
    const Tensor<double> together = penalty(filled_where_not(live, counted_by(lengths), 0), lengths);
    Tensor<double> total = filled(cell.U.shape(), 0);
    for (std::size_t row = 0; row < B; ++row)
        total = each(total, penalty(part_of(slices(live, 1, {row}), 0, 0, lengths[row]), {}),
                     [](double a, double b) { return a + b; });
    check_close(together, total, 1e-11);
}
