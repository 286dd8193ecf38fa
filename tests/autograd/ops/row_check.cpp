#include <tests/autograd/ops/row_check.hpp>

#include <autograd/tape.hpp>

namespace tapeloop::test {
namespace {

Tensor<double> drawn(Random& random, const Domain& domain, const Shape& shape) {
    Tensor<double> x = random.tensor(shape, domain.low, domain.high);
    if (domain.is_flag)
        for (double& element : x) element = element > (domain.low + domain.high) / 2 ? 1 : 0;
    return x;
}

/// A row at a random point: its flags, and the arguments to differentiate by.
struct Point {
    const Row& row;
    Tensors flags;
    std::vector<CheckInput<double>> inputs = {};

    Point(const Row& of_row, const std::vector<Shape>& shapes, std::uint64_t seed)
        : row(of_row), flags(shapes.size()) {
        Random random(seed);
        for (std::size_t k = 0; k < shapes.size(); ++k) {
            const Tensor<double> x = drawn(random, row.domains[k], shapes[k]);
            if (row.domains[k].is_flag)
                flags[k] = x;
            else
                inputs.emplace_back("argument " + std::to_string(k), x);
        }
    }
    Vars<double> call(const Vars<double>& given) const {
        Vars<double> x;
        std::size_t next = 0;
        for (std::size_t k = 0; k < flags.size(); ++k)
            x.push_back(row.domains[k].is_flag ? input(flags[k]) : given[next++]);
        return row.call(x);
    }
};

}  // namespace

GradientReport check_row(const Row& row, const std::vector<Shape>& shapes, const CheckOptions& options) {
    const Point point(row, shapes, options.seed.value_or(1));
    return check_gradient([&](const Vars<double>& given) { return point.call(given); }, point.inputs,
                          options);
}

Tensors gradients_of_row(const Row& row, const std::vector<Shape>& shapes, std::uint64_t seed) {
    const Point point(row, shapes, seed);
    const Tape<double> tape;
    Vars<double> given;
    std::vector<Wrt<double>> wrt;
    for (const CheckInput<double>& one : point.inputs) {
        given.push_back(input(one.value));
        wrt.emplace_back(given.back());
    }
    Random random(seed + 1);
    std::vector<GradientRoot<double>> roots;
    for (const Var<double>& result : point.call(given))
        roots.push_back({result, random.tensor(result.shape(), 0.5, 1.5)});
    const Gradients<double> gradients = gradient(roots, wrt);
    return {gradients.begin(), gradients.end()};
}

}  // namespace tapeloop::test
