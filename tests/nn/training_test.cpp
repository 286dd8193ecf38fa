#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>

#include <thread>

using namespace tapeloop;
using namespace tapeloop::test;

// A network reads a sequence of bits and says at each step which one it read three steps before.

namespace {

constexpr std::size_t T = 12;
constexpr std::size_t lag = 3;
constexpr std::size_t H = 6;
constexpr std::ptrdiff_t nothing = -1;  // the answer of the first steps

struct Sequences {
    Tensor<float> bits;   ///< [T, B, 1], each -1 or 1
    nn::Targets targets;  ///< [T, B]
};

Sequences draw(std::size_t batch, nn::Generator& generator) {
    Sequences s{tapeloop::detail::uninitialised<float>({T, batch, 1}), nn::Targets::from_shape({T, batch})};
    for (float& bit : s.bits) bit = generator.below(2) == 0 ? -1.0F : 1.0F;
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t row = 0; row < batch; ++row)
            s.targets(t, row) = t < lag ? nothing : (s.bits(t - lag, row, 0) > 0 ? 1 : 0);
    return s;
}

template <class Cell>
struct Network {
    Cell cell;
    nn::Linear<float> output;

    explicit Network(nn::Generator& generator) : cell(1, H, generator), output(H, 2, generator) {}
    Var<float> logits(const Tensor<float>& bits) const { return output(nn::unroll(cell, bits).outputs); }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

/// An Elman cell that begins without a memory: with an orthogonal W the last bits would be there to be read
/// off, and W would have nothing to learn.
struct ForgetfulStart : nn::ElmanCell<float> {
    ForgetfulStart(std::size_t input_size, std::size_t hidden_size, nn::Generator& generator)
        : ElmanCell(input_size, hidden_size, generator) {
        W.assign(nn::zeros<float>({hidden_size, hidden_size}));
    }
};

/// A cell that does the same, its gradient cut off between the time steps.
struct Truncated : ForgetfulStart {
    using ForgetfulStart::ForgetfulStart;
    auto step(const Var<float>& u, const Var<float>& h) const { return ForgetfulStart::step(u, detach(h)); }
};

template <class Cell, class Change>
void train(Network<Cell>& network, int steps, nn::Generator& generator, const Change& change) {
    optim::Adam<float> adam(network.parameters(), {.learning_rate = 0.02});
    for (int step = 0; step < steps; ++step) {
        const Sequences s = draw(32, generator);
        Tape<float> tape;
        const Var<float> J = nn::softmax_cross_entropy(network.logits(s.bits), s.targets,
                                                       {.reduction = nn::Reduction::mean, .ignore = nothing});
        Gradients<float> g = gradient(J, network.parameters());
        change(network, g);
        optim::clip_by_norm(g, 1);
        adam.step(g);
    }
}

/// The share of right answers on sequences that were not trained on.
template <class Cell>
double accuracy(const Network<Cell>& network) {
    nn::Generator generator(1000);
    const Sequences s = draw(400, generator);
    Tape<float> tape;
    const Tensor<float> logits = network.logits(s.bits).value();
    std::size_t right = 0;
    for (std::size_t t = lag; t < T; ++t)
        for (std::size_t row = 0; row < 400; ++row)
            if ((logits(t, row, 1) > logits(t, row, 0)) == (s.targets(t, row) == 1)) ++right;
    return static_cast<double>(right) / static_cast<double>((T - lag) * 400);
}

const auto as_it_is = [](const auto&, const auto&) {};
const auto transposed = [](const auto& network, Gradients<float>& g) {
    g[network.cell.W] = Tensor<float>(xt::transpose(Tensor<float>(g[network.cell.W])));
};

template <class Cell, class Change>
double accuracy_after(int steps, std::uint64_t seed, const Change& change) {
    nn::Generator generator(seed);
    Network<Cell> network(generator);
    train(network, steps, generator, change);
    return accuracy(network);
}

/// All weights after twenty steps, one behind the other.
template <class Cell>
std::vector<float> weights_after(std::uint64_t seed) {
    nn::Generator generator(seed);
    Network<Cell> network(generator);
    train(network, 20, generator, as_it_is);
    std::vector<float> weights;
    for (const auto& entry : network.parameters())
        weights.insert(weights.end(), entry.parameter->value().begin(), entry.parameter->value().end());
    return weights;
}

}  // namespace

// What is learned in the end depends on the last bit of every product, and so on the processor; the limits
// leave room for that.
TEST_CASE("training: an Elman network learns to echo a bit three steps back") {
    for (std::uint64_t seed : {1U, 2U, 3U}) CHECK(accuracy_after<ForgetfulStart>(600, seed, as_it_is) > 0.99);
}

// The test above can fail: it takes the right gradient, and through all time steps.
TEST_CASE("training: with W's gradient transposed, or cut off after one time step, it does not learn it") {
    double with_transposed = 0;
    double with_truncated = 0;
    for (std::uint64_t seed : {1U, 2U, 3U, 4U}) {
        with_transposed += accuracy_after<ForgetfulStart>(600, seed, transposed) / 4;
        with_truncated += accuracy_after<Truncated>(600, seed, as_it_is) / 4;
    }
    CHECK(with_transposed < 0.95);
    CHECK(with_truncated < 0.95);
}

TEST_CASE("training: LSTM and GRU learn it too") {
    CHECK(accuracy_after<nn::LstmCell<float>>(600, 1, as_it_is) > 0.99);
    CHECK(accuracy_after<nn::GruCell<float>>(600, 1, as_it_is) > 0.99);
}

TEST_CASE("training: the same weights, to the last bit, from run to run") {
    CHECK(weights_after<nn::ElmanCell<float>>(5) == weights_after<nn::ElmanCell<float>>(5));
    CHECK(weights_after<nn::LstmCell<float>>(5) == weights_after<nn::LstmCell<float>>(5));
    CHECK(weights_after<nn::GruCell<float>>(5) == weights_after<nn::GruCell<float>>(5));
    CHECK(weights_after<nn::ElmanCell<float>>(5) != weights_after<nn::ElmanCell<float>>(6));
}

TEST_CASE("training: two threads train two networks as one thread does, one after the other") {
    const std::vector<float> first = weights_after<nn::LstmCell<float>>(5);
    const std::vector<float> second = weights_after<nn::LstmCell<float>>(6);
    std::vector<float> first_beside;
    std::vector<float> second_beside;
    std::thread one([&] { first_beside = weights_after<nn::LstmCell<float>>(5); });
    std::thread other([&] { second_beside = weights_after<nn::LstmCell<float>>(6); });
    one.join();
    other.join();
    CHECK(first_beside == first);
    CHECK(second_beside == second);
}
