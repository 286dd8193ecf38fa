#pragma once

#include "expect.hpp"

#include <autograd/gradient.hpp>

#include <cmath>
#include <limits>

/// What the tests of the optimizers share.
namespace tapeloop::test {

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

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
