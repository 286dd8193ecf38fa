#include <tests/expect.hpp>

#include <nn/closed_form/elman.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Activation;
using nn::Targets;

// The hand-written BPTT against differences of a loss in plain loops, element by element as the textbook has
// it.

namespace {

enum Argument { U, W, b, V, c, x, h0 };

double activated(Activation activation, double a) {
    if (activation == Activation::relu) return a > 0 ? a : 0;
    return activation == Activation::tanh ? std::tanh(a) : 1 / (1 + std::exp(-a));
}

struct Problem {
    Activation activation;
    Tensors arguments;
    Targets targets;

    std::size_t T() const { return arguments[x].shape()[0]; }
    std::size_t B() const { return arguments[x].shape()[1]; }
    nn::closed_form::ElmanWeights<double> weights() const {
        return {arguments[U], arguments[W], arguments[b], arguments[V], arguments[c], activation};
    }
    nn::closed_form::ElmanBptt<double> bptt() const {
        return nn::closed_form::elman_bptt(weights(), arguments[x], targets, arguments[h0]);
    }

    Tensor<double> next(const Tensors& a, const Tensor<double>& h, std::size_t t) const {
        return generate(shape_of(h), [&](const Position& i) {
            double sum = at(a[b], {i[1]});
            for (std::size_t k = 0; k < a[U].shape()[0]; ++k)
                sum += at(a[x], {t, i[0], k}) * at(a[U], {k, i[1]});
            for (std::size_t k = 0; k < a[W].shape()[0]; ++k) sum += at(h, {i[0], k}) * at(a[W], {k, i[1]});
            return activated(activation, sum);
        });
    }
    /// J(t), of h(t).
    double loss_at(const Tensors& a, const Tensor<double>& h, std::size_t t) const {
        double loss = 0;
        for (std::size_t row = 0; row < B(); ++row) {
            double sum = 0;
            double own = 0;
            for (std::size_t j = 0; j < a[c].size(); ++j) {
                double o = at(a[c], {j});
                for (std::size_t k = 0; k < a[V].shape()[0]; ++k) o += at(h, {row, k}) * at(a[V], {k, j});
                sum += std::exp(o);
                if (static_cast<std::ptrdiff_t>(j) == targets(t, row)) own = o;
            }
            loss += std::log(sum) - own;
        }
        return loss / static_cast<double>(B());
    }
    double loss(const Tensors& a) const {
        double J = 0;
        Tensor<double> h = a[h0];
        for (std::size_t t = 0; t < T(); ++t) {
            h = next(a, h, t);
            J += loss_at(a, h, t);
        }
        return J;
    }
    /// The loss when time step `own` has weights of its own.
    double loss(const Tensors& a, const Tensors& own_weights, std::size_t own) const {
        double J = 0;
        Tensor<double> h = a[h0];
        for (std::size_t t = 0; t < T(); ++t) {
            h = next(t == own ? own_weights : a, h, t);
            J += loss_at(t == own ? own_weights : a, h, t);
        }
        return J;
    }
    /// J~, the loss from t on, of h(t).
    double loss_from(std::size_t t, Tensor<double> h) const {
        double J = loss_at(arguments, h, t);
        while (++t < T()) {
            h = next(arguments, h, t);
            J += loss_at(arguments, h, t);
        }
        return J;
    }
};

Problem problem(Activation activation, std::size_t T, std::size_t B) {
    Random random("closed form");
    constexpr std::size_t I = 2;
    constexpr std::size_t H = 4;
    constexpr std::size_t O = 3;
    Targets targets = Targets::from_shape({T, B});
    for (std::ptrdiff_t& target : targets) target = static_cast<std::ptrdiff_t>(random.below(O));
    return {activation,
            {random.tensor({I, H}), random.tensor({H, H}), random.tensor({H}), random.tensor({H, O}),
             random.tensor({O}), random.tensor({T, B, I}), random.tensor({B, H})},
            targets};
}

Tensors listed(const nn::closed_form::ElmanGradients<double>& g) { return {g.U, g.W, g.b, g.V, g.c}; }

void check_problem(const Problem& p) {
    const auto bptt = p.bptt();
    CHECK(bptt.loss == doctest::Approx(p.loss(p.arguments)).epsilon(1e-13));
    const auto loss = [&](const Tensors& a) { return p.loss(a); };
    const Tensors total = listed(bptt.total);
    for (std::size_t k = U; k <= c; ++k) {
        CAPTURE(k);
        check_close(total[k], derivative(loss, p.arguments, k), 1e-8);
    }
    check_close(bptt.initial_state, derivative(loss, p.arguments, h0), 1e-8);

    REQUIRE(bptt.terms.size() == p.T());
    REQUIRE(bptt.states.size() == p.T());
    REQUIRE(bptt.h.size() == p.T() + 1);
    check_same_bits(bptt.h[0], p.arguments[h0]);
    for (std::size_t t = 0; t < p.T(); ++t) {
        CAPTURE(t);
        check_close(bptt.h[t + 1], p.next(p.arguments, bptt.h[t], t), 1e-13);
        const auto from_here = [&](const Tensors& h) { return p.loss_from(t, h[0]); };
        check_close(bptt.states[t], derivative(from_here, {bptt.h[t + 1]}, 0), 1e-8);
        const auto of_own = [&](const Tensors& own) { return p.loss(p.arguments, own, t); };
        const Tensors terms = listed(bptt.terms[t]);
        for (std::size_t k = U; k <= c; ++k) {
            CAPTURE(k);
            check_close(terms[k], derivative(of_own, p.arguments, k), 1e-8);
        }
    }
}

}  // namespace

TEST_CASE("closed form: every gradient and every time step's term is the slope of the loss") {
    for (std::size_t B : {1U, 3U}) {
        CAPTURE(B);
        SUBCASE("tanh") { check_problem(problem(Activation::tanh, 4, B)); }
        SUBCASE("relu") { check_problem(problem(Activation::relu, 4, B)); }
        SUBCASE("sigmoid") { check_problem(problem(Activation::sigmoid, 4, B)); }
        SUBCASE("one time step") { check_problem(problem(Activation::tanh, 1, B)); }
    }
}

TEST_CASE("closed form: of no time steps, and of no rows, all is 0") {
    for (const auto& [T, B] : {std::pair{0U, 2U}, std::pair{3U, 0U}}) {
        const Problem p = problem(Activation::tanh, T, B);
        const auto bptt = p.bptt();
        CHECK(bptt.loss == 0);
        for (const Tensor<double>& g : listed(bptt.total)) check_same_bits(g, filled(shape_of(g), 0));
        check_same_bits(bptt.initial_state, filled({B, 4}, 0));
        CHECK(bptt.terms.size() == T);
    }
}

TEST_CASE("closed form: logits of 800 give a finite loss and gradient") {
    Problem p = problem(Activation::tanh, 2, 1);
    p.arguments[c] = vector({800, -800, 0});
    p.targets.fill(1);
    const auto bptt = p.bptt();
    CHECK(bptt.loss == doctest::Approx(3200).epsilon(0.01));
    check_close(bptt.total.c, vector({2, -2, 0}), 1e-12);
}

TEST_CASE("closed form: what does not fit is refused, by name") {
    const auto refused = [](const auto& spoil) {
        Problem p = problem(Activation::tanh, 3, 2);
        spoil(p);
        return text_of<std::invalid_argument>([&] { p.bptt(); });
    };
    CHECK(refused([](Problem& p) {
              p.arguments[W] = filled({4, 3}, 1);
          }) == "elman_bptt: W is [4, 3]; with the other arguments it must be [4, 4]");
    CHECK(refused([](Problem& p) { p.arguments[h0] = filled({4}, 1); }) ==
          "elman_bptt: initial_state is [4]; with the other arguments it must be [2, 4]");
    CHECK(refused([](Problem& p) {
              p.arguments[x] = filled({3, 2}, 1);
          }) == "elman_bptt: x is [3, 2] and V [4, 3]; they must be [T, B, I] and [H, O]");
    CHECK(contains(refused([](Problem& p) { p.arguments[U] = filled({4, 2}, 1); }), "U is [4, 2]"));
    CHECK(contains(refused([](Problem& p) { p.arguments[b] = filled({3}, 1); }), "b is [3]"));
    CHECK(contains(refused([](Problem& p) { p.arguments[c] = filled({4}, 1); }), "c is [4]"));
    CHECK(contains(refused([](Problem& p) {
                       p.targets = Targets::from_shape({2, 3});
                   }),
                   "targets is [2, 3]"));
    for (std::ptrdiff_t wrong : {-1, 3})
        CHECK(refused([wrong](Problem& p) { p.targets(1, 0) = wrong; }) ==
              "elman_bptt: a target is " + std::to_string(wrong) + "; with V [4, 3] it must be in 0..2");
}
