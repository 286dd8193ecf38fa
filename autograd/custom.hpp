#pragma once

#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <string>

namespace tapeloop {
namespace detail {

template <class T>
Array<T> array_of(const Array<T>& x) {
    return x;
}
template <class T>
Array<T> array_of(const Product<T>& product) {
    return product.array();
}
template <class T>
Array<T> array_of(const Tensor<T>& tensor) {
    return Array<T>(tensor);
}

template <class T, class Rules, std::size_t N>
class CustomOperation final : public Operation<T> {
  public:
    CustomOperation(std::string name, const Rules& rules) : name_(std::move(name)), rules_(rules) {}

    std::string_view name() const override { return name_; }

    void pull(Sweep<T>& sweep, Index node) const override {
        pull_with(
            sweep, node, sweep.cotangent(node), [&](Index i) { return sweep.tape().array(i); },
            [](const auto& contribution) { return array_of<T>(contribution); });
    }
    void pull(GraphSweep<T>& sweep, Index node) const override {
        pull_with(
            sweep, node, sweep.cotangent(node), [&](Index i) { return sweep.tape().var(i); },
            [](const Var<T>& contribution) { return contribution; });
    }

  private:
    template <class SweepType, class V, class Get, class Fit>
    void pull_with(SweepType& sweep, Index node, const V& g, const Get& get, const Fit& fit) const {
        std::array<Index, N> inputs;
        std::copy_n(sweep.tape().inputs(node).begin(), N, inputs.begin());
        const V y = get(node);
        const auto pull_one = [&]<std::size_t... K>(const auto& rule, Index input,
                                                    std::index_sequence<K...>) {
            if (!sweep.wants(input)) return;
            if constexpr (std::is_invocable_v<decltype(rule), const V&, const V&,
                                              decltype(get(inputs[K]))...>)
                sweep.deliver(node, input, fit(rule(g, y, get(inputs[K])...)));
            else
                throw std::logic_error(fmt::format(
                    "gradient: a rule of {} takes no {}; write it generically, with const auto& arguments",
                    sweep.tape().describe(node), std::is_same_v<V, Var<T>> ? "Var" : "Array"));
        };
        [&]<std::size_t... K>(std::index_sequence<K...> all) {
            (pull_one(std::get<K>(rules_), inputs[K], all), ...);
        }
        (std::make_index_sequence<N>());
    }

    std::string name_;
    Rules rules_;
};

}  // namespace detail

/// An operation of the user's: see `custom`.
template <class Value, class... Rules>
class Custom {
  public:
    Custom(std::string name, Value value, Rules... rules)
        : name_(std::move(name)), value_(std::move(value)), rules_(std::move(rules)...) {}

    /// Computes and records it. The first argument tells the kind, `float` or `double`; the others may be
    /// whatever an operation takes.
    template <class... More>
    Var<float> operator()(const Operand<float>& x, const More&... more) const {
        return record<float>(x, Operand<float>(more, x.site())...);
    }
    template <class... More>
    Var<double> operator()(const Operand<double>& x, const More&... more) const {
        return record<double>(x, Operand<double>(more, x.site())...);
    }

  private:
    template <class T, class... More>
    Var<T> record(const Operand<T>& x, const More&... more) const {
        constexpr std::size_t count = 1 + sizeof...(More);
        static_assert(count == sizeof...(Rules), "a custom operation takes one argument per rule");
        Tape<T>& tape = tape_of(name_, x, more...);
        detail::Attempt attempt(tape);
        try {
            const std::array<Index, count> inputs{x.enter(tape), more.enter(tape)...};
            const Array<T> result = compute<T>(tape, inputs, std::make_index_sequence<count>());
            T* data = tape.allocate(result.size());
            std::copy_n(result.data(), result.size(), data);
            using Op = detail::CustomOperation<T, std::tuple<Rules...>, count>;
            return attempt.keep(
                tape.var(tape.append(tape.keep(Op(name_, rules_)), inputs, result.shape(), data, x.site())));
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument(
                with_site(fmt::format("{}: {}", name_, error.what()), x.site(), tape.current_label_text()));
        }
    }
    template <class T, std::size_t... K>
    Array<T> compute(const Tape<T>& tape, const std::array<Index, sizeof...(K)>& inputs,
                     std::index_sequence<K...>) const {
        if constexpr (std::is_invocable_v<const Value&, decltype(tape.array(inputs[K]))...>)
            return detail::array_of<T>(value_(tape.array(inputs[K])...));
        else
            return Array<T>(Tensor<T>(value_(tape.array(inputs[K]).tensor()...)));
    }

    std::string name_;
    Value value_;
    std::tuple<Rules...> rules_;
};

/// Defines an operation in one call: its name, its value, and one rule per argument.
///
///     const auto cube = custom("cube",
///                              [](const auto& x) { return x * x * x; },
///                              [](const auto& g, const auto& y, const auto& x) { return 3.0 * g * x * x; });
///     Var<double> y = cube(x);
///
/// The value takes arrays and returns one; a function that is written for `Tensor`s gets those, so all of
/// xtensor can be used. A rule takes the cotangent of the result, the result and the arguments, and returns
/// the argument's cotangent, which may also broadcast from or to its shape. Written with `const auto&` it
/// serves gradients of any order; one that takes `Array<T>` alone serves the first, and asking for the second
/// throws `std::logic_error`.
template <class Value, class... Rules>
Custom<Value, Rules...> custom(std::string name, Value value, Rules... rules) {
    return Custom<Value, Rules...>(std::move(name), std::move(value), std::move(rules)...);
}

}  // namespace tapeloop
