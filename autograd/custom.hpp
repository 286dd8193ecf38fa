#pragma once

#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>
#include <autograd/record/onnx_value.hpp>

#include <functional>
#include <memory>
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

/// What a custom operation says that ONNX computes of its arguments; null for nothing.
using CustomCounterpart = std::shared_ptr<const std::function<OnnxValue(std::span<const OnnxValue>)>>;

/// The part of a custom operation that its nodes keep.
template <class Function, class Rules>
struct CustomDefinition {
    std::string name;
    Function function;
    Rules all_rules;
    const Description* said;
    CustomCounterpart counterpart;

    Shape shape() const;  // never called: the value says it
    const Description& description() const { return *said; }
    const Rules& rules() const { return all_rules; }
    template <class... X>
    OnnxValue onnx(const X&... x) const {
        return counterpart == nullptr ? OnnxValue()
                                      : (*counterpart)(std::array<OnnxValue, sizeof...(X)>{x...});
    }

    /// Computes the value at once, of whatever shape it is.
    template <class T, class... More>
    Array<T> compute(const Array<T>& x, const More&... more) const {
        if constexpr (std::is_invocable_v<const Function&, const Array<T>&, const More&...>)
            return array_of<T>(function(x, more...));
        else
            return Array<T>(Tensor<T>(function(x.tensor(), more.tensor()...)));
    }
    template <class T, class... More>
    void value(const Buffer<T>& y, const Array<T>& x, const More&... more) const {
        const Array<T> result = compute(x, more...);
        if (result.shape() != y.shape())
            throw std::invalid_argument(
                fmt::format("{}: its value was {} and is {} when it runs again; it must keep its shape", name,
                            y.shape().text(), result.shape().text()));
        std::copy_n(result.data(), result.size(), y.data());
    }
};

}  // namespace detail

/// An operation of the user's: see `custom`.
template <class Value, class... Rules>
class Custom {
  public:
    /// Makes an operation of its name, its value and one rule for each argument.
    Custom(std::string name, Value value, Rules... rules)
        : name_(std::move(name)), value_(std::move(value)), rules_(std::move(rules)...) {}

    /// Returns the same operation, which says this about itself. Throws `std::invalid_argument` when the
    /// description has rules, but not one for each argument.
    Custom described(const Description& description) const {
        const std::size_t count = description.rule_count();
        if (count != 0 && count != sizeof...(Rules))
            throw std::invalid_argument(
                fmt::format("custom: {} has {} rules and its description {}; it needs one for each argument",
                            name_, sizeof...(Rules), count));
        Custom result = *this;
        result.description_ = &detail::kept_description(description);
        return result;
    }

    /// Returns the same operation, which says what computes the same in ONNX, for `save_onnx`: the name of
    /// one operator of the same arguments, `.onnx("Softsign")`.
    Custom onnx(std::string_view op) const {
        return with_counterpart([op = std::string(op)](std::span<const OnnxValue> x) {
            return onnx_node(op, {x.begin(), x.end()});
        });
    }
    /// The same by a function of the arguments:
    ///
    ///     cube.onnx([](const OnnxValue& x) { return onnx_node("Pow", {x, 3.0}); })
    template <class F>
    requires(!std::convertible_to<const F&, std::string_view>) Custom onnx(F function)
    const {
        return with_counterpart([function = std::move(function)](std::span<const OnnxValue> x) -> OnnxValue {
            return detail::with_indices<sizeof...(Rules)>([&](auto... k) { return function(x[k]...); });
        });
    }

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
    using Definition = detail::CustomDefinition<Value, std::tuple<Rules...>>;

    template <class T, class... More>
    Var<T> record(const Operand<T>& x, const More&... more) const {
        constexpr std::size_t count = 1 + sizeof...(More);
        static_assert(count == sizeof...(Rules), "a custom operation takes one argument per rule");
        Tape<T>& tape = detail::tape_of(name_, x, more...);
        detail::Rollback rollback(tape);
        try {
            const std::array<NodeIndex, count> inputs{x.enter(tape), more.enter(tape)...};
            const Definition definition{name_, value_, rules_, description_, counterpart_};
            const Array<T> result = detail::with_indices<count>(
                [&](auto... k) { return definition.compute(tape.array(inputs[k])...); });
            T* data = tape.allocate(result.size());
            std::copy_n(result.data(), result.size(), data);
            const auto& operation = detail::operation_of<count>(tape, definition);
            return rollback.keep(tape.var(tape.append(operation, inputs, result.shape(), data, x.site())));
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument(detail::with_site(fmt::format("{}: {}", name_, error.what()),
                                                          x.site(), tape.current_label_text()));
        }
    }
    Custom with_counterpart(std::function<OnnxValue(std::span<const OnnxValue>)> counterpart) const {
        Custom result = *this;
        result.counterpart_ = std::make_shared<const decltype(counterpart)>(std::move(counterpart));
        return result;
    }

    std::string name_;
    Value value_;
    std::tuple<Rules...> rules_;
    const Description* description_ = &detail::no_description;
    detail::CustomCounterpart counterpart_;
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
///
/// What it says about itself may follow. `explain`, `derivation` and the study page then know it as they know
/// the library's operations:
///
///     const auto cube = custom("cube", ...).described({.equation = "y = x³", .rules = {{"x", "3 g ⊙ x²"}}});
///
/// and, where models that use it are to leave as ONNX, what computes the same there:
///
///     const auto exported = cube.onnx([](const OnnxValue& x) { return onnx_node("Pow", {x, 3.0}); });
template <class Value, class... Rules>
Custom<Value, Rules...> custom(std::string name, Value value, Rules... rules) {
    return Custom<Value, Rules...>(std::move(name), std::move(value), std::move(rules)...);
}

}  // namespace tapeloop
