#pragma once

#include <tests/numeric.hpp>

#include <autograd/tape.hpp>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// A program as data: lines that make values from earlier values. It can be run in `float` and in `double`,
/// on other leaves, and be printed as C++.
namespace tapeloop::fuzz {

using tapeloop::detail::broadcast;
using tapeloop::detail::broadcasts_to;
using tapeloop::detail::normalised_axis;
using tapeloop::detail::uninitialised;

using test::Tensors;
/// The number of a value; leaves and results are counted in the order in which they are made.
using Id = std::size_t;

template <class T>
using Vars = std::vector<Var<T>>;

/// What an operation is given: whatever an `Operand` can be made of.
template <class T>
struct Value {
    Value(const Var<T>& one) : var(one) {}
    Value(const Parameter<T>* one) : parameter(one) {}
    Value(const Tensor<T>* one) : tensor(one) {}
    Value(T one) : number(one) {}

    std::optional<Var<T>> var;
    const Parameter<T>* parameter = nullptr;
    const Tensor<T>* tensor = nullptr;
    std::optional<T> number;

    Operand<T> operand() const {
        if (var) return Operand<T>(*var);
        if (parameter != nullptr) return Operand<T>(*parameter);
        if (tensor != nullptr) return Operand<T>(*tensor);
        return Operand<T>(*number);
    }
};

/// A line's arguments. As operands they are given as they are; as `Var`s, parameters, tensors and numbers are
/// entered first.
template <class T>
class Arguments {
  public:
    explicit Arguments(std::vector<Value<T>> values) : values_(std::move(values)) {}
    std::size_t size() const { return values_.size(); }
    Operand<T> operator[](std::size_t i) const { return values_[i].operand(); }
    Var<T> var(std::size_t i) const { return values_[i].var ? *values_[i].var : input((*this)[i]); }
    Vars<T> vars() const {
        Vars<T> all;
        for (std::size_t i = 0; i < size(); ++i) all.push_back(var(i));
        return all;
    }

  private:
    std::vector<Value<T>> values_;
};

enum class LeafKind { input, parameter, tensor, number };
struct Leaf {
    LeafKind kind = LeafKind::input;
    Tensor<double> value;
};

/// What a line runs in.
enum class Scope { none, label, paused };

/// What an operation of the catalogue promises beyond its value.
struct Promise {
    /// Element i of the results depends on the i-th elements of the arguments, and has the same bits wherever
    /// it stands.
    bool is_elementwise = false;
    /// It has derivatives of every order wherever the catalogue calls it.
    bool is_smooth = false;
    /// No cotangent passes.
    bool is_constant = false;
    /// On the way to a small product there may be a large one.
    bool multiplies_elements = false;
};

/// An operation with all it was called with but its arguments.
struct Call {
    /// In C++, with `$0`, `$1` for the arguments, `@0` for those that have to be `Var`s, and `$*` for all.
    std::string text;
    std::vector<Id> arguments;
    std::function<Vars<double>(const Arguments<double>&)> call;
    std::function<Vars<float>(const Arguments<float>&)> call_float;
    /// The value by plain loops; may be empty.
    std::function<Tensors(const Tensors&)> reference;
    Promise promise;
    /// Of several operations, so that one that refuses may leave others' results behind.
    bool is_composed = false;
};

struct Line {
    std::optional<Leaf> leaf;
    Call call;
    Scope scope = Scope::none;
    Id first_result = 0;
    std::size_t results = 1;

    bool is_constant() const { return call.promise.is_constant || scope == Scope::paused; }
};

/// A value whose projection on a cotangent is differentiated.
struct ProgramRoot {
    Id value;
    Tensor<double> cotangent;
};

struct Program {
    std::vector<Line> lines;
    std::vector<ProgramRoot> roots;
    /// Arguments that were refused when the program was made, and the errors.
    std::vector<std::string> refusals;

    std::size_t value_count() const;
    /// The values of the leaves, in order.
    Tensors leaves() const;
    /// C++ that makes all values and differentiates the roots.
    std::string text() const;
};

/// `call` as C++, with these names for its values.
std::string text_of(const Call& call, const std::function<std::string(Id)>& operand,
                    const std::function<std::string(Id)>& var);

namespace detail {

template <class T>
Vars<T> as_list(const Var<T>& one) {
    return {one};
}
template <class T>
Vars<T> as_list(const Vars<T>& several) {
    return several;
}
template <class T, std::size_t n>
Vars<T> as_list(const std::array<Var<T>, n>& several) {
    return {several.begin(), several.end()};
}

}  // namespace detail

/// A call for the catalogue: `f` takes `Arguments<T>`, generically.
template <class F>
Call call(std::string text, std::vector<Id> arguments, const F& f, Promise promise = {},
          std::function<Tensors(const Tensors&)> reference = {}) {
    return {std::move(text),
            std::move(arguments),
            [f](const Arguments<double>& x) { return detail::as_list(f(x)); },
            [f](const Arguments<float>& x) { return detail::as_list(f(x)); },
            std::move(reference),
            promise,
            false};
}

}  // namespace tapeloop::fuzz
