#include <tests/autograd/random_program.hpp>

#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

namespace tapeloop::test {
namespace {

const Shape& shape = program_shape;

/// One operation that makes [4, 6] of one or two of the values so far.
Var<double> random_step(Random& random, const Values& values) {
    const Var<double> x = values[random.below(values.size())];
    const Var<double> y = values[random.below(values.size())];
    switch (random.below(17)) {
        case 0:
            return x + y;
        case 1:
            return x - y;
        case 2:
            return sin(x) * y;
        case 3:
            return -x;
        case 4:
            return reshape(reshape(x, {2, 12}), shape);
        case 5:
            return reshape(transpose(x), shape);
        case 6:
            return flip(x, static_cast<int>(random.below(2)));
        case 7:
            return concatenate({slice(x, 0, 1, 4), slice(y, 0, 0, 1)}, 0);
        case 8:
            return concatenate({columns(x, 1, 2), columns(y, 0, 2)}, 1);
        case 9: {
            const Values rows = unstack(x);
            return stack({rows[3], rows[0], rows[3], unstack(y)[1]});
        }
        case 10:
            return gather_rows(x, {2, 2, 0, 3});
        case 11:
            return x + sum(y, 0) + mean(x, 1, true);
        case 12: {
            const auto [p, q] = map([](auto a, auto b) { return std::tuple{tanh(a) * b, a + b}; }, x, y);
            return random.below(2) == 0 ? p : q;
        }
        case 13:
            return squeeze(expand_dims(x, 1), 1);
        case 14:
            return slice(slice(pad(x, {{1, 0}, {0, 2}}), 1, 2, 8), 0, 1, 5);
        case 15:
            return broadcast_to(slice(x, 0, 2, 3), shape) * 0.5;
        default:
            return matmul(x, matmul(y, x, {true, false})) * 0.1;
    }
}

}  // namespace

Values random_program(std::uint64_t seed, const Tensors& leaves) {
    Random random(seed);
    Values values;
    for (const Tensor<double>& leaf : leaves) values.push_back(input(leaf));
    for (int i = 0; i < 14; ++i) {
        const Var<double> bounded = tanh(random_step(random, values));
        values.push_back(bounded + 0.1 * random_step(random, values));
    }
    for (int i = 0; i < 8; ++i) values.push_back(random_step(random, values));
    return values;
}

std::vector<GradientRoot<double>> random_roots(Random& random, const Values& values) {
    std::vector<GradientRoot<double>> roots;
    for (int i = 0; i < 4; ++i)
        roots.push_back({values[values.size() - 1 - random.below(8)], random.tensor(shape)});
    return roots;
}

}  // namespace tapeloop::test
