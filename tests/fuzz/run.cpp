#include <tests/fuzz/run.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/recomputed.hpp>

#include <cmath>

namespace tapeloop::fuzz {
namespace {

template <class T>
Vars<T> invoke(const Call& call, const Arguments<T>& arguments) {
    if constexpr (std::same_as<T, double>)
        return call.call(arguments);
    else
        return call.call_float(arguments);
}

/// The inner product. It is on the tape of the values, of which there must be one unless that is the current.
template <class T>
Var<T> projection(const Vars<T>& values, const Tensors& cotangents) {
    if (values.empty()) return input(Operand<T>(0));
    const auto term = [&](std::size_t k) {
        return sum(multiply(values[k], test::rounded<T>(cotangents[k])));
    };
    Var<T> total = term(0);
    for (std::size_t k = 1; k < values.size(); ++k) total += term(k);
    return total;
}

}  // namespace

template <class T>
Run<T>::Run(const Program& program, std::size_t lines_at_once) {
    const std::span<const Line> lines(program.lines);
    const Tensors leaves = program.leaves();
    std::size_t leaf = 0;
    for (std::size_t begin = 0, end = 0; begin < lines.size(); begin = end) {
        for (end = begin; end < lines.size() && end < begin + lines_at_once && !lines[end].leaf;) ++end;
        if (end == begin)
            add_leaf(lines[end++].leaf->kind, leaves[leaf++]);
        else
            add_recomputed(lines.subspan(begin, end - begin));
    }
}

template <class T>
Run<T>::Run(const Program& program, const Tensors& leaves, TapeOptions options, const Tensors* frozen)
    : Run(options) {
    std::size_t leaf = 0;
    for (const Line& line : program.lines) {
        if (line.leaf)
            add_leaf(line.leaf->kind, leaves[leaf++]);
        else if (frozen != nullptr && line.is_constant())
            for (std::size_t k = 0; k < line.results; ++k)
                values_.emplace_back(input(test::rounded<T>((*frozen)[line.first_result + k])));
        else
            add(line.call, line.scope);
    }
}

template <class T>
void Run<T>::add_recomputed(std::span<const Line> lines) {
    const auto compute_all = [lines, values = values_] {
        std::vector<Value<T>> all = values;
        Vars<T> results;
        for (const Line& line : lines)
            for (const Var<T>& result : compute(all, line.call, line.scope)) {
                all.emplace_back(result);
                results.push_back(result);
            }
        return results;
    };
    for (const Var<T>& result : tapeloop::detail::recomputed<T>(compute_all, CallSite::current()))
        values_.emplace_back(result);
}

template <class T>
void Run<T>::add_leaf(LeafKind kind, const Tensor<double>& value) {
    const Tensor<T> own = test::rounded<T>(value);
    switch (kind) {
        case LeafKind::input:
            values_.emplace_back(input(own));
            wrt_.emplace_back(*values_.back().var);
            break;
        case LeafKind::parameter:
            parameters_.emplace_back("p" + std::to_string(size()), own);
            values_.emplace_back(&parameters_.back());
            wrt_.emplace_back(parameters_.back());
            break;
        case LeafKind::tensor:
            tensors_.push_back(own);
            values_.emplace_back(&tensors_.back());
            break;
        case LeafKind::number:
            values_.emplace_back(own.data()[0]);
    }
}

template <class T>
Vars<T> Run<T>::compute(const std::vector<Value<T>>& values, const Call& call, Scope scope) {
    std::vector<Value<T>> arguments;
    for (Id id : call.arguments) arguments.push_back(values[id]);
    const Arguments<T> all(std::move(arguments));
    switch (scope) {
        case Scope::label: {
            LabelScope<T> label("part");
            return invoke(call, all);
        }
        case Scope::paused: {
            Paused<T> paused;
            return invoke(call, all);
        }
        default:
            return invoke(call, all);
    }
}

template <class T>
std::size_t Run<T>::add(const Call& call, Scope scope) {
    const Vars<T> results = compute(values_, call, scope);
    for (const Var<T>& result : results) values_.emplace_back(result);
    return results.size();
}

template <class T>
Tensor<double> Run<T>::value(Id id) const {
    const Value<T>& one = values_[id];
    if (one.var) return test::as_double(one.var->value());
    if (one.parameter != nullptr) return test::as_double(one.parameter->value());
    if (one.tensor != nullptr) return test::as_double(*one.tensor);
    return test::filled({}, static_cast<double>(*one.number));
}

template <class T>
Tensors Run<T>::values() const {
    Tensors all;
    for (Id id = 0; id < size(); ++id) all.push_back(value(id));
    return all;
}

template <class T>
std::vector<GradientRoot<T>> Run<T>::roots(const std::vector<ProgramRoot>& roots) const {
    std::vector<GradientRoot<T>> all;
    for (const ProgramRoot& root : roots)
        all.push_back({values_[root.value].var.value(), test::rounded<T>(root.cotangent)});
    return all;
}

template <class T>
Var<T> Run<T>::loss(const std::vector<ProgramRoot>& roots) {
    Vars<T> values;
    Tensors cotangents;
    for (const ProgramRoot& root : roots) {
        values.push_back(values_[root.value].var.value());
        cotangents.push_back(root.cotangent);
    }
    return projection(values, cotangents);
}

template <class T>
Alone<T>::Alone(const Call& call, const Tensors& values) {
    std::vector<Value<T>> given;
    for (const Tensor<double>& value : values) {
        arguments.push_back(input(test::rounded<T>(value)));
        given.emplace_back(arguments.back());
    }
    results = invoke(call, Arguments<T>(given));
}

template <class T>
Tensors Alone<T>::values() const {
    Tensors all;
    for (const Var<T>& result : results) all.push_back(test::as_double(result.value()));
    return all;
}

template <class T>
Tensors Alone<T>::gradients(const Tensors& cotangents) const {
    Tensors all;
    if (results.empty()) {
        for (const Var<T>& one : arguments) all.push_back(test::filled(one.shape(), 0));
        return all;
    }
    const std::vector<Wrt<T>> wrt(arguments.begin(), arguments.end());
    for (const Tensor<T>& one : gradient(projection(results, cotangents), wrt))
        all.push_back(test::as_double(one));
    return all;
}

bool is_finite(const Tensors& all) {
    return std::all_of(all.begin(), all.end(), [](const Tensor<double>& one) {
        return std::all_of(one.begin(), one.end(), [](double x) { return std::isfinite(x); });
    });
}

template class Run<float>;
template class Run<double>;
template struct Alone<float>;
template struct Alone<double>;

}  // namespace tapeloop::fuzz
