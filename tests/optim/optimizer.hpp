#pragma once

#include <tests/expect.hpp>

#include <autograd/gradient.hpp>

#include <array>
#include <cmath>

/// This file has what the tests of the optimizers share.
namespace tapeloop::test {

/// Parameters of several sizes, none of them a whole number of SIMD lanes, beside what they should be.
template <class T>
class Trained {
  public:
    explicit Trained(std::string_view seed)
        : random_(seed),
          W_("W", fresh({5, 7})),
          b_("b", fresh({3})),
          scale_("scale", fresh({})),
          empty_("empty", fresh({0, 4})) {}

    ParameterList<T> list() { return parameter_list(W_, b_, scale_, empty_); }
    /// Representable as T.
    Tensors random_gradients() {
        Tensors gradients;
        for (const auto& entry : list())
            gradients.push_back(as_double(rounded<T>(random_.tensor(entry.parameter->shape()))));
        return gradients;
    }
    Gradients<T> gradients(const Tensors& values) {
        std::vector<Wrt<T>> wrt;
        std::vector<Tensor<T>> tensors;
        for (const auto& entry : list()) {
            wrt.emplace_back(*entry.parameter);
            tensors.push_back(rounded<T>(values[tensors.size()]));
        }
        return {std::move(wrt), std::move(tensors)};
    }
    void check(double tolerance) {
        std::size_t k = 0;
        for (const auto& entry : list())
            check_close(as_double(entry.parameter->value()), expected[k++], tolerance);
    }

    Tensors expected;

  private:
    Tensor<T> fresh(const Shape& shape) {
        Tensor<T> value = rounded<T>(random_.tensor(shape));
        expected.push_back(as_double(value));
        return value;
    }

    Random random_;
    Parameter<T> W_;
    Parameter<T> b_;
    Parameter<T> scale_;
    Parameter<T> empty_;
};

/// Two hundred steps with random gradients against `formula(options, n, p, g, kept)`, which moves one number
/// p at step n = 1, 2, ... and keeps what it likes in `kept` (0 at first). The rate changes half way.
template <class T, template <class> class Optimizer, class Options, class Formula>
void check_steps(Options options, const Formula& formula, double tolerance) {
    Trained<T> trained("two hundred steps");
    Optimizer<T> optimizer(trained.list(), options);
    std::vector<std::vector<std::array<double, 4>>> kept;
    for (const Tensor<double>& values : trained.expected) kept.emplace_back(values.size());
    for (int n = 1; n <= 200; ++n) {
        if (n == 101) {
            options.learning_rate *= 0.3;
            optimizer.set_learning_rate(options.learning_rate);
            CHECK(optimizer.learning_rate() == options.learning_rate);
        }
        const Tensors gradients = trained.random_gradients();
        optimizer.step(trained.gradients(gradients));
        for (std::size_t k = 0; k < kept.size(); ++k)
            for (std::size_t i = 0; i < kept[k].size(); ++i)
                formula(options, n, trained.expected[k].data()[i], gradients[k].data()[i], kept[k][i]);
        trained.check(tolerance);
    }
    CHECK(optimizer.steps() == 200);
}
template <template <class> class Optimizer, class Options, class Formula>
void check_steps(const Options& options, const Formula& formula) {
    check_steps<double, Optimizer>(options, formula, 1e-12);
    check_steps<float, Optimizer>(options, formula, 1e-3);
}

/// The minimum of the sum of a (p - b)², of several curvatures, is found to within `distance`.
template <class Optimizer>
void check_converges(const auto& options, int steps, double distance) {
    const Tensor<double> curvature = vector({0.2, 1, 3, 0.5, 2});
    const Tensor<double> minimum = vector({1, -0.5, 0.3, -1, 0});
    Parameter<double> p("p", vector({0, 0.5, -0.5, 0.3, 1}));
    Optimizer optimizer(parameter_list(p), options);
    for (int n = 0; n < steps; ++n)
        optimizer.step(Gradients<double>(
            {p},
            {each(p.value(), minimum, curvature, [](auto x, auto b, auto a) { return 2 * a * (x - b); })}));
    for (std::size_t i = 0; i < minimum.size(); ++i) CHECK(std::abs(p.value()[i] - minimum[i]) < distance);
}

/// A run that is taken up from a state and the weights in it goes on to the bit as the one that was not left.
template <class Optimizer>
void check_resumes(const auto& options) {
    Random random("resumes");
    Parameter<double> p("p", random.tensor({3, 5}));
    Optimizer optimizer(parameter_list(p), options);
    const auto random_gradient = [&] { return random.tensor({3, 5}); };
    const auto step = [](Optimizer& of, Parameter<double>& q, const Tensor<double>& g) {
        of.step(Gradients<double>({q}, {g}));
    };
    for (int n = 0; n < 5; ++n) step(optimizer, p, random_gradient());
    optimizer.set_learning_rate(0.7 * optimizer.learning_rate());
    const auto state = optimizer.state();
    const Tensor<double> weights = p.value();
    Tensors gradients;
    for (int n = 0; n < 7; ++n) {
        gradients.push_back(random_gradient());
        step(optimizer, p, gradients.back());
    }
    Parameter<double> q("p", weights);
    Optimizer other(parameter_list(q), options);
    other.restore(state);
    for (const Tensor<double>& g : gradients) step(other, q, g);
    check_same_bits(q.value(), p.value());
    // Back to the state in the same object.
    q.assign(weights);
    other.restore(state);
    for (const Tensor<double>& g : gradients) step(other, q, g);
    check_same_bits(q.value(), p.value());
    CHECK(other.steps() == 12);
    CHECK(other.learning_rate() == optimizer.learning_rate());
}

/// Two optimizers get the same good gradients; one is offered bad ones in between, refuses them and must not
/// differ.
template <class Make>
void check_refusals(const std::string& name, const Make& make) {
    Random random("refusals");
    const auto weights = [](const std::string& of, std::size_t n) {
        return Parameter<double>(of, filled({n}, 1));
    };
    Parameter<double> a = weights("a", 5);
    Parameter<double> b = weights("b", 13);
    Parameter<double> own_a = weights("a", 5);
    Parameter<double> own_b = weights("b", 13);
    ParameterList<double> list;
    list.add("net", parameter_list(a, b));
    auto offered = make(list);
    auto spared = make(parameter_list(own_a, own_b));
    const auto refused = [&](const Gradients<double>& gradients) {
        return text_of<std::invalid_argument>([&] { offered.step(gradients); });
    };
    for (std::size_t n = 0; n < 13; ++n) {
        const Tensor<double> g_a = random.tensor({5});
        const Tensor<double> g_b = random.tensor({13});
        for (double bad : {not_a_number, infinity, -infinity}) {
            Tensor<double> spoilt = g_b;
            spoilt[n] = bad;
            CHECK(contains(refused(Gradients<double>({a, b}, {g_a, spoilt})),
                           name + ": the gradient of parameter 'net/b' [13] has "));
            CHECK(contains(refused(Gradients<double>({a, b}, {g_a, spoilt})),
                           " at element " + std::to_string(n) + "; nothing was updated"));
        }
        CHECK(refused(Gradients<double>({a}, {g_a})) ==
              name + ": there is no gradient for parameter 'net/b'; ask `gradient` for it");
        CHECK(refused(Gradients<double>({a, b}, {g_a, filled({12}, 1)})) ==
              name + ": parameter 'net/b' is [13] and its gradient [12]; they must have the same shape");
        offered.step(Gradients<double>({a, b}, {g_a, g_b}));
        spared.step(Gradients<double>({own_a, own_b}, {g_a, g_b}));
        check_same_bits(a.value(), own_a.value());
        check_same_bits(b.value(), own_b.value());
    }
}

}  // namespace tapeloop::test
