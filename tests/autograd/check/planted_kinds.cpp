#include <tests/autograd/check/planted.hpp>
#include <tests/expect.hpp>
#include <tests/numeric.hpp>

#include <fmt/format.h>
#include <autograd/autograd.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::test {
namespace {

using D = Var<double>;
using Check = std::function<GradientReport(const CheckOptions&)>;

Array<double> beside(const Array<double>&, const Tensor<double>& elements) { return Array<double>(elements); }
const Tensor<double>& beside(const Var<double>&, const Tensor<double>& elements) { return elements; }

/// The elements alone: for rules that look at them.
Tensor<double> elements_of(const Array<double>& x) { return x.tensor(); }
Tensor<double> elements_of(const Var<double>& x) { return x.value(); }

/// tanh(x), whose rule is `falsify` of the right one.
template <class Falsify>
auto tanh_of(Falsify falsify) {
    return custom(
        "my_tanh", [](const auto& x) { return tanh(x); },
        [falsify](const auto& g, const auto& y, const auto& x) {
            return falsify(g, g * (1 - square(y)), x);
        });
}

/// The same mistake in a check of f itself, and in one of a loss.
void add_both(std::vector<Planted>& all, const std::string& mistake, Diagnosis expected, Check alone,
              Check in_loss) {
    all.push_back({mistake, expected, std::move(alone)});
    all.push_back({mistake + ", within a loss", expected, std::move(in_loss)});
}

template <class F>
void add(std::vector<Planted>& all, const std::string& mistake, Diagnosis expected, F f, Shape shape) {
    const auto with = [shape](const auto& function, const CheckOptions& options) {
        return check_gradient(function, {{"x", Random(11).tensor(shape)}}, options);
    };
    add_both(
        all, mistake, expected, [f, with](const CheckOptions& options) { return with(f, options); },
        [f, with](const CheckOptions& options) {
            return with([f](const D& x) { return sum(sin(3 * f(1.5 * x))); }, options);
        });
}

template <class F>
void add(std::vector<Planted>& all, const std::string& mistake, Diagnosis expected, F f, Shape first,
         Shape second) {
    const auto with = [first, second](const auto& function, const CheckOptions& options) {
        return check_gradient(function, {{"x", Random(11).tensor(first)}, {"w", Random(12).tensor(second)}},
                              options);
    };
    add_both(
        all, mistake, expected, [f, with](const CheckOptions& options) { return with(f, options); },
        [f, with](const CheckOptions& options) {
            return with([f](const D& x, const D& w) { return sum(sin(f(2 * x, 3 * w)) * 1.5); }, options);
        });
}

/// A factor where the argument is in some place.
auto scaled_where(std::function<bool(double)> is_there, double factor) {
    return tanh_of([is_there, factor](const auto&, const auto& right, const auto& x) {
        return right *
               beside(right, each(elements_of(x), [&](double e) { return is_there(e) ? factor : 1; }));
    });
}

void add_axes(std::vector<Planted>& all) {
    add(all, "a bias summed over the wrong axis of a square", Diagnosis::wrong_axis,
        custom(
            "my_sum", [](const auto& x, const auto& b) { return x + b; },
            [](const auto& g, const auto&, const auto&, const auto&) { return g; },
            [](const auto& g, const auto&, const auto&, const auto&) { return sum(g, 1); }),
        {4, 4}, {4});
    add(all, "a scale summed over the wrong axis of a square", Diagnosis::wrong_axis,
        custom(
            "my_scale", [](const auto& x, const auto& w) { return x * w; },
            [](const auto& g, const auto&, const auto&, const auto& w) { return g * w; },
            [](const auto& g, const auto&, const auto& x, const auto&) { return sum(g * x, 1); }),
        {4, 4}, {4});
    add(all, "a sum's cotangent repeated along the wrong axis", Diagnosis::wrong_axis,
        custom(
            "my_total", [](const auto& x) { return sum(x, 0); },
            [](const auto& g, const auto&, const auto& x) {
                return reshape(g, {4, 1}) + 0 * x;
            }),
        {4, 4});
    add(all, "parts of a concatenation exchanged", Diagnosis::exchanged,
        custom(
            "my_concat",
            [](const auto& a, const auto& b) {
                return pad(a, {{0, 0}, {0, 3}}) + pad(b, {{0, 0}, {3, 0}});
            },
            [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 1, 3, 6); },
            [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 1, 0, 3); }),
        {4, 3}, {4, 3});
    add(all, "parts of a concatenation at the wrong places", Diagnosis::exchanged,
        custom(
            "my_concat",
            [](const auto& a, const auto& b) {
                return pad(a, {{0, 0}, {0, 3}}) + pad(b, {{0, 0}, {2, 0}});
            },
            [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 1, 3, 5); },
            [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 1, 0, 3); }),
        {4, 2}, {4, 3});
    add(all, "a shift forgotten", Diagnosis::order,
        custom(
            "my_shift",
            [](const auto& x) {
                return pad(slice(x, 0, 0, 4), {{1, 0}, {0, 0}});
            },
            [](const auto& g, const auto&, const auto&) { return g; }),
        {5, 3});
}

void add_regions(std::vector<Planted>& all) {
    add(all, "wrong where the argument is negative", Diagnosis::region,
        scaled_where([](double x) { return x < 0; }, 0.5), {4, 5});
    add(all, "wrong where the argument is positive", Diagnosis::region,
        scaled_where([](double x) { return x > 0; }, 2), {4, 5});
    add(all, "wrong where the argument is large", Diagnosis::region,
        scaled_where([](double x) { return std::abs(x) > 0.7; }, 1.01), {5, 5});
    add(all, "wrong where the argument is small", Diagnosis::region,
        scaled_where([](double x) { return std::abs(x) < 0.3; }, 3), {5, 5});
    add(all, "nothing where the argument is negative", Diagnosis::region,
        scaled_where([](double x) { return x < 0; }, 0), {4, 5});
}

void add_rules(std::vector<Planted>& all) {
    add(all, "a rule with the square of the cotangent", Diagnosis::not_linear,
        tanh_of([](const auto& g, const auto& right, const auto&) { return right * g; }), {3, 4});
    add(all, "a rule with the cotangent's size", Diagnosis::not_linear,
        tanh_of([](const auto& g, const auto& right, const auto&) {
            return right * beside(g, each(elements_of(g), [](double e) { return e < 0 ? -1 : 1; }));
        }),
        {3, 4});
    add(all, "a rule that clips the cotangent", Diagnosis::not_linear,
        tanh_of([](const auto& g, const auto& right, const auto&) {
            return right * beside(g, each(elements_of(g), [](double e) {
                                      return std::min(1.0, 0.6 / std::max(std::abs(e), 1e-9));
                                  }));
        }),
        {3, 4});
    const auto by_size = [](std::function<double(double)> factor) {
        return tanh_of([factor](const auto& g, const auto& right, const auto&) {
            return right * beside(g, each(elements_of(g), [&](double e) { return factor(std::abs(e)); }));
        });
    };
    add(all, "a rule that clips cotangents beyond those of the check", Diagnosis::not_linear,
        by_size([](double size) { return std::min(1.0, 40 / std::max(size, 1e-9)); }), {3, 4});
    add(all, "a rule that leaves small cotangents out", Diagnosis::not_linear,
        by_size([](double size) { return size < 1e-3 ? 0 : 1; }), {3, 4});
    static Random draws(3);
    add(all, "a rule that draws", Diagnosis::rule_changes,
        tanh_of([](const auto& g, const auto& right, const auto&) {
            return right * beside(g, draws.tensor({3, 4}));
        }),
        {3, 4});
    static double calls = 0;
    add(all, "a rule that counts", Diagnosis::rule_changes,
        tanh_of([](const auto&, const auto& right, const auto&) { return right * (1 + 0.1 * ++calls); }),
        {3, 4});
}

void add_elements(std::vector<Planted>& all) {
    for (const std::size_t wrong : {std::size_t(0), std::size_t(13), std::size_t(29)})
        add(all, "a single element", Diagnosis::elements,
            tanh_of([wrong](const auto&, const auto& right, const auto&) {
                return right * beside(right, generate({5, 6}, [wrong](const Position& p) {
                                          return p[0] * 6 + p[1] == wrong ? 2.0 : 1.0;
                                      }));
            }),
            {5, 6});
    for (const double by : {1e-3, 1e-4, 3e-5, 1e-5, 4e-6})
        add(all, fmt::format("a slope that is wrong by {}", by), Diagnosis::factor,
            tanh_of([by](const auto&, const auto& right, const auto&) { return right * (1 + by); }), {3, 4});
}

}  // namespace

std::vector<Planted> planted_kinds() {
    std::vector<Planted> all;
    add_axes(all);
    add_regions(all);
    add_rules(all);
    add_elements(all);
    return all;
}

}  // namespace tapeloop::test
