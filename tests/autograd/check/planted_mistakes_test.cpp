#include <tests/autograd/check/planted.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

#include <fmt/format.h>

// Mistakes that people make in rules and in functions, one row each: the check must fail, and its report name
// the class, and the operation where there is one.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// An elementwise function of one argument with a rule of the row's own.
template <class Rule>
auto tanh_with(Rule rule) {
    return custom(
        "my_tanh", [](const auto& x) { return tanh(x); }, rule);
}

/// x W with rules of the row's own.
template <class RuleX, class RuleW>
auto product_with(RuleX rule_x, RuleW rule_w) {
    return custom(
        "my_product", [](const auto& x, const auto& W) { return matmul(x, W); }, rule_x, rule_w);
}

/// x + b with a rule of the row's own for b.
template <class RuleB>
auto sum_with(RuleB rule_b) {
    return custom(
        "my_sum", [](const auto& x, const auto& b) { return x + b; },
        [](const auto& g, const auto&, const auto&, const auto&) { return g; }, rule_b);
}

const auto right_x = [](const auto& g, const auto&, const auto&, const auto& W) {
    return matmul(g, W, {false, true});
};
const auto right_W = [](const auto& g, const auto&, const auto& x, const auto&) {
    return matmul(x, g, {true, false});
};

/// 1 where `keep` says so of the slice along the first axis.
Tensor<double> mask(const Shape& shape, const std::function<bool(std::size_t)>& keep) {
    return generate(shape, [&](const Position& position) { return keep(position[0]) ? 1.0 : 0.0; });
}

/// Elements beside a rule's argument, be that an array or a Var.
Array<double> beside(const Array<double>&, const Tensor<double>& elements) { return Array<double>(elements); }
const Tensor<double>& beside(const Var<double>&, const Tensor<double>& elements) { return elements; }

/// detach, of arrays too.
Array<double> constant(const Array<double>& x) { return x; }
Var<double> constant(const Var<double>& x) { return detach(x); }

Random& numbers() {
    static Random random("planted mistakes");
    return random;
}

const InputInfo sequence{{"time", "batch", "feature"}, {}};

/// A check of y = f(x) for a sequence x [5, 2, 3].
template <class F>
std::function<GradientReport(const CheckOptions&)> of_sequence(F f) {
    return [f](CheckOptions options) {
        options.result = sequence;
        return check_gradient(f, {{"x", numbers().tensor({5, 2, 3}), sequence}}, options);
    };
}

template <class F>
std::function<GradientReport(const CheckOptions&)> of_matrix(F f, Shape shape = {3, 4}) {
    return [f, shape](const CheckOptions& options) {
        return check_gradient(f, {{"x", numbers().tensor(shape), {{"batch", "feature"}, {}}}}, options);
    };
}

template <class F>
std::function<GradientReport(const CheckOptions&)> of_product(F f, Shape x = {3, 3}, Shape W = {3, 3}) {
    return [f, x, W](const CheckOptions& options) {
        return check_gradient(f, {{"x", numbers().tensor(x)}, {"W", numbers().tensor(W)}}, options);
    };
}

/// Four gates [2, 8], with a rule that falsifies the cotangent of the right one.
template <class Falsify>
std::function<GradientReport(const CheckOptions&)> of_gates(Falsify falsify) {
    const auto gated = custom(
        "my_gates", [](const auto& a) { return sigmoid(a) * a; },
        [falsify](const auto& g, const auto&, const auto& a) {
            return falsify(g * (sigmoid(a) + a * sigmoid(a) * (1 - sigmoid(a))));
        });
    return [gated](const CheckOptions& options) {
        return check_gradient(gated,
                              {{"a",
                                numbers().tensor({2, 8}),
                                {{"batch", "gates"}, {"input", "forget", "candidate", "output"}}}},
                              options);
    };
}

/// A factor for each column of [2, 8].
Tensor<double> by_column(std::vector<double> factors) {
    return generate({2, 8}, [&](const Position& position) { return factors[position[1]]; });
}

std::vector<Planted> mistakes_of_size() {
    return {
        {"the sign of tanh's slope",
         Diagnosis::sign,
         of_matrix(tanh_with([](const auto& g, const auto& y, const auto&) { return g * (square(y) - 1); })),
         {"my_tanh", "argument 0"}},
        {"the sign, behind a second path that is right",
         Diagnosis::sign,
         of_matrix([](const auto& x) {
             const auto bent =
                 tanh_with([](const auto& g, const auto& y, const auto&) { return g * (square(y) - 1); });
             return sum(square(x) + 3 * bent(sin(x)));
         }),
         {"my_tanh", "argument 0"}},
        {"2 of x squared forgotten",
         Diagnosis::factor,
         of_matrix(custom(
             "my_square", [](const auto& x) { return x * x; },
             [](const auto& g, const auto&, const auto& x) { return g * x; })),
         {"0.5 times", "my_square"}},
        {"a half of x squared forgotten",
         Diagnosis::factor,
         of_matrix(custom(
             "my_half", [](const auto& x) { return 0.5 * x * x; },
             [](const auto& g, const auto&, const auto& x) { return 2 * g * x; })),
         {"2 times", "my_half"}},
        {"a mean over the batch that is not divided",
         Diagnosis::factor,
         of_matrix(custom(
             "my_mean", [](const auto& x) { return sum(x, 0) / 3.0; },
             [](const auto& g, const auto&, const auto&) { return g; })),
         {"3 times", "the batch size (3)", "my_mean"}},
        {"a mean that is divided twice",
         Diagnosis::factor,
         of_matrix(custom(
             "my_mean", [](const auto& x) { return sum(x, 0) / 3.0; },
             [](const auto& g, const auto&, const auto&) { return g / 9; })),
         {"1 / the batch size (3)"}},
        {"a mean over time that is not divided",
         Diagnosis::factor,
         of_sequence([](const auto& x) {
             const auto my_mean = custom(
                 "my_mean", [](const auto& v) { return sum(v, 0) / 5.0; },
                 [](const auto& g, const auto&, const auto&) { return g; });
             return sum(square(my_mean(x)));
         }),
         {"5 times", "the number of time steps (5)"}},
        {"a broadcast that is summed twice",
         Diagnosis::factor,
         of_product(
             sum_with([](const auto& g, const auto&, const auto&, const auto&) { return 3 * sum(g, 0); }),
             {3, 4}, {4}),
         {"W: factor", "the extent of axis 0 of `x` (3)"}},
        {"a slope that is wrong by 1e-5",
         Diagnosis::factor,
         of_matrix(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return g * (1 - square(y)) * (1 + 1e-5); })),
         {"1.00001 times"}},
    };
}

std::vector<Planted> mistakes_of_products() {
    return {
        {"the transposed gradient of W",
         Diagnosis::transposed,
         of_product(product_with(right_x,
                                 [](const auto& g, const auto&, const auto& x, const auto&) {
                                     return matmul(g, x, {true, false});
                                 })),
         {"W: transposed", "my_product", "argument 1"}},
        {"W not transposed in the gradient of x",
         Diagnosis::transposed,
         of_product(product_with(
             [](const auto& g, const auto&, const auto&, const auto& W) { return matmul(g, W); }, right_W)),
         {"x: transposed", "argument 0"}},
        {"x not transposed in the gradient of W",
         Diagnosis::transposed,
         of_product(product_with(
             right_x, [](const auto& g, const auto&, const auto& x, const auto&) { return matmul(x, g); })),
         {"W: transposed", "argument 1"}},
        {"W not transposed, seen through a loss",
         Diagnosis::transposed,
         of_product([](const auto& x, const auto& W) {
             const auto product = product_with(
                 [](const auto& g, const auto&, const auto&, const auto& w) { return matmul(g, w); },
                 right_W);
             return mean(square(tanh(product(x, W)) + x));
         }),
         {"x: transposed", "my_product", "argument 0"}},
        {"x not transposed, in a batch of products",
         Diagnosis::transposed,
         of_product(product_with(right_x, [](const auto& g, const auto&, const auto& x,
                                             const auto&) { return matmul(x, g); }),
                    {2, 3, 3}, {3, 3}),
         {"W: transposed", "argument 1"}},
        {"the rules of a product exchanged",
         Diagnosis::exchanged,
         of_product(custom(
             "my_multiply", [](const auto& a, const auto& b) { return a * b; },
             [](const auto& g, const auto&, const auto& a, const auto&) { return g * a; },
             [](const auto& g, const auto&, const auto&, const auto& b) { return g * b; })),
         {"that by `W`", "that by `x`"}},
    };
}

std::vector<Planted> mistakes_of_broadcasts() {
    return {
        {"the first row instead of the sum",
         Diagnosis::axis_not_summed,
         of_product(
             sum_with([](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 0, 0, 1); }),
             {3, 4}, {4}),
         {"W: axis not summed", "slice 0", "axis 0"}},
        {"the last row instead of the sum, in a loss",
         Diagnosis::axis_not_summed,
         of_product(
             [](const auto& x, const auto& W) {
                 const auto plus = sum_with(
                     [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 0, 2, 3); });
                 return sum(square(plus(x, W)));
             },
             {3, 4}, {4}),
         {"W: axis not summed", "slice 2", "my_sum", "argument 1"}},
        {"a sum over the batch, which the input has",
         Diagnosis::axis_summed,
         of_matrix(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return sum(g * (1 - square(y)), 0, true); })),
         {"summed", "axis 0 (batch)"}},
        {"a mean over the features, which the input has",
         Diagnosis::axis_summed,
         of_matrix(tanh_with([](const auto& g, const auto& y, const auto&) {
             return sum(g * (1 - square(y)), 1, true) / 4.0;
         })),
         {"averaged", "axis 1 (feature)"}},
        {"one column without its slope",
         Diagnosis::part,
         of_matrix(tanh_with([](const auto& g, const auto& y, const auto&) {
             return g * (1 - square(y) * beside(y, generate({3, 4}, [](const Position& p) {
                                                    return p[1] == 2 ? 0 : 1;
                                                })));
         })),
         {"slice 2 along axis 1 (feature)"}},
    };
}

/// w [3], used at every time step of x [5, 2, 3]; `keep` says which steps its rule sums over.
std::function<GradientReport(const CheckOptions&)> of_weight(std::function<bool(std::size_t)> keep) {
    const auto scaled = custom(
        "my_scale", [](const auto& x, const auto& w) { return x * w; },
        [](const auto& g, const auto&, const auto&, const auto& w) { return g * w; },
        [keep](const auto& g, const auto&, const auto& x, const auto&) {
            return g * x * beside(x, mask({5, 2, 3}, keep));
        });
    return [scaled](CheckOptions options) {
        options.result = sequence;
        return check_gradient(
            scaled, {{"x", numbers().tensor({5, 2, 3}), sequence}, {"w", numbers().tensor({3})}}, options);
    };
}

std::vector<Planted> mistakes_of_time() {
    const auto with_mask = [](std::function<bool(std::size_t)> keep) {
        return of_sequence(tanh_with([keep](const auto& g, const auto& y, const auto&) {
            return g * (1 - square(y)) * beside(y, mask({5, 2, 3}, keep));
        }));
    };
    return {
        {"one time step left out",
         Diagnosis::time_step_missing,
         with_mask([](auto t) { return t != 2; }),
         {"time step 2"}},
        {"one time step of a weight left out",
         Diagnosis::time_step_missing,
         of_weight([](auto t) { return t != 3; }),
         {"w: ", "time step 3"}},
        {"a weight's sum that starts late",
         Diagnosis::time_step_missing,
         of_weight([](auto t) { return t >= 2; }),
         {"time steps 0 and 1"}},
        {"a weight's sum that keeps the first step alone",
         Diagnosis::first_step_only,
         of_weight([](auto t) { return t == 0; }),
         {"time step 0"}},
        {"a weight's sum that keeps the last step alone",
         Diagnosis::last_step_only,
         of_weight([](auto t) { return t == 4; }),
         {"time step 4"}},
        {"slopes that are right at the first step alone",
         Diagnosis::first_step_only,
         of_sequence(tanh_with([](const auto& g, const auto& y, const auto&) {
             return g * (1 - square(y) * beside(y, mask({5, 2, 3}, [](auto t) { return t == 0; })));
         })),
         {"only the first time step is right"}},
        {"slopes that are right at the last step alone",
         Diagnosis::last_step_only,
         of_sequence(tanh_with([](const auto& g, const auto& y, const auto&) {
             return g * (1 - square(y) * beside(y, mask({5, 2, 3}, [](auto t) { return t == 4; })));
         })),
         {"only the last time step is right"}},
        {"slopes that are wrong at two steps",
         Diagnosis::time_step,
         of_sequence(tanh_with([](const auto& g, const auto& y, const auto&) {
             return g * (1 - square(y) * beside(y, mask({5, 2, 3}, [](auto t) { return t != 1 && t != 3; })));
         })),
         {"time steps 1 and 3"}},
        {"the time steps backwards",
         Diagnosis::time_order,
         of_sequence(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return flip(g * (1 - square(y)), 0); })),
         {"reverse order"}},
        {"the cotangents backwards",
         Diagnosis::time_order,
         of_sequence(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return flip(g, 0) * (1 - square(y)); })),
         {"cotangent", "reverse order"}},
        {"the cotangent of the step behind",
         Diagnosis::time_order,
         of_sequence(tanh_with([](const auto& g, const auto& y, const auto&) {
             return pad(slice(g, 0, 1, 5), {{0, 1}, {0, 0}, {0, 0}}) * (1 - square(y));
         })),
         {"the one behind"}},
        {"the gradient late by a step",
         Diagnosis::time_order,
         of_sequence(tanh_with([](const auto& g, const auto& y, const auto&) {
             return pad(slice(g * (1 - square(y)), 0, 0, 4), {{1, 0}, {0, 0}, {0, 0}});
         })),
         {"late by one"}},
        {"one step of a loop with a wrong operation",
         Diagnosis::sign,
         of_sequence([](const auto& x) {
             const auto bent =
                 tanh_with([](const auto& g, const auto& y, const auto&) { return g * (square(y) - 1); });
             const auto steps = unstack(x);
             auto h = 0 * steps[0];
             for (std::size_t t = 0; t < steps.size(); ++t) {
                 const LabelScope<double> label(t);
                 h = t == 3 ? bent(steps[t] + h) : tanh(steps[t] + h);
             }
             return sum(square(h));
         }),
         {"my_tanh", "t=3"}},
    };
}

std::vector<Planted> mistakes_of_gates() {
    return {
        {"the sign of one gate",
         Diagnosis::gate,
         of_gates([](const auto& g) {
             return g * beside(g, by_column({1, 1, -1, -1, 1, 1, 1, 1}));
         }),
         {"`forget`", "the sign is wrong"}},
        {"nothing for one gate",
         Diagnosis::gate,
         of_gates([](const auto& g) {
             return g * beside(g, by_column({1, 1, 1, 1, 1, 1, 0, 0}));
         }),
         {"`output`", "nothing arrives"}},
        {"a factor for one gate",
         Diagnosis::gate,
         of_gates([](const auto& g) {
             return g * beside(g, by_column({3, 3, 1, 1, 1, 1, 1, 1}));
         }),
         {"`input`", "3 times"}},
        {"two gates exchanged",
         Diagnosis::gate,
         of_gates([](const auto& g) {
             const auto gate = [&](std::size_t k) {
                 return pad(columns(g, k, 4), {{0, 0},
                                               {2 * (k == 1   ? 2
                                                     : k == 2 ? 1
                                                              : k),
                                                6 - 2 * (k == 1   ? 2
                                                         : k == 2 ? 1
                                                                  : k)}});
             };
             return gate(0) + gate(1) + gate(2) + gate(3);
         }),
         {"`forget` has the gradient of `candidate`", "`candidate` has the gradient of `forget`"}},
    };
}

std::vector<Planted> other_mistakes() {
    return {
        {"a value detached on the way",
         Diagnosis::no_gradient,
         of_matrix([](const auto& x) { return tanh(detach(2 * x)); }),
         {"detach"}},
        {"a value read outside the recording",
         Diagnosis::no_gradient,
         of_matrix([](const auto& x) { return input(x.value()) * 2; }),
         {"outside the recording"}},
        {"a part read outside the recording",
         Diagnosis::factor,
         of_matrix([](const auto& x) { return x * x.value(); }, {2, 2}),
         {"outside the recording"}},
        {"a rule that drops a term",
         Diagnosis::unexplained,
         of_matrix(custom(
             "wave", [](const auto& x) { return x * sin(x); },
             [](const auto& g, const auto&, const auto& x) { return g * x * cos(x); })),
         {"the rule of wave for its argument 0"}},
        {"a slope that takes x for y",
         Diagnosis::unexplained,
         of_matrix(tanh_with([](const auto& g, const auto&, const auto& x) { return g * (1 - square(x)); })),
         {"my_tanh"}},
        {"a gradient that nobody is owed",
         Diagnosis::unasked_gradient,
         of_product(custom(
             "first", [](const auto& a, const auto&) { return 1 * a; },
             [](const auto& g, const auto&, const auto&, const auto&) { return g; },
             [](const auto& g, const auto&, const auto&, const auto&) { return g; })),
         {"W: unasked gradient"}},
        {"a rule without the cotangent",
         Diagnosis::cotangent_ignored,
         of_matrix(
             tanh_with([](const auto& g, const auto& y, const auto&) { return 1 - square(y) + 0 * g; })),
         {"ones"}},
        {"a rule with the cotangent's mean",
         Diagnosis::cotangent_ignored,
         of_matrix(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return sum(g) / 12.0 * (1 - square(y)); })),
         {"mean"}},
        {"a rule that divides by zero",
         Diagnosis::not_finite,
         of_matrix(tanh_with([](const auto& g, const auto&, const auto& x) { return g * x / (x - x); })),
         {"my_tanh"}},
        {"a recorded rule that differs",
         Diagnosis::recorded_rule_differs,
         of_matrix(tanh_with([](const auto& g, const auto& y, const auto&) {
             constexpr bool recorded = !tapeloop::detail::is_array<std::decay_t<decltype(y)>>;
             return g * (1 - square(y)) * (recorded ? 1 + 1e-6 : 1.0);
         })),
         {"gradient_graph"},
         {.order = 2}},
        {"a recorded rule that takes the other argument for constant",
         Diagnosis::asymmetric_hessian,
         of_product(custom(
             "my_multiply", [](const auto& a, const auto& b) { return a * b; },
             [](const auto& g, const auto&, const auto&, const auto& b) { return g * constant(b); },
             [](const auto& g, const auto&, const auto& a, const auto&) { return g * a; })),
         {"second order", "not symmetric"},
         {.order = 2}},
        {"a recorded rule that takes the cotangent for constant",
         Diagnosis::not_linear,
         of_matrix(tanh_with(
             [](const auto& g, const auto& y, const auto&) { return constant(g) * (1 - square(y)); })),
         {"cotangent of result 0", "not linear"},
         {.order = 2}},
        {"a recorded rule that takes a part for constant",
         Diagnosis::factor,
         of_matrix(custom(
             "my_cube", [](const auto& x) { return x * x * x; },
             [](const auto& g, const auto&, const auto& x) {
                 if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(x)>>)
                     return 3 * g * x * x + 0 * exp(x);
                 else
                     return 3 * g * x * detach(x) + 0 * exp(x);
             })),
         {"second order"},
         {.order = 2}},
    };
}

std::vector<Planted> all_mistakes() {
    std::vector<Planted> all;
    for (const auto& rows :
         {mistakes_of_size(), mistakes_of_products(), mistakes_of_broadcasts(), mistakes_of_time(),
          mistakes_of_gates(), other_mistakes(), planted_kinds(), planted_faults()})
        all.insert(all.end(), rows.begin(), rows.end());
    return all;
}

/// Returns whether the report accuses operations that are wrong, and no others; the library's are right, but
/// for a row's own.
bool accuses_rightly(const GradientReport& report, const std::string& place) {
    bool any = false;
    for (const Finding& finding : report.findings) {
        if (!finding.rule.has_value()) continue;
        const std::string& operation = finding.rule->operation;
        const bool is_planted =
            operation.starts_with("my_") || operation == "wave" || operation == "first" || operation == place;
        if (!is_planted) return false;
        any = any || operation == place;
    }
    return place.empty() || any;
}

/// A share, and those that are not in it.
struct Rate {
    std::size_t count = 0;
    std::string missing;

    void add(bool is_in, const std::string& mistake, const std::string& text) {
        count += is_in ? 1U : 0U;
        if (!is_in) missing += "\n--- " + mistake + "\n" + text;
    }
    double of(std::size_t all) const { return static_cast<double>(count) / static_cast<double>(all); }
};

}  // namespace

TEST_CASE("planted mistakes: each is found, and its class and place are named") {
    const std::vector<Planted> planted = all_mistakes();
    CHECK(planted.size() >= 150);
    Rate caught;
    Rate classed;
    Rate placed;
    for (const Planted& one : planted) {
        CAPTURE(one.mistake);
        const GradientReport report = one.check(one.options);
        const std::string text = report.text();
        caught.add(!report.passed(), one.mistake, text);
        classed.add(report.has(one.expected), one.mistake, text);
        placed.add(accuses_rightly(report, one.place), one.mistake, text);
        for (const std::string& fragment : one.fragments) {
            CAPTURE(fragment);
            CHECK_MESSAGE(contains(text, fragment), text);
        }
        CHECK(text.size() < 10'000);
    }
    const std::size_t all = planted.size();
    MESSAGE(
        fmt::format("of {} planted mistakes {:.1f} % caught, {:.1f} % with their class, {:.1f} % with "
                    "their place",
                    all, 100 * caught.of(all), 100 * classed.of(all), 100 * placed.of(all)));
    CHECK_MESSAGE(caught.of(all) == 1, caught.missing);
    CHECK_MESSAGE(classed.of(all) >= 0.95, classed.missing);
    CHECK_MESSAGE(placed.of(all) >= 0.95, placed.missing);
    if (std::getenv("TAPELOOP_PLANTED") != nullptr)
        MESSAGE("class: " << classed.missing << "\nplace: " << placed.missing);
}
