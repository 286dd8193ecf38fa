#include <tests/nn/cells/cell_check.hpp>

#include <nn/cells/gru_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/generator.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

// The GRUs in all their conventions against their equations in plain loops.

namespace {

double squashed(const nn::GruOptions& options, double a) {
    return options.gate_activation == nn::GateActivation::sigmoid
               ? logistic(a)
               : std::max(0.0, std::min(0.2 * a + 0.5, 1.0));
}

/// h', of the update gate's and the candidate's pre-activations.
template <class Update, class Candidate>
Tensors next_state(const nn::GruOptions& options, const Tensor<double>& h, const Update& update,
                   const Candidate& candidate) {
    return {generate({B, H}, [&](const Position& i) {
        const double z = squashed(options, update(i));
        const double n = std::tanh(candidate(i));
        return options.update == nn::Update::keeps ? z * at(h, i) + (1 - z) * n : n * z + at(h, i) * (1 - z);
    })};
}

/// x U + b of the k-th gate.
double from_input(const Tensor<double>& x, const Tensor<double>& U, const Tensor<double>& b, std::size_t k,
                  const Position& i) {
    return product(x, U, i[0], k * H + i[1]) + at(b, {k * H + i[1]});
}

Step reset_after(const nn::GruOptions& options) {
    return [options](const Tensor<double>& x, const Tensors& state, const Tensors& p) {
        const Tensor<double>& h = state[0];
        const auto from_state = [&](std::size_t k, const Position& i) {
            return product(h, p[1], i[0], k * H + i[1]);
        };
        return next_state(
            options, h, [&](const Position& i) { return from_input(x, p[0], p[2], 0, i) + from_state(0, i); },
            [&](const Position& i) {
                const double r = squashed(options, from_input(x, p[0], p[2], 1, i) + from_state(1, i));
                return from_input(x, p[0], p[2], 2, i) + r * (from_state(2, i) + at(p[3], {i[1]}));
            });
    };
}

Step reset_before(const nn::GruOptions& options) {
    return [options](const Tensor<double>& x, const Tensors& state, const Tensors& p) {
        const Tensor<double>& h = state[0];
        const auto gate = [&](std::size_t k, const Position& i) {
            return from_input(x, p[0], p[3], k, i) + product(h, p[1], i[0], k * H + i[1]);
        };
        const Tensor<double> kept =
            generate({B, H}, [&](const Position& i) { return squashed(options, gate(1, i)) * at(h, i); });
        return next_state(
            options, h, [&](const Position& i) { return gate(0, i); },
            [&](const Position& i) {
                return from_input(x, p[0], p[3], 2, i) + product(kept, p[2], i[0], i[1]);
            });
    };
}

Step minimal(const nn::GruOptions& options) {
    return [options](const Tensor<double>& x, const Tensors& state, const Tensors& p) {
        const auto gate = [&](std::size_t k, const Position& i) {
            return from_input(x, p[0], p[2], k, i) + product(state[0], p[1], i[0], k * H + i[1]);
        };
        return next_state(
            options, state[0], [&](const Position& i) { return gate(0, i); },
            [&](const Position& i) { return gate(1, i); });
    };
}

template <template <class> class Cell>
void check_conventions(Step (*reference)(const nn::GruOptions&)) {
    for (nn::Update update : {nn::Update::keeps, nn::Update::takes})
        for (nn::GateActivation activation :
             {nn::GateActivation::sigmoid, nn::GateActivation::hard_sigmoid}) {
            const nn::GruOptions options{update, activation};
            CAPTURE(static_cast<int>(update));
            CAPTURE(static_cast<int>(activation));
            nn::Generator generator(1);
            Cell<double> cell(I, H, generator, options);
            check_cell(cell, case_of(cell, reference(options), "gru"));
            Cell<float> single(I, H, generator, options);
            check_float(single, case_of(single, reference(options), "gru"));
        }
}

}  // namespace

TEST_CASE("GRU, reset after the product: values and gradients of both orders are those of plain loops") {
    check_conventions<nn::GruCell>(reset_after);
}

TEST_CASE("GRU, reset before the product: values and gradients of both orders are those of plain loops") {
    check_conventions<nn::ResetBeforeGruCell>(reset_before);
}

TEST_CASE("GRU, minimal: values and gradients of both orders are those of plain loops") {
    check_conventions<nn::MinimalGruCell>(minimal);
}

TEST_CASE("GRU: hard gates saturate, and pass no gradient where they do") {
    Tape<double> tape;
    const Var<double> a = input(vector({-2.5, -2.6, 0, 1, 2.6}));
    const Var<double> y = nn::squash(nn::GateActivation::hard_sigmoid, a);
    check_close(y.value(), vector({0, 0, 0.5, 0.7, 1}), 1e-15);
    const Tensor<double> slopes = gradient(sum(y), {a})[a];
    check_close(slopes, vector({0.2, 0, 0.2, 0.2, 0}), 1e-15);
}

TEST_CASE("GRU: a step takes as many nodes at every length, and one map") {
    nn::Generator generator(1);
    const std::size_t after = check_node_count(nn::GruCell<float>(I, H, generator));
    const nn::GruOptions takes{nn::Update::takes, nn::GateActivation::hard_sigmoid};
    CHECK(check_node_count(nn::GruCell<float>(I, H, generator, takes)) == after);
    CHECK(check_node_count(nn::MinimalGruCell<float>(I, H, generator)) == after);
    // One more product, and a map with two results.
    CHECK(check_node_count(nn::ResetBeforeGruCell<float>(I, H, generator)) == after + 4);
}

TEST_CASE("GRU: parameters, starts and refused sizes") {
    nn::Generator generator(1);
    const auto listed = [](auto&& cell) {
        std::string text;
        for (const auto& entry : cell.parameters())
            text += entry.path + " " + entry.parameter->shape().text() + "; ";
        return text;
    };
    CHECK(listed(nn::ResetBeforeGruCell<float>(I, H, generator)) ==
          "U [3, 15]; W [5, 10]; W_candidate [5, 5]; b [15]; ");
    CHECK(listed(nn::MinimalGruCell<float>(I, H, generator)) == "U [3, 10]; W [5, 10]; b [10]; ");
    {
        Tape<float> tape;
        const auto before = nn::ResetBeforeGruCell<float>(I, H, generator).initial_state(B);
        check_same_bits(as_double(before.value()), filled({B, H}, 0));
        const auto simple = nn::MinimalGruCell<float>(I, H, generator).initial_state(B);
        check_same_bits(as_double(simple.value()), filled({B, H}, 0));
    }
    CHECK(text_of<std::invalid_argument>([&] { nn::ResetBeforeGruCell<float>(0, 1, generator); }) ==
          "ResetBeforeGruCell: input_size is 0 and hidden_size 1; both must be at least 1");
    CHECK(text_of<std::invalid_argument>([&] { nn::MinimalGruCell<float>(1, 0, generator); }) ==
          "MinimalGruCell: input_size is 1 and hidden_size 0; both must be at least 1");
}
