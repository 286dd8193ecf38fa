#include <tests/fuzz/check.hpp>
#include <tests/fuzz/finding.hpp>
#include <tests/fuzz/run.hpp>

#include <autograd/derivatives.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tapeloop::fuzz {
namespace {

constexpr double tolerance = 1e-5;

/// Over five points, so exact up to terms of h^4.
double quotient(const std::function<double(double)>& f, double h) {
    return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h);
}
/// By how much the slopes on both sides differ, which vanishes like h^3 where f is smooth: a curvature, which
/// may be larger than a kink, does not count.
double bend(const std::function<double(double)>& f, double h) {
    return std::abs(f(2 * h) + f(-2 * h) - 4 * (f(h) + f(-h)) + 6 * f(0)) / (2 * h);
}

double sum_of_sizes(const Tensors& a, const Tensors& b) {
    double total = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
        for (std::size_t i = 0; i < a[k].size(); ++i) total += std::abs(a[k].data()[i] * b[k].data()[i]);
    return total;
}

/// Whether the roots depend on an operation that has kinks or steps.
bool may_have_kinks(const Program& program) {
    std::vector<bool> matters(program.value_count(), false);
    for (const ProgramRoot& root : program.roots) matters[root.value] = true;
    bool found = false;
    for (auto line = program.lines.rbegin(); line != program.lines.rend(); ++line) {
        bool is_used = false;
        for (std::size_t k = 0; k < line->results; ++k) is_used |= matters[line->first_result + k];
        if (!is_used || line->leaf || line->is_constant()) continue;
        found |= !line->call.promise.is_smooth;
        for (Id id : line->call.arguments) matters[id] = true;
    }
    return found;
}

/// The values of lines that pass no cotangent, for these leaves. Where there may be kinks a little beside
/// them, for what is detached is equal to where it comes from, a tie wherever the leaves are.
Tensors constants(const Program& program, const Tensors& leaves) {
    Tensors values = Run<double>(program, leaves).values();
    if (!may_have_kinks(program)) return values;
    test::Random random(values.size());
    for (Tensor<double>& value : values)
        for (double& x : value) x += random.uniform(-0.05, 0.05);
    return values;
}

/// A program around its leaves, along random directions.
class Surroundings {
  public:
    Surroundings(const Program& program, Tensors leaves)
        : program_(program),
          leaves_(std::move(leaves)),
          frozen_(constants(program, leaves_)),
          base_(program, leaves_, {}, may_have_kinks(program) ? &frozen_ : nullptr) {
        test::Random random(leaves_.size() + program.lines.size());
        for (const Line& line : program.lines) {
            if (!line.leaf) continue;
            const bool is_asked_for =
                line.leaf->kind == LeafKind::input || line.leaf->kind == LeafKind::parameter;
            const Shape shape = shape_of(line.leaf->value);
            directions_.push_back(is_asked_for ? random.tensor(shape) : test::filled(shape, 0));
            if (!is_asked_for) continue;
            asked_directions_.push_back(directions_.back());
            projections_.push_back(random.tensor(shape));
        }
    }

    Run<double>& base() { return base_; }
    const Tensors& directions() const { return asked_directions_; }
    const Tensors& projections() const { return projections_; }

    double loss(double distance) const {
        const Run<double> run(program_, moved(distance), {}, &frozen_);
        double total = 0;
        for (const ProgramRoot& root : program_.roots)
            total += test::inner({run.value(root.value)}, {root.cotangent});
        return total;
    }
    /// Of the gradient.
    double projection(double distance) const {
        Run<double> run(program_, moved(distance), {}, &frozen_);
        const Gradients<double> all = gradient(run.loss(program_.roots), run.wrt());
        return test::inner({all.begin(), all.end()}, projections_);
    }

  private:
    Tensors moved(double distance) const { return test::moved(leaves_, directions_, distance); }

    const Program& program_;
    Tensors leaves_;
    Tensors frozen_;
    Run<double> base_;
    Tensors directions_;
    Tensors asked_directions_;
    Tensors projections_;
};

void check_against_differences(const std::function<double(double)>& f, const Tensors& gradients,
                               const Tensors& directions, const std::string& what, Counts& counts) {
    const double derivative = test::inner(gradients, directions);
    const double scale = sum_of_sizes(gradients, directions);
    const Slope slope = slope_at_zero(f, scale);
    switch (slope.kind) {
        case Slope::Kind::not_finite:
            return counts.add(what + " not checked: not finite");
        case Slope::Kind::kink:
            return counts.add(what + " not checked: at a kink");
        case Slope::Kind::rough:
            return counts.add(what + " not checked: differences do not settle");
        default:
            break;
    }
    if (std::abs(derivative - slope.value) > tolerance * (scale + 1) + 10 * slope.error)
        throw Finding(fmt::format("{} is {} along a direction, and by differences {} (within {})", what,
                                  derivative, slope.value, slope.error));
    counts.add(what + " checked");
}

void require_near(const auto& actual, const Tensors& expected, const std::string& what) {
    double largest = 1e-3;
    for (const Tensor<double>& one : expected)
        for (double x : one) largest = std::max(largest, std::abs(x));
    std::size_t i = 0;
    for (const Tensor<double>& one : actual) {
        const std::string problem = test::difference(one, expected[i], 1e-9, largest);
        if (!problem.empty()) throw Finding(fmt::format("{} {}: {}", what, i, problem));
        ++i;
    }
}

}  // namespace

Slope slope_at_zero(const std::function<double(double)>& f, double scale) {
    constexpr double h = 1e-3;
    const double coarse = quotient(f, h);
    const double fine = quotient(f, h / 4);
    if (!std::isfinite(coarse) || !std::isfinite(fine)) return {Slope::Kind::not_finite};
    const double bend_of_coarse = bend(f, h);
    const double bend_of_fine = bend(f, h / 4);
    if (bend_of_fine > 0.5 * bend_of_coarse && bend_of_fine > tolerance * (scale + 1))
        return {Slope::Kind::kink};
    const double error = std::abs(coarse - fine);
    // Not beside `scale`: where f turns many times within h, all gradients are large, and slopes are not.
    if (error > 10 * tolerance * (std::abs(fine) + 1)) return {Slope::Kind::rough};
    return {Slope::Kind::found, fine, error};
}

namespace {

/// Integers and equal numbers lie on kinks, some of which differences do not see: they cancel, or only the
/// second order has them. What is a little beside them does not.
Tensors off_kinks(const Program& program) {
    Tensors leaves = program.leaves();
    if (!may_have_kinks(program)) return leaves;
    test::Random random(program.lines.size());
    for (Tensor<double>& leaf : leaves)
        for (double& x : leaf) x += random.uniform(-0.05, 0.05);
    return leaves;
}

}  // namespace

void check_recorded(const Program& program, Counts& counts) {
    Run<double> run(program, program.leaves());
    const Var<double> loss = run.loss(program.roots);
    const Gradients<double> direct = gradient(loss, run.wrt());
    Tensors recorded;
    for (const Var<double>& one : gradient_graph(loss, run.wrt())) recorded.push_back(one.value());
    const Tensors gradients(direct.begin(), direct.end());
    if (!is_finite(gradients)) return counts.add("recorded gradient not checked: not finite");
    require_near(recorded, gradients, "the recorded gradient");
    counts.add("recorded gradient checked");
}

void check_derivatives(const Program& program, Counts& counts) {
    Surroundings around(program, off_kinks(program));
    Run<double>& base = around.base();
    if (base.wrt().empty()) return counts.add("gradient not checked: nothing to differentiate by");
    const Var<double> loss = base.loss(program.roots);
    const Gradients<double> direct = gradient(loss, base.wrt());
    const GradientGraph<double> recorded = gradient_graph(loss, base.wrt());
    const Tensors gradients(direct.begin(), direct.end());
    if (!is_finite(gradients)) return counts.add("gradient not checked: not finite");
    check_against_differences([&](double distance) { return around.loss(distance); }, gradients,
                              around.directions(), "gradient", counts);

    Var<double> projection = input(Operand<double>(0));
    for (std::size_t k = 0; k < recorded.size(); ++k)
        projection += sum(multiply(recorded.at(k), around.projections()[k]));
    const Gradients<double> second = gradient(projection, base.wrt());
    const Tensors second_gradients(second.begin(), second.end());
    if (!is_finite(second_gradients)) return counts.add("second order not checked: not finite");
    const Gradients<double> product = hessian_vector_product(loss, base.wrt(), around.projections());
    require_near(product, second_gradients, "hessian_vector_product");
    check_against_differences([&](double distance) { return around.projection(distance); }, second_gradients,
                              around.directions(), "second order", counts);
}

}  // namespace tapeloop::fuzz
