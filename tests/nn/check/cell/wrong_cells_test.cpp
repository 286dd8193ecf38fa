#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <functional>

// Cells with a mistake each, such as people make: `check_cell` must fail, in the item that the mistake
// belongs to, and where a gradient is wrong its diagnosis must name the class.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;
using Pair = std::array<D, 2>;

constexpr std::size_t units = 4;

struct Wrong {
    std::string mistake;
    std::function<nn::CellReport()> check;
    /// Items of the report that must fail, and what its text must say besides.
    std::vector<std::string> items;
    std::vector<std::string> fragments = {};
    std::optional<Diagnosis> diagnosis = {};
};

/// A cell of which a row writes what is wrong with it, and no more.
template <class State, std::size_t gates, class Step, class Project>
struct Made {
    Parameter<double> U{"U", Random(1).tensor({3, gates* units})};
    Parameter<double> W{"W", Random(2).tensor({units, gates* units})};
    Parameter<double> b{"b", Random(3).tensor({gates * units})};
    Step own_step;
    Project own_project;

    Made(Step step_function, Project project_function)
        : own_step(step_function), own_project(project_function) {}

    static std::vector<std::string_view> gate_names() {
        if (gates == 4) return {"input", "forget", "candidate", "output"};
        return {};
    }
    State initial_state(std::size_t batch) const {
        const D zero = input(filled({batch, units}, 0));
        if constexpr (std::is_same_v<State, D>)
            return zero;
        else
            return {zero, zero};
    }
    D project(const D& x) const { return own_project(*this, x); }
    std::pair<D, State> step(const D& u, const State& state) const { return own_step(*this, u, state); }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
};

const auto right_projection = [](const auto& cell, const D& x) { return affine(x, cell.U, cell.b); };
const auto right_elman = [](const auto& cell, const D& u, const D& h) {
    const D next = tanh(u + matmul(h, cell.W));
    return std::pair{next, next};
};

template <class C>
nn::CellReport checked(C cell, int order = 1) {
    return nn::check_cell(cell, 3, {.order = order});
}

/// An Elman cell: u is x U + b.
template <class Step, class Project = decltype(right_projection)>
std::function<nn::CellReport()> elman(Step step, Project project = right_projection, int order = 1) {
    return [=] { return checked(Made<D, 1, Step, Project>(step, project), order); };
}
/// One whose next state is what `next` gives of the cell, u and h.
template <class Next>
std::function<nn::CellReport()> elman_next(Next next) {
    return elman([next](const auto& cell, const D& u, const D& h) {
        const D result = next(cell, u, h);
        return std::pair{result, result};
    });
}
template <class Project>
std::function<nn::CellReport()> elman_projecting(Project project) {
    return elman(right_elman, project);
}

/// An LSTM of which `next` gives h' and c' of the pre-activations [B, 4H] and c.
template <class Next>
std::function<nn::CellReport()> lstm(Next next) {
    const auto step = [next](const auto& cell, const D& u, const Pair& state) {
        const Pair result = next(u + matmul(state[0], cell.W), state[1]);
        return std::pair{result[0], result};
    };
    return [=] {
        return checked(Made<Pair, 4, decltype(step), decltype(right_projection)>(step, right_projection));
    };
}

Pair lstm_of(const D& a, const D& c) {
    const D next = sigmoid(columns(a, 1, 4)) * c + sigmoid(columns(a, 0, 4)) * tanh(columns(a, 2, 4));
    return {sigmoid(columns(a, 3, 4)) * tanh(next), next};
}

/// x W with rules of the row's own.
template <class RuleX, class RuleW>
auto product_with(RuleX rule_x, RuleW rule_w) {
    return custom(
        "my_product", [](const auto& x, const auto& W) { return matmul(x, W); }, rule_x, rule_w);
}
const auto right_x = [](const auto& g, const auto&, const auto&, const auto& W) {
    return matmul(g, W, {false, true});
};
const auto right_W = [](const auto& g, const auto&, const auto& x, const auto&) {
    return matmul(x, g, {true, false});
};

/// x [T, B, I] times U, whose rule sees the cotangent as `seen` makes it.
template <class Seen>
auto projection_with(Seen seen) {
    return [seen](const auto& cell, const D& x) {
        const auto product = custom(
            "my_projection", [](const auto& v, const auto& U) { return matmul(v, U); },
            [](const auto& g, const auto&, const auto&, const auto& U) {
                return matmul(g, U, {false, true});
            },
            [seen](const auto& g, const auto&, const auto& v, const auto&) {
                return matmul(v, seen(g), {true, false});  // summed over time by the sweep
            });
        return product(x, cell.U) + cell.b;
    };
}

/// A factor for each slice of x along `axis`, beside an array or a Var.
template <class V>
auto factors_for(const V& x, std::size_t axis, const std::function<double(std::size_t)>& factor) {
    const Tensor<double> factors =
        generate(x.shape(), [&](const Position& position) { return factor(position[axis]); });
    if constexpr (std::is_same_v<V, D>)
        return factors;
    else
        return Array<double>(factors);
}

/// The identity, whose rule multiplies by a factor for each column of a block of gates.
D with_gate_factors(const D& a, std::array<double, 4> factors) {
    const auto gated = custom(
        "my_gates", [](const auto& x) { return 1 * x; },
        [factors](const auto& g, const auto&, const auto&) {
            return g * factors_for(g, 1, [&](std::size_t column) { return factors[column / units]; });
        });
    return gated(a);
}

std::vector<Wrong> wrong_rules() {
    return {
        {"the sign of tanh's slope",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto my_tanh = custom(
                 "my_tanh", [](const auto& x) { return tanh(x); },
                 [](const auto& g, const auto& y, const auto&) { return g * (square(y) - 1); });
             return my_tanh(u + matmul(h, cell.W));
         }),
         {"gradient of x", "gradient of the initial state", "gradient of the parameters"},
         {"my_tanh"},
         Diagnosis::sign},
        {"W not transposed on the way to h",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto product = product_with(
                 [](const auto& g, const auto&, const auto&, const auto& W) { return matmul(g, W); },
                 right_W);
             return tanh(u + product(h, cell.W));
         }),
         {"gradient of the initial state"},
         {"my_product", "argument 0"},
         Diagnosis::transposed},
        {"the gradient of W transposed",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto product =
                 product_with(right_x, [](const auto& g, const auto&, const auto& x, const auto&) {
                     return matmul(g, x, {true, false});
                 });
             return tanh(u + product(h, cell.W));
         }),
         {"gradient of the parameters"},
         {"W: transposed", "argument 1"},
         Diagnosis::transposed},
        {"the recurrent term dropped from the rule",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto product = product_with(
                 [](const auto& g, const auto&, const auto&, const auto& W) {
                     return matmul(0 * g, W, {false, true});
                 },
                 right_W);
             return tanh(u + product(h, cell.W));
         }),
         {"gradient of the initial state"},
         {"state: no gradient"},
         Diagnosis::no_gradient},
        {"the bias's gradient of the first row alone",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto plus = custom(
                 "my_bias", [](const auto& x, const auto& b) { return x + b; },
                 [](const auto& g, const auto&, const auto&, const auto&) { return g; },
                 [](const auto& g, const auto&, const auto&, const auto&) { return slice(g, 0, 0, 1); });
             return tanh(plus(u + matmul(h, cell.W), cell.b));
         }),
         {"gradient of the parameters"},
         {"my_bias", "argument 1"},
         Diagnosis::axis_not_summed},
        {"a factor of the batch size in every gradient",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto mean_rule = custom(
                 "my_cell", [](const auto& a) { return tanh(a); },
                 [](const auto& g, const auto& y, const auto&) {
                     return g * (1 - square(y)) * static_cast<double>(y.shape()[0]);
                 });
             return mean_rule(u + 0 * matmul(h, cell.W));
         }),
         {"gradient of x"},
         {"3 times", "the batch size (3)"},
         Diagnosis::factor},
        {"the slope of the pre-activation instead of the result's",
         elman_next([](const auto& cell, const D& u, const D& h) {
             const auto my_tanh = custom(
                 "my_tanh", [](const auto& x) { return tanh(x); },
                 [](const auto& g, const auto&, const auto& x) { return g * (1 - square(x)); });
             return my_tanh(u + matmul(h, cell.W));
         }),
         {"gradient of the parameters"},
         {"the rule of my_tanh for its argument 0"},
         Diagnosis::unexplained},
        {"a rule that is right at the first order alone",
         elman(
             [](const auto& cell, const D& u, const D& h) {
                 const auto my_tanh = custom(
                     "my_tanh", [](const auto& x) { return tanh(x); },
                     [](const auto& g, const auto& y, const auto&) {
                         if constexpr (std::is_same_v<std::decay_t<decltype(y)>, D>)
                             return g * (1 - square(detach(y)));
                         else
                             return g * (1 - square(y));
                     });
                 const D next = my_tanh(u + matmul(h, cell.W));
                 return std::pair{next, next};
             },
             right_projection, 2),
         {"second order"}},
    };
}

std::vector<Wrong> wrong_times() {
    const auto at_times = [](std::function<double(std::size_t)> factor) {
        return projection_with([factor](const auto& g) { return g * factors_for(g, 0, factor); });
    };
    return {
        {"U's gradient of the last step alone",
         elman_projecting(at_times([](std::size_t t) { return t == 3 ? 1 : 0; })),
         {"gradient of the parameters"},
         {"my_projection", "argument 1"},
         Diagnosis::last_step_only},
        {"U's gradient without the first step",
         elman_projecting(at_times([](std::size_t t) { return t == 0 ? 0 : 1; })),
         {"gradient of the parameters"},
         {"my_projection", "time step 0"},
         Diagnosis::time_step_missing},
        {"the time steps of x's gradient in reverse order",
         elman_projecting([](const auto& cell, const D& x) {
             const auto product = custom(
                 "my_projection", [](const auto& v, const auto& U) { return matmul(v, U); },
                 [](const auto& g, const auto&, const auto&, const auto& U) {
                     return matmul(flip(g, 0), U, {false, true});
                 },
                 [](const auto& g, const auto&, const auto& v, const auto&) {
                     return matmul(v, g, {true, false});
                 });
             return product(x, cell.U) + cell.b;
         }),
         {"gradient of x"},
         {"reverse order"},
         Diagnosis::time_order},
        {"the gradient of x late by a step",
         elman_projecting([](const auto& cell, const D& x) {
             const auto late = custom(
                 "my_input", [](const auto& v) { return 1 * v; },
                 [](const auto& g, const auto&, const auto&) {
                     return pad(slice(g, 0, 0, static_cast<std::ptrdiff_t>(g.shape()[0]) - 1),
                                {{1, 0}, {0, 0}, {0, 0}});
                 });
             return affine(x.shape()[0] < 2 || x.shape().rank() < 3 ? x : late(x), cell.U, cell.b);
         }),
         {"gradient of x"},
         {"late by one"},
         Diagnosis::time_order},
        {"a state that is held constant",
         elman_next(
             [](const auto& cell, const D& u, const D& h) { return tanh(u + matmul(detach(h), cell.W)); }),
         {"gradient of the initial state"},
         {"state: no gradient", "detach (wrong_cells_test.cpp:"},
         Diagnosis::no_gradient},
        {"W read outside the recording",
         elman_next(
             [](const auto& cell, const D& u, const D& h) { return tanh(u + matmul(h, cell.W.value())); }),
         {"parameters", "gradient of the parameters"},
         {"'W' is listed, but neither a step", "outside the recording"},
         Diagnosis::no_gradient},
    };
}

std::vector<Wrong> wrong_gates() {
    return {
        {"nothing for the forget gate",
         lstm([](const D& a, const D& c) {
             return lstm_of(with_gate_factors(a, {1, 0, 1, 1}), c);
         }),
         {"gradient of the parameters"},
         {"`forget`", "nothing arrives"},
         Diagnosis::gate},
        {"the sign of the output gate",
         lstm([](const D& a, const D& c) {
             return lstm_of(with_gate_factors(a, {1, 1, 1, -1}), c);
         }),
         {"gradient of the parameters"},
         {"`output`"},
         Diagnosis::gate},
        {"the input gate's slope forgotten",
         lstm([](const D& a, const D& c) {
             const auto my_sigmoid = custom(
                 "my_sigmoid", [](const auto& x) { return sigmoid(x); },
                 [](const auto& g, const auto&, const auto&) { return g; });
             const D next =
                 sigmoid(columns(a, 1, 4)) * c + my_sigmoid(columns(a, 0, 4)) * tanh(columns(a, 2, 4));
             return Pair{sigmoid(columns(a, 3, 4)) * tanh(next), next};
         }),
         {"gradient of the parameters"},
         {"my_sigmoid"}},
        {"the path of the memory forgotten",
         lstm([](const D& a, const D& c) { return lstm_of(a, detach(c)); }),
         {"gradient of the initial state"},
         {"state[1]: no gradient", "detach (wrong_cells_test.cpp:"},
         Diagnosis::no_gradient},
        {"the path from the memory to the output forgotten",
         lstm([](const D& a, const D& c) {
             const D next = lstm_of(a, c)[1];
             return Pair{sigmoid(columns(a, 3, 4)) * detach(tanh(next)), next};
         }),
         {"gradient of the initial state", "gradient of the parameters"},
         {"outside the recording: detach (wrong_cells_test.cpp:"},
         Diagnosis::detached},
        {"two gates' gradients exchanged",
         lstm([](const D& a, const D& c) {
             const auto swapped = custom(
                 "my_gates", [](const auto& x) { return 1 * x; },
                 [](const auto& g, const auto&, const auto&) {
                     const auto at = [&](std::size_t from, std::size_t to) {
                         return pad(columns(g, from, 4), {{0, 0}, {to * units, (3 - to) * units}});
                     };
                     return at(1, 0) + at(0, 1) + at(2, 2) + at(3, 3);
                 });
             return lstm_of(swapped(a), c);
         }),
         {"gradient of the parameters"},
         {"`input` has the gradient of `forget`"},
         Diagnosis::gate},
        {"the sum of two paths of the update gate without one of them",
         elman_next([](const auto& cell, const D& u, const D& h) {
             // z h + (1 - z) n, whose rule for z knows of h alone.
             const auto mix = custom(
                 "my_mix", [](const auto& z, const auto& v, const auto& n) { return z * v + (1 - z) * n; },
                 [](const auto& g, const auto&, const auto&, const auto& v, const auto&) { return g * v; },
                 [](const auto& g, const auto&, const auto& z, const auto&, const auto&) { return g * z; },
                 [](const auto& g, const auto&, const auto& z, const auto&, const auto&) {
                     return g * (1 - z);
                 });
             const D a = u + matmul(h, cell.W);
             return mix(sigmoid(a), h, tanh(a));
         }),
         {"gradient of the parameters"},
         {"the rule of my_mix for its argument 0"}},
    };
}

}  // namespace

TEST_CASE("wrong cells: rules and values with a mistake each, and its class is named") {
    std::vector<Wrong> all;
    for (const auto& rows : {wrong_rules(), wrong_times(), wrong_gates()})
        all.insert(all.end(), rows.begin(), rows.end());
    CHECK(all.size() >= 20);
    for (const Wrong& one : all) {
        CAPTURE(one.mistake);
        const nn::CellReport report = one.check();
        const std::string text = report.text();
        CHECK_MESSAGE(!report.passed(), text);
        for (const std::string& item : one.items)
            CHECK_MESSAGE(report[item].verdict == nn::CellVerdict::failed, item << " in " << text);
        for (const std::string& fragment : one.fragments)
            CHECK_MESSAGE(contains(text, fragment), fragment << " in " << text);
        for (const Finding& finding : report.gradient.findings)
            if (finding.rule.has_value())  // the operations of this file: all of the library's are right
                CHECK_MESSAGE(finding.rule->operation.starts_with("my_"), text);
        if (one.diagnosis.has_value())
            CHECK_MESSAGE(report.gradient.has(*one.diagnosis), name_of(*one.diagnosis) << " in " << text);
    }
}

TEST_CASE("wrong cells: those of this file pass without their mistake") {
    CHECK_MESSAGE(elman(right_elman)().passed(), elman(right_elman)().text());
    CHECK_MESSAGE(lstm(lstm_of)().passed(), lstm(lstm_of)().text());
    CHECK(elman_projecting(projection_with([](const auto& g) { return 1 * g; }))().passed());
    const nn::CellReport gated = lstm([](const D& a, const D& c) {
        return lstm_of(with_gate_factors(a, {1, 1, 1, 1}), c);
    })();
    CHECK_MESSAGE(gated.passed(), gated.text());
}
