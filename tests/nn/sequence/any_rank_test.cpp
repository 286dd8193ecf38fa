#include <tests/nn/sequence/rows_alone.hpp>

#include <autograd/ops/linalg.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/sequence/last_outputs.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/stack.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

// Sequences of images: inputs, states and outputs of more axes than [B, I].

namespace {

using D = Var<double>;

constexpr std::size_t T = 4;
constexpr std::size_t B = 3;
constexpr std::size_t C = 2;
constexpr std::size_t S = 3;  ///< rows and columns of an image

/// h' = tanh(x a + b h + its right neighbour), image by image; a and b [C, 1, 1].
struct ImageCell {
    Parameter<double> a, b;

    ImageCell() : a("a", Random("a").tensor({C, 1, 1})), b("b", Random("b").tensor({C, 1, 1})) {}
    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, C, S, S})); }
    D project(const D& x) const { return x * a; }
    std::pair<D, D> step(const D& u, const D& h) const {
        const D right = concatenate({slice(h, -1, 1, S), slice(h, -1, 0, 1)}, -1);
        const D next = tanh(u + b * h + 0.5 * right);
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(a, b); }
};

/// A cell that does the same with images as rows of numbers.
struct FlatCell {
    ImageCell images;

    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, C * S * S})); }
    auto step(const D& x, const D& h) const {
        const std::size_t batch = x.shape()[0];
        const D u = images.project(reshape(x, {batch, C, S, S}));
        const D next = reshape(images.step(u, reshape(h, {batch, C, S, S})).first, {batch, C * S * S});
        return std::pair{next, next};
    }
};

Tensor<double> images() { return Random("images").tensor({T, B, C, S, S}); }

}  // namespace

TEST_CASE("any rank: a sequence of images gives what it gives as rows of numbers") {
    ImageCell cell;
    const FlatCell flat;
    Tape<double> tape;
    const D x = input(images());
    const D y = nn::unroll(cell, x, {.trace = true}).outputs;
    CHECK(y.shape() == Shape{T, B, C, S, S});
    const D flat_y = nn::unroll(flat, reshape(x, {T, B, C * S * S})).outputs;
    const Tensor<double> weights = Random("weights").tensor({T, B, C, S, S});
    check_close(y.value(), reshape(flat_y, {T, B, C, S, S}).value(), 1e-14);
    const auto g = gradient(sum(y * weights), {x, cell.a, cell.b});
    const auto flat_g =
        gradient(sum(reshape(flat_y, {T, B, C, S, S}) * weights), {x, flat.images.a, flat.images.b});
    for (std::size_t k = 0; k < 3; ++k) check_close(g.at(k), flat_g.at(k), 1e-13);
    check_same_bits(nn::unroll(cell, x, {.hoist = false}).outputs.value(), y.value());
    CHECK(nn::last_outputs(y, {4, 0, 2}).shape() == Shape{B, C, S, S});
    CHECK(nn::unroll(cell, filled({0, B, C, S, S}, 0)).outputs.shape() == Shape{0, B, C, S, S});
}

TEST_CASE("any rank: batch first, lengths, masks, and layers of images") {
    ImageCell cell;
    {
        Tape<double> tape;
        const D x = input(images());
        const std::vector<int> exchanged{1, 0, 2, 3, 4};
        const D first = nn::unroll(cell, transpose(x, exchanged), {.batch_first = true}).outputs;
        check_same_bits(transpose(first, exchanged).value(), nn::unroll(cell, x).outputs.value());
    }
    nn::Stack<double> stack;
    stack.add(ImageCell());
    stack.add(nn::Residual(ImageCell()));
    nn::Bidirectional both(ImageCell(), ImageCell(), nn::Merge::sum);
    nn::UnrollOptions options;
    options.lengths = {2, 4, 0};
    const Tensor<double> one = Random("h").tensor({B, C, S, S});
    check_rows_alone(cell, images(), {one}, counted_by(options.lengths), options, 0);
    check_rows_alone(stack, images(), {one, one}, counted_by(options.lengths), options, 0);
    check_rows_alone(both, images(), {one, one}, counted_by(options.lengths), options, 0);
}
