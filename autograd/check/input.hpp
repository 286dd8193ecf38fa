#pragma once

#include <autograd/parameter.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

namespace tapeloop {

/// Names for the axes of a tensor, with which a report can say `t=3` and `gate forget`.
struct InputInfo {
    /// A name for each axis: `{"time", "batch", "feature"}`. The one called `time` is the time axis.
    std::vector<std::string> axes = {};
    /// The last axis is packed of these, in equal parts: `{"input", "forget", "candidate", "output"}`.
    std::vector<std::string> gates = {};
};

/// An argument to differentiate by: a tensor with a name, which the function gets as an argument, or a
/// `Parameter`, which it uses by itself.
template <class T>
struct CheckInput {
    template <detail::TensorExpression E>
    requires std::same_as<typename E::value_type, T> CheckInput(std::string given_name, const E& given,
                                                                InputInfo given_info = {})
        : name(std::move(given_name)), info(std::move(given_info)), value(given) {}
    /// Takes a tensor, which is named by its place: `argument 0`.
    template <detail::TensorExpression E>
    requires std::same_as<typename E::value_type, T> CheckInput(const E& given)
        : CheckInput(std::string(), given) {}
    CheckInput(Parameter<T>& given, InputInfo given_info = {})
        : CheckInput(given.name(), given, std::move(given_info)) {}
    CheckInput(std::string path, Parameter<T>& given, InputInfo given_info = {})
        : name(std::move(path)), info(std::move(given_info)), parameter(&given) {}

    Shape shape() const { return parameter != nullptr ? parameter->shape() : shape_of(value); }

    std::string name;
    InputInfo info;
    Tensor<T> value;                    ///< unless it is a parameter
    Parameter<T>* parameter = nullptr;  ///< changed during a check, and restored to the last bit
};

/// The list of them: `{{"x", x}, {"W", W}}`, `{model.U, {"x", x}}`, `model.parameters()`. A parameter that
/// two parts of a model share is in it once, by its first name.
template <class T>
class CheckInputs {
  public:
    CheckInputs(std::initializer_list<CheckInput<T>> list) : CheckInputs(std::vector<CheckInput<T>>(list)) {}
    CheckInputs(std::vector<CheckInput<T>> list) {
        for (CheckInput<T>& one : list) add(std::move(one));
    }
    CheckInputs(const ParameterList<T>& parameters) {
        for (const auto& entry : parameters) add({entry.path, *entry.parameter});
    }

    CheckInputs& add(CheckInput<T> more) {
        if (is_listed(more.parameter)) return *this;
        if (more.name.empty()) more.name = "argument " + std::to_string(list_.size());
        list_.push_back(std::move(more));
        return *this;
    }
    /// Says what the axes of the input `name` mean. Throws `std::invalid_argument` when there is none.
    CheckInputs& describe(const std::string& name, InputInfo info);

    const std::vector<CheckInput<T>>& list() const { return list_; }
    std::size_t size() const { return list_.size(); }
    /// Returns the number of tensors, which the function gets as arguments.
    std::size_t tensor_count() const;

  private:
    bool is_listed(const Parameter<T>* parameter) const {
        return parameter != nullptr && std::any_of(list_.begin(), list_.end(), [parameter](const auto& one) {
                   return one.parameter == parameter;
               });
    }

    std::vector<CheckInput<T>> list_;
};

extern template class CheckInputs<float>;
extern template class CheckInputs<double>;

}  // namespace tapeloop
