#include <tests/nn/layers/against_loops.hpp>

#include <nn/sequence/last_outputs.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

Tensors in_loops(const Tensor<double>& outputs, const std::vector<std::size_t>& lengths) {
    return {generate({lengths.size(), outputs.shape()[2]}, [&](const Position& i) {
        return lengths[i[0]] == 0 ? 0 : at(outputs, {lengths[i[0]] - 1, i[0], i[1]});
    })};
}

}  // namespace

TEST_CASE("last_outputs: of each row the last time step that counts, zeros without one") {
    Random random("last outputs");
    const Tensor<double> outputs = random.tensor({4, 3, 2});
    for (const std::vector<std::size_t>& lengths :
         {std::vector<std::size_t>{4, 1, 3}, std::vector<std::size_t>{0, 4, 2},
          std::vector<std::size_t>{0, 0, 0}}) {
        check_against_loops(
            [&](const auto& x) { return std::vector{square(nn::last_outputs(x[0], lengths))}; },
            [&](const Tensors& x) {
                return Tensors{each(in_loops(x[0], lengths)[0], [](double e) { return e * e; })};
            },
            {outputs});
    }
    const Tape<double> tape;
    check_same_bits(nn::last_outputs(outputs).value(), in_loops(outputs, {4, 4, 4})[0]);
}

TEST_CASE("last_outputs: NaN behind the end has no influence") {
    Random random("spoiled");
    const std::vector<std::size_t> lengths{2, 0, 3};
    const Tensor<double> outputs = random.tensor({3, 3, 2});
    const Tape<double> tape;
    const Var<double> x = input(spoiled(outputs, lengths));
    const Var<double> y = nn::last_outputs(x, lengths);
    check_same_bits(y.value(), in_loops(outputs, lengths)[0]);
    check_same_bits(gradient(sum(y), {x}).at(0), generate({3, 3, 2}, [&](const Position& i) {
                        return i[0] + 1 == lengths[i[1]] ? 1 : 0;
                    }));
}

TEST_CASE("last_outputs: no time steps, no rows, more and fewer axes, float") {
    const Tape<float> tape;
    CHECK(nn::last_outputs(input(rounded<float>(filled({0, 2, 3}, 1))), {0, 0}).shape() == Shape{2, 3});
    CHECK(nn::last_outputs(input(rounded<float>(filled({0, 2, 3}, 1)))).shape() == Shape{2, 3});
    CHECK(nn::last_outputs(input(rounded<float>(filled({4, 0, 3}, 1)))).shape() == Shape{0, 3});
    check_same_bits(as_double(nn::last_outputs(rounded<float>(tensor({2, 2}, {1, 2, 3, 4})), {1, 2}).value()),
                    vector({1, 4}));
    check_same_bits(
        as_double(nn::last_outputs(rounded<float>(tensor({2, 1, 1, 2}, {1, 2, 3, 4})), {0}).value()),
        filled({1, 1, 2}, 0));
}

TEST_CASE("last_outputs: errors") {
    const Tape<double> tape;
    const auto text = [](const Shape& shape, const std::vector<std::size_t>& lengths) {
        return text_of<std::invalid_argument>([&] { nn::last_outputs(filled(shape, 1), lengths); });
    };
    CHECK(contains(text({3}, {1}), "last_outputs: outputs is [3]; it must be [T, B, ..]"));
    CHECK(contains(text({3, 2, 1}, {1}), "last_outputs: there are 1 lengths for a batch of 2"));
    CHECK(contains(text({3, 2, 1}, {1, 4}), "last_outputs: the length of row 1 is 4"));
    CHECK(tape.size() == 0);
}
