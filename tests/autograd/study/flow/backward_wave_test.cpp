#include <tests/numeric.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <doctest/doctest.h>

#include <map>
#include <stdexcept>

using namespace tapeloop;

TEST_CASE("backward_wave: contributions add up to every cotangent") {
    nn::Generator generator(7);
    test::Random random("backward wave");
    nn::LstmCell<double> cell(3, 4, generator);
    for (const bool fuse : {false, true}) {
        CAPTURE(fuse);
        Tape<double> tape({.fuse = fuse});
        const Var<double> y = nn::unroll(cell, random.tensor({5, 2, 3})).outputs;
        const Gradients<double> gradients = gradient({{y, random.tensor({5, 2, 4})}}, every_node(tape));

        std::map<NodeIndex, Tensor<double>> sums;
        NodeIndex last = y.index();
        const std::vector<NodeIndex> roots = backward_wave<double>(
            tape, gradients, [&](NodeIndex node, const tapeloop::detail::Contribution<double>& part) {
                CHECK(node <= last);
                CHECK(part.input < node);
                last = node;
                const auto [sum, first] = sums.try_emplace(part.input, part.cotangent);
                if (!first) sum->second += part.cotangent;
            });
        CHECK(roots == std::vector<NodeIndex>{y.index()});
        std::size_t compared = 0;
        for (const auto& [node, sum] : sums) {
            const Tensor<double>& expected = gradients[tape.var(node)];
            for (std::size_t i = 0; i < sum.size(); ++i)
                CHECK(sum.data()[i] == doctest::Approx(expected.data()[i]).epsilon(1e-12));
            compared += sum.size();
        }
        CHECK(compared > 300);
    }
}

TEST_CASE("backward_wave: zeros that arrive are part of the wave and what is not reached is not") {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{-1, -2});
    const Var<double> dead = relu(x);
    const Var<double> y = dead * 2;
    const Var<double> beside = tanh(x);
    const Var<double> J = sum(y);
    std::vector<std::pair<NodeIndex, NodeIndex>> seen;
    backward_wave<double>(tape, gradient(J, every_node(tape)),
                          [&](NodeIndex node, const tapeloop::detail::Contribution<double>& part) {
                              seen.emplace_back(node, part.input);
                          });
    CHECK(std::count(seen.begin(), seen.end(), std::pair{dead.index(), x.index()}) == 1);
    for (const auto& [node, input] : seen) CHECK(node != beside.index());
}

TEST_CASE("backward_wave: several roots and cotangents that were not asked for") {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 2});
    const Var<double> a = tanh(x);
    const Var<double> b = x * x;
    const Tensor<double> ones{1, 1};
    std::size_t count = 0;
    const auto visit = [&](NodeIndex, const tapeloop::detail::Contribution<double>&) { ++count; };
    CHECK(backward_wave<double>(tape, gradient({{a, ones}, {b, ones}}, every_node(tape)), visit) ==
          std::vector<NodeIndex>{b.index(), a.index()});
    CHECK(count == 2);
    count = 0;
    CHECK(backward_wave<double>(tape, gradient({{a, ones}, {b, ones}}, {a}), visit) ==
          std::vector<NodeIndex>{a.index()});
    CHECK(count == 1);
}

TEST_CASE("backward_wave: gradients of another tape") {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>{1, 2});
    const Gradients<double> gradients = gradient(sum(x), {x});
    Tape<double> other;
    CHECK_THROWS_AS(backward_wave<double>(other, gradients, {}), std::logic_error);
}
