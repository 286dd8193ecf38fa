#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/subject.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

template <class T>
CheckInputs<T>& CheckInputs<T>::describe(const std::string& name, InputInfo info) {
    for (CheckInput<T>& one : list_) {
        if (one.name != name) continue;
        one.info = std::move(info);
        return *this;
    }
    throw std::invalid_argument(fmt::format("check_gradient: there is no input '{}' to describe", name));
}

template <class T>
std::size_t CheckInputs<T>::tensor_count() const {
    return static_cast<std::size_t>(
        std::count_if(list_.begin(), list_.end(), [](const auto& one) { return one.parameter == nullptr; }));
}

template class CheckInputs<float>;
template class CheckInputs<double>;

namespace detail {

void fail_arguments(std::size_t tensors) {
    throw std::invalid_argument(fmt::format(
        "check_gradient: the inputs have {} tensors, and f cannot be called with {} Vars; it takes one per "
        "tensor, or a std::vector of them",
        tensors, tensors));
}

namespace {

template <class T>
void append_elements(std::vector<double>& to, const T* elements, std::size_t size) {
    to.insert(to.end(), elements, elements + size);
}

void require_info(const std::string& name, const Shape& shape, const InputInfo& info) {
    if (!info.axes.empty() && info.axes.size() != shape.rank())
        throw std::invalid_argument(
            fmt::format("check_gradient: '{}' is {} and {} axes are named; name all or none", name,
                        shape.text(), info.axes.size()));
    if (!info.gates.empty() && (shape.rank() == 0 || shape.back() % info.gates.size() != 0))
        throw std::invalid_argument(
            fmt::format("check_gradient: '{}' is {} and has {} gates; they must divide the last axis", name,
                        shape.text(), info.gates.size()));
}

}  // namespace

template <class T>
Subject<T>::Subject(const CheckFunction<T>& f, const CheckInputs<T>& inputs, int order, std::uint64_t seed)
    : f_(f), inputs_(inputs.list()), own_inputs_(inputs.size()), order_(order) {
    for (const CheckInput<T>& one : inputs_) {
        require_info(one.name, one.shape(), one.info);
        if (one.parameter != nullptr) saved_.add(*one.parameter);
    }
    if (order_ == 1) return;
    // The gradient is a function of the cotangents as well.
    CheckRandom random(seed);
    Tape<T> tape;
    const Paused<T> paused;
    std::size_t count = 0;
    for (const Var<T>& result : run(tape).results) {
        Tensor<T> cotangent = uninitialised<T>(result.shape());
        for (T& element : cotangent) element = static_cast<T>(random.weight());
        inputs_.emplace_back(fmt::format("cotangent of result {}", count++), cotangent);
    }
}

template <class T>
std::span<T> Subject<T>::elements(std::size_t k) {
    CheckInput<T>& one = inputs_[k];
    // Not `update`: no tape outlives an evaluation, and a version per element would mean nothing.
    Tensor<T>& value = one.parameter != nullptr ? one.parameter->storage()->value : one.value;
    return {value.data(), value.size()};
}

template <class T>
typename Subject<T>::Run Subject<T>::run(Tape<T>& tape) {
    ++evaluations_;
    tape_ = &tape;
    Run run;
    std::vector<Var<T>> tensors;
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
        const CheckInput<T>& one = inputs_[k];
        run.arguments.push_back(one.parameter != nullptr ? Var<T>() : tapeloop::input(one.value));
        if (one.parameter == nullptr && k < own_inputs_) tensors.push_back(run.arguments.back());
    }
    run.results = f_(tensors);
    for (const Var<T>& result : run.results)
        if (&result.tape() != &tape)
            throw std::logic_error(
                "check_gradient: f records on another tape than the current one; it must not use a Var from "
                "outside (pass it as an input, or its value())");
    if (run.results.empty()) throw std::invalid_argument("check_gradient: f gives no result");
    return run;
}

template <class T>
WrtList<T> Subject<T>::wrt(const Run& run) const {
    std::vector<Wrt<T>> list;
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
        if (inputs_[k].parameter != nullptr)
            list.emplace_back(*inputs_[k].parameter);
        else
            list.emplace_back(run.arguments[k]);
    }
    return list;
}

template <class T>
std::vector<GradientRoot<T>> Subject<T>::roots(const std::vector<Var<T>>& results,
                                               std::span<const double> cotangent) const {
    std::vector<GradientRoot<T>> roots;
    for (const Var<T>& result : results) {
        Tensor<T> part = uninitialised<T>(result.shape());
        std::transform(cotangent.begin(), cotangent.begin() + static_cast<std::ptrdiff_t>(part.size()),
                       part.data(), [](double element) { return static_cast<T>(element); });
        cotangent = cotangent.subspan(part.size());
        roots.push_back({result, std::move(part)});
    }
    return roots;
}

template <class T>
std::vector<GradientRoot<T>> Subject<T>::own_roots(const Run& run) const {
    std::vector<GradientRoot<T>> roots;
    for (std::size_t r = 0; r < run.results.size(); ++r)
        roots.push_back({run.results[r], inputs_[own_inputs_ + r].value});
    return roots;
}

template <class T>
void Subject<T>::evaluate(std::vector<double>& results) {
    results.clear();
    if (order_ == 2) return evaluate_gradient(results);
    Tape<T> tape;
    tape.set_recording(recording_);
    const Run run = this->run(tape);
    result_shapes_.clear();
    for (const Var<T>& result : run.results) {
        const Array<T> value = result.array();
        append_elements(results, value.data(), value.size());
        result_shapes_.push_back(value.shape());
    }
}

// By arrays, so that the recorded rules are held against the others.
template <class T>
void Subject<T>::evaluate_gradient(std::vector<double>& results) {
    Tape<T> tape;
    const Run run = this->run(tape);
    std::vector<Wrt<T>> by = wrt(run).list();
    by.resize(own_inputs_, by.front());
    result_shapes_.clear();
    for (const Tensor<T>& gradient : gradient(own_roots(run), by)) {
        append_elements(results, gradient.data(), gradient.size());
        result_shapes_.push_back(shape_of(gradient));
    }
}

template <class T>
std::vector<Var<T>> Subject<T>::differentiated(const Run& run) const {
    if (order_ == 1) return run.results;
    std::vector<GradientGraphRoot<T>> graph_roots;
    for (std::size_t r = 0; r < run.results.size(); ++r)
        graph_roots.push_back({run.results[r], run.arguments[own_inputs_ + r]});
    std::vector<Wrt<T>> by = wrt(run).list();
    by.resize(own_inputs_, by.front());
    const GradientGraph<T> first = gradient_graph(graph_roots, by);
    return {first.begin(), first.end()};
}

template <class T>
typename Subject<T>::Differentiated Subject<T>::differentiate(std::span<const double> cotangent) {
    Tape<T> tape;
    const Run run = this->run(tape);
    const std::vector<Var<T>> results = this->differentiated(run);
    Differentiated found;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (!tape.inputs(node).empty()) found.computed += tape.node(node).shape.size();
    for (const Var<T>& result : results) {
        const Array<T> value = result.array();
        append_elements(found.results, value.data(), value.size());
    }
    for (const Tensor<T>& one : gradient(roots(results, cotangent), wrt(run))) {
        found.gradients.emplace_back();
        append_elements(found.gradients.back(), one.data(), one.size());
    }
    return found;
}

template class Subject<float>;
template class Subject<double>;

}  // namespace detail
}  // namespace tapeloop
