#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/take_gradients.hpp>
#include <autograd/wrt.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/linear.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Keeps what it gets, and when.
class Kept final : public GradientReceiver<double> {
  public:
    void take(std::size_t i, Tensor<double> gradient) override {
        const bool is_first = copies.try_emplace(i, gradient).second;
        CHECK(is_first);
        order.push_back(i);
        advanced_before.push_back(advanced_);
        gradients.emplace(i, std::move(gradient));
        if (on_take) on_take(i);
    }
    void advanced() override { ++advanced_; }

    /// Checks that each gradient was handed over once, and was then what `gradient` returns.
    void check_all(const Gradients<double>& expected) const {
        REQUIRE(order.size() == expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CAPTURE(i);
            check_same_bits(copies.at(i), expected.at(i));
            check_same_bits(gradients.at(i), expected.at(i));  // nor did the sweep write to it later
        }
    }
    std::size_t place_in_order(std::size_t i) const {
        return static_cast<std::size_t>(std::ranges::find(order, i) - order.begin());
    }

    std::function<void(std::size_t)> on_take;
    std::map<std::size_t, Tensor<double>> copies, gradients;
    std::vector<std::size_t> order, advanced_before;

  private:
    std::size_t advanced_ = 0;
};

/// Two recurrent layers, the upper on the outputs of the lower one.
struct TwoLayers {
    static constexpr std::size_t steps = 5;

    nn::Generator generator{3};
    nn::LstmCell<double> lower{2, 3, generator};
    nn::LstmCell<double> upper{3, 4, generator};
    nn::Linear<double> output{4, 2, generator};
    Parameter<double> unused{"unused", nn::uniform<double>({2, 2}, -1, 1, generator)};
    Tensor<double> x = nn::uniform<double>({steps, 3, 2}, -1, 1, generator);

    Var<double> loss(const nn::UnrollOptions& options = {}) const {
        const Var<double> below = nn::unroll(lower, x, options).outputs;
        const Var<double> above = output(nn::unroll(upper, below, options).outputs);
        return sum(above * above);
    }
    WrtList<double> wrt() {
        ParameterList<double> list;
        list.add("lower", lower.parameters());
        list.add("upper", upper.parameters());
        list.add("output", output.parameters());
        WrtList<double> all(list);
        return all.add(unused);
    }
};

}  // namespace

TEST_CASE("take_gradients: upper layers come first, each gradient once and complete") {
    TwoLayers model;
    const Tape<double> tape;
    const Var<double> J = model.loss();
    Kept kept;
    take_gradients(J, model.wrt(), kept);
    kept.check_all(gradient(J, model.wrt()));
    const std::size_t of_layer = model.lower.parameters().size();
    const std::size_t unused = model.wrt().list().size() - 1;
    CHECK(kept.order.front() == unused);
    for (std::size_t i = 0; i < unused; ++i)
        for (std::size_t k = 0; k < unused; ++k)
            if (i / of_layer > k / of_layer) CHECK(kept.place_in_order(i) < kept.place_in_order(k));
    // All of the upper layer while nothing of the lower one was swept: its steps lie between.
    const std::size_t upper = kept.place_in_order(of_layer);
    const std::size_t lower = kept.place_in_order(0);
    CHECK(kept.advanced_before[lower] - kept.advanced_before[upper] > TwoLayers::steps);
}

TEST_CASE("take_gradients: layers whose steps are computed again, and steps that project alone") {
    TwoLayers model;
    for (const nn::UnrollOptions& options :
         {nn::UnrollOptions{.hoist = false}, nn::UnrollOptions{.reverse = true},
          nn::UnrollOptions{.memory = 6000}}) {
        const Tape<double> tape;
        const Var<double> J = model.loss(options);
        Kept kept;
        take_gradients(J, model.wrt(), kept);
        kept.check_all(gradient(J, model.wrt()));
    }
}

TEST_CASE("take_gradients: what is asked for twice, nodes in the middle, and one of several results") {
    const Tape<double> tape;
    const Parameter<double> W("W", tensor({2, 2}, {0.5, -1, 2, 0.25}));
    const Var<double> x = input(tensor({2, 2}, {1, 2, 3, 4}));
    const Var<double> middle = matmul(x, W);
    const std::vector<Var<double>> halves = split(tanh(middle), 2, 1);
    const Var<double> J = sum(halves[0] * exp(halves[1]) * middle);
    for (const WrtList<double>& wrt :
         {WrtList<double>{W, x, W, middle, halves[1], x, halves[0], J}, WrtList<double>{halves[1]},
          WrtList<double>{halves[1], halves[1]}, WrtList<double>{J}, WrtList<double>{}}) {
        Kept kept;
        take_gradients(J, wrt, kept);
        kept.check_all(gradient(J, wrt));
    }
}

TEST_CASE("take_gradients: of a J that has recorded gradients in it") {
    TwoLayers model;
    const Tape<double> tape;
    const Var<double> first = model.loss();
    const Var<double> slope = gradient_graph(first, model.wrt()).at(0);
    const Var<double> J = first + sum(slope * slope);
    Kept kept;
    take_gradients(J, model.wrt(), kept);
    kept.check_all(gradient(J, model.wrt()));
}

TEST_CASE("take_gradients: a receiver may overwrite and drop what it gets at once") {
    class Dropping final : public GradientReceiver<double> {
      public:
        explicit Dropping(const Gradients<double>& expected) : expected_(expected) {}
        void take(std::size_t i, Tensor<double> gradient) override {
            check_same_bits(gradient, expected_.at(i));
            gradient.fill(NAN);
            ++taken;
        }
        std::size_t taken = 0;

      private:
        const Gradients<double>& expected_;
    };
    TwoLayers model;
    Tape<double> tape;
    const Var<double> J = model.loss();
    const WrtList<double> all = every_node(tape);
    const Gradients<double> expected = gradient(J, all);
    Dropping dropping(expected);
    take_gradients(J, all, dropping);
    CHECK(dropping.taken == expected.size());
}

TEST_CASE(
    "take_gradients: what the receiver throws, or a rule, ends the sweep and leaves the tape as it was") {
    TwoLayers model;
    const Tape<double> tape;
    bool fails = true;
    const auto failing = custom(
        "failing", [](const auto& x) { return x; },
        [&fails](const auto& g, const auto&, const auto&) {
            if (fails) throw std::runtime_error("no rule today");
            return g;
        });
    const Var<double> bias = failing(*model.lower.parameters()[0].parameter);
    const Var<double> J = model.loss() + sum(bias);
    const std::size_t nodes = J.tape().size();
    Kept kept;
    CHECK(text_of<std::runtime_error>([&] { take_gradients(J, model.wrt(), kept); }) == "no rule today");
    CHECK(kept.order.size() > 4);  // those above were there already
    fails = false;
    Kept stopping;
    stopping.on_take = [](std::size_t i) {
        if (i == 5) throw std::runtime_error("enough");
    };
    CHECK(text_of<std::runtime_error>([&] { take_gradients(J, model.wrt(), stopping); }) == "enough");
    CHECK(J.tape().size() == nodes);
    Kept whole;
    take_gradients(J, model.wrt(), whole);
    whole.check_all(gradient(J, model.wrt()));
}

TEST_CASE("take_gradients: a J of several elements is refused as by gradient") {
    const Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    Kept kept;
    CHECK_THROWS_AS(take_gradients(x * x, {x}, kept), std::invalid_argument);
    CHECK(kept.order.empty());
}
