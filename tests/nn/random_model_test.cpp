#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>

#include <numeric>

using namespace tapeloop;
using namespace tapeloop::test;

// Models, shapes and lengths drawn at random.

namespace {

using Layer = nn::AnyLayer<double>;

/// Calls `use` with a cell of a random kind.
template <class Use>
auto with_random_cell(std::size_t inputs, std::size_t units, Random& random, nn::Generator& generator,
                      const Use& use) -> Layer {
    const auto update = random.below(2) == 0 ? nn::Update::keeps : nn::Update::takes;
    switch (random.below(7)) {
        case 0:
            return use(nn::ElmanCell<double>(inputs, units, generator));
        case 1:
            return use(
                nn::ElmanCell<double>(inputs, units, generator, {.activation = nn::Activation::sigmoid}));
        case 2:
            return use(nn::GruCell<double>(inputs, units, generator, {.update = update}));
        case 3:
            return use(nn::ResetBeforeGruCell<double>(inputs, units, generator, {.update = update}));
        case 4:
            return use(nn::MinimalGruCell<double>(inputs, units, generator, {.update = update}));
        case 5: {
            nn::LstmVariantOptions options;
            options.peephole = random.below(2) == 1;
            options.coupled = random.below(2) == 1;
            options.layer_norm = random.below(2) == 1;
            options.layer_norm_epsilon = 0.1;  // else so curved that differences are coarse
            return use(nn::LstmVariantCell<double>(inputs, units, generator, options));
        }
        default:
            return use(nn::LstmCell<double>(inputs, units, generator));
    }
}

struct Model {
    nn::Stack<double> stack;
    std::size_t inputs;
    std::size_t outputs;
    std::string text;
};

Model random_model(Random& random, nn::Generator& generator) {
    Model model{{}, 1 + random.below(3), 0, ""};
    std::size_t width = model.inputs;
    const std::size_t depth = 1 + random.below(3);
    for (std::size_t k = 0; k < depth; ++k) {
        const std::size_t units = 1 + random.below(4);
        const auto plain = [](auto cell) { return Layer(std::move(cell)); };
        switch (random.below(5)) {
            case 0:
                model.stack.add(with_random_cell(width, units, random, generator, [](auto cell) {
                    return Layer(nn::Reversed(std::move(cell)));
                }));
                model.text += "reversed ";
                width = units;
                break;
            case 1: {
                const auto how = static_cast<nn::Merge>(random.below(4));
                Layer forward = with_random_cell(width, units, random, generator, plain);
                Layer backward = with_random_cell(width, units, random, generator, plain);
                model.stack.add(nn::Bidirectional(std::move(forward), std::move(backward), how));
                model.text += "bidirectional ";
                width = how == nn::Merge::concat ? 2 * units : units;
                break;
            }
            case 2:
                model.stack.add(with_random_cell(width, width, random, generator, [](auto cell) {
                    return Layer(nn::Residual(std::move(cell)));
                }));
                model.text += "residual ";
                break;
            case 3:
                model.stack.add(nn::Linear<double>(width, units, generator));
                model.text += "linear ";
                width = units;
                break;
            default:
                model.stack.add(with_random_cell(width, units, random, generator, plain));
                model.text += "cell ";
                width = units;
        }
    }
    model.outputs = width;
    return model;
}

/// One model with a sequence for it.
struct Case {
    Model model;
    Tensor<double> x;
    Tensors state;
    nn::UnrollOptions options;
    Tensor<double> output_weights;
    Tensors state_weights;

    Case(std::uint64_t seed, Random& random) : model(make_model(seed, random)) {
        const std::size_t T = 1 + random.below(4);
        const std::size_t B = 1 + random.below(3);
        x = random.tensor({T, B, model.inputs});
        options.reverse = random.below(2) == 1;
        if (random.below(2) == 1)
            for (std::size_t b = 0; b < B; ++b) options.lengths.push_back(random.below(T + 1));
        output_weights = random.tensor({T, B, model.outputs});
        Tape<double> tape;
        nn::for_each_part(
            [&](const Var<double>& part) {
                state.push_back(random.tensor(part.shape()));
                state_weights.push_back(random.tensor(part.shape()));
            },
            model.stack.initial_state(B));
    }

    /// Computes the loss of x and the parts of the initial state, in one list.
    Var<double> loss(const std::vector<Var<double>>& inputs) {
        auto next = inputs.begin() + 1;
        const auto initial = nn::map_state([&](const Var<double>&) { return *next++; },
                                           model.stack.initial_state(x.shape()[1]));
        const auto result = nn::unroll(model.stack, inputs.front(), initial, options);
        Var<double> J = sum(result.outputs * output_weights);
        auto weight = state_weights.begin();
        nn::for_each_part([&](const Var<double>& part) { J = J + sum(part * *weight++); }, result.state);
        return J;
    }
    double value(const Tensors& inputs) {
        Tape<double> tape;
        std::vector<Var<double>> vars;
        for (const Tensor<double>& tensor : inputs) vars.push_back(input(tensor));
        return loss(vars).item();
    }
    Tensors inputs() const {
        Tensors all{x};
        all.insert(all.end(), state.begin(), state.end());
        return all;
    }

  private:
    static Model make_model(std::uint64_t seed, Random& random) {
        nn::Generator generator(seed);
        return random_model(random, generator);
    }
};

}  // namespace

TEST_CASE(
    "random models: gradients by x, the initial state and a direction of all weights against differences") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Random random(seed);
        Case drawn(seed, random);
        CAPTURE(seed);
        CAPTURE(drawn.model.text);
        const Tensors inputs = drawn.inputs();
        const ParameterList<double> parameters = drawn.model.stack.parameters();

        Tape<double> tape;
        std::vector<Var<double>> vars;
        for (const Tensor<double>& tensor : inputs) vars.push_back(input(tensor));
        WrtList<double> wrt(parameters);
        for (const Var<double>& var : vars) wrt.add(var);
        const Gradients<double> g = gradient(drawn.loss(vars), wrt);

        const auto of_inputs = [&](const Tensors& at) { return drawn.value(at); };
        for (std::size_t k = 0; k < inputs.size(); ++k)
            check_close(g.at(parameters.size() + k), derivative(of_inputs, inputs, k), 1e-7);

        Tensors directions;
        Tensors values;
        double along = 0;
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            values.push_back(parameters[k].parameter->value());
            directions.push_back(random.tensor(parameters[k].parameter->shape()));
            along += inner({g.at(k)}, {directions.back()});
        }
        const auto of_weights = [&](const Tensors& amount) {
            for (std::size_t k = 0; k < parameters.size(); ++k)
                parameters[k].parameter->assign(moved({values[k]}, {directions[k]}, amount[0].data()[0])[0]);
            return drawn.value(inputs);
        };
        CHECK(derivative(of_weights, {filled({}, 0)}, 0).data()[0] == doctest::Approx(along).epsilon(1e-7));
    }
}

TEST_CASE("random models: a batch gives what its rows give alone") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Random random(seed + 1000);
        Case drawn(seed, random);
        CAPTURE(seed);
        CAPTURE(drawn.model.text);
        Tape<double> tape;
        const auto run = [&](const Tensor<double>& x, const nn::UnrollOptions& options) {
            return nn::unroll(drawn.model.stack, x, options).outputs.value();
        };
        const Tensor<double> all = run(drawn.x, drawn.options);
        const std::size_t T = drawn.x.shape()[0];
        for (std::size_t b = 0; b < drawn.x.shape()[1]; ++b) {
            const std::size_t length = drawn.options.lengths.empty() ? T : drawn.options.lengths[b];
            nn::UnrollOptions options;
            options.reverse = drawn.options.reverse;
            const Tensor<double> own = part_of(part_of(drawn.x, 1, b, 1), 0, 0, length);
            check_close(part_of(part_of(all, 1, b, 1), 0, 0, length), run(own, options), 1e-13);
        }
    }
}
