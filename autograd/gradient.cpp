#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/sweep/find_node.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace tapeloop {
namespace {

// What was asked for and is on the tape: indices, and for each the first place in the list that names it.
template <class T>
struct Asked {
    std::vector<Index> nodes;
    std::vector<std::optional<Index>> of_wrt;
};

template <class T>
Asked<T> find_asked(const Tape<T>& tape, const std::vector<Wrt<T>>& wrt) {
    tape.require_unchanged_parameters();
    Asked<T> asked;
    for (const Wrt<T>& one : wrt) {
        const std::optional<Index> node = detail::node_of(tape, one, "gradient");
        asked.of_wrt.push_back(node);
        if (node.has_value()) asked.nodes.push_back(*node);
    }
    return asked;
}

template <class T>
void require_scalar(const Var<T>& J) {
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("gradient: J is {}; it must have one element, or come as a Root with a cotangent",
                        J.shape().text()));
}

template <class T, class RootType>
Tape<T>& tape_of_roots(const std::vector<RootType>& roots) {
    if (roots.empty()) throw std::invalid_argument("gradient: no root given");
    Tape<T>& tape = roots.front().value.tape();
    for (const RootType& root : roots)
        if (&root.value.tape() != &tape) throw std::logic_error("gradient: the roots lie on different tapes");
    return tape;
}

template <class RootType>
Index last_root(const std::vector<RootType>& roots) {
    Index last = 0;
    for (const RootType& root : roots) last = std::max(last, root.value.index());
    return last;
}

void require_fit(const Shape& value, const Shape& cotangent) {
    if (value != cotangent)
        throw std::invalid_argument(
            fmt::format("gradient: a root is {} and its cotangent {}; they must be equal", value.text(),
                        cotangent.text()));
}

template <class T>
Reach<T> reach_of(const Tape<T>& tape, const Asked<T>& asked, Index last) {
    const Index first = asked.nodes.empty()
                            ? last
                            : std::min(last, *std::min_element(asked.nodes.begin(), asked.nodes.end()));
    return Reach<T>(tape, first, last, asked.nodes);
}

template <class T>
Var<T> constant(Tape<T>& tape, const Tensor<T>& value) {
    return tape.var(tape.constant(shape_of(value), value.data(), Site::current()));
}

template <class T>
Var<T> zeros(Tape<T>& tape, const Shape& shape) {
    Tensor<T> value = uninitialised<T>(shape);
    value.fill(T(0));
    return constant(tape, value);
}

template <class T>
Gradients<T> sweep_roots(const std::vector<Root<T>>& roots, const WrtList<T>& wrt) {
    Tape<T>& tape = tape_of_roots<T>(roots);
    const Asked<T> asked = find_asked(tape, wrt.list());
    for (const Root<T>& root : roots) require_fit(root.value.shape(), shape_of(root.cotangent));

    std::vector<Tensor<T>> values;
    values.reserve(wrt.list().size());
    for (const Wrt<T>& one : wrt.list()) values.push_back(uninitialised<T>(one.shape()));

    Sweep<T> sweep(tape, reach_of(tape, asked, last_root(roots)));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::optional<Index> node = asked.of_wrt[i];
        if (node.has_value() && sweep.wants(*node) && !sweep.is_asked(*node)) sweep.ask(*node, values[i]);
    }
    for (const Root<T>& root : roots)
        if (sweep.wants(root.value.index()))
            sweep.deliver(root.value.index(), root.value.index(),
                          Array<T>(root.value.shape(), const_cast<T*>(root.cotangent.data())));
    sweep.run();
    tape.note_cotangent_bytes(sweep.peak_bytes());

    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::optional<Index> node = asked.of_wrt[i];
        if (!node.has_value() || !sweep.wants(*node) || !sweep.has(*node))
            std::fill_n(values[i].data(), values[i].size(), T(0));
        else if (const Array<T> cotangent = sweep.cotangent(*node); cotangent.data() != values[i].data())
            std::copy_n(cotangent.data(), cotangent.size(), values[i].data());  // asked for twice
    }
    return {wrt.list(), std::move(values)};
}

template <class T>
GradientGraph<T> record_sweep(const std::vector<GraphRoot<T>>& roots, const WrtList<T>& wrt) {
    Tape<T>& tape = tape_of_roots<T>(roots);
    const Asked<T> asked = find_asked(tape, wrt.list());
    for (const GraphRoot<T>& root : roots) require_fit(root.value.shape(), root.cotangent.shape());

    const std::size_t size_before = tape.size();
    try {
        GraphSweep<T> sweep(tape, reach_of(tape, asked, last_root(roots)));
        for (const GraphRoot<T>& root : roots)
            if (sweep.wants(root.value.index()))
                sweep.deliver(root.value.index(), root.value.index(), root.cotangent);
        sweep.run();
        std::vector<Var<T>> values;
        for (std::size_t i = 0; i < asked.of_wrt.size(); ++i) {
            const std::optional<Index> node = asked.of_wrt[i];
            if (node.has_value() && sweep.wants(*node) && sweep.has(*node))
                values.push_back(sweep.cotangent(*node));
            else
                values.push_back(zeros(tape, wrt.list()[i].shape()));
        }
        return {wrt.list(), std::move(values)};
    } catch (...) {
        tape.truncate(size_before);
        throw;
    }
}

template <class T>
WrtList<T> all_of(Tape<T>& tape) {
    std::vector<Wrt<T>> nodes;
    for (Index node = 0; node < tape.size(); ++node)
        if (tape.node(node).data != nullptr) nodes.emplace_back(tape.var(node));
    return nodes;
}

template <class T>
Tensor<T> ones_like(const Var<T>& J) {
    require_scalar(J);
    Tensor<T> ones = uninitialised<T>(J.shape());
    *ones.data() = T(1);
    return ones;
}

template <class T>
GradientGraph<T> record_sweep_from(const Var<T>& J, const WrtList<T>& wrt) {
    const Tensor<T> ones = ones_like(J);
    Tape<T>& tape = J.tape();
    const std::size_t size_before = tape.size();
    try {
        return record_sweep<T>({{J, constant(tape, ones)}}, wrt);
    } catch (...) {
        tape.truncate(size_before);
        throw;
    }
}

}  // namespace

template <class T, class V>
const V& GradientsOf<T, V>::operator[](const Wrt<T>& wrt) const& {
    for (std::size_t i = 0; i < wrt_.size(); ++i)
        if (wrt_[i] == wrt) return values_[i];
    throw std::invalid_argument(
        wrt.parameter() != nullptr
            ? fmt::format("gradients: parameter '{}' was not asked for", wrt.parameter()->name)
            : std::string("gradients: that Var was not asked for"));
}

namespace {

template <class T>
std::string text_of(const Wrt<T>& wrt) {
    return wrt.parameter() != nullptr
               ? fmt::format("parameter '{}' {}", wrt.parameter()->name, wrt.parameter()->shape.text())
               : std::string("a Var");
}

template <class T>
void require_same_list(const Gradients<T>& own, const Gradients<T>& more) {
    if (own.size() != more.size())
        throw std::invalid_argument(
            fmt::format("gradients +=: one list asks for {} and the other for {}; they must ask for the "
                        "same, in the same "
                        "order",
                        own.size(), more.size()));
    for (std::size_t i = 0; i < own.size(); ++i) {
        const Wrt<T>& a = own.wrt()[i];
        const Wrt<T>& b = more.wrt()[i];
        if (!(a == b))
            throw std::invalid_argument(
                fmt::format("gradients +=: at place {} one list asks for {} and the other for {}{}; they "
                            "must ask for the "
                            "same, in the same order",
                            i, text_of(a), a.parameter() == b.parameter() ? "another one" : text_of(b),
                            a.parameter() == nullptr ? " (a Var is of one tape only)" : ""));
        if (shape_of(own.at(i)) != shape_of(more.at(i)))
            throw std::invalid_argument(
                fmt::format("gradients +=: at place {} ({}) one gradient is {} and the other {}", i,
                            text_of(a), shape_of(own.at(i)).text(), shape_of(more.at(i)).text()));
    }
}

}  // namespace

template <class T, class V>
GradientsOf<T, V>& GradientsOf<T, V>::operator+=(
    const GradientsOf& more) requires std::same_as<V, Tensor<T>> {
    require_same_list<T>(*this, more);
    for (std::size_t i = 0; i < values_.size(); ++i) {
        T* sum = values_[i].data();
        const T* added = more.values_[i].data();
        for (std::size_t k = 0; k < values_[i].size(); ++k) sum[k] += added[k];
    }
    return *this;
}

template <class T, class V>
GradientsOf<T, V>& GradientsOf<T, V>::operator*=(double factor) requires std::same_as<V, Tensor<T>> {
    for (Tensor<T>& value : values_) {
        T* elements = value.data();
        for (std::size_t k = 0; k < value.size(); ++k) elements[k] *= static_cast<T>(factor);
    }
    return *this;
}

template <class T, class V>
double GradientsOf<T, V>::norm() const requires std::same_as<V, Tensor<T>> {
    return detail::scaled_norm(*this).value();
}

template <class T, class V>
std::vector<bool> GradientsOf<T, V>::is_first() const {
    std::vector<bool> first(wrt_.size(), true);
    std::set<const void*> parameters;
    std::multimap<Index, std::size_t> vars;  // by index, since a list may hold every node of a tape
    for (std::size_t i = 0; i < wrt_.size(); ++i) {
        if (wrt_[i].parameter() != nullptr) {
            first[i] = parameters.insert(wrt_[i].parameter()).second;
            continue;
        }
        const auto [begin, end] = vars.equal_range(wrt_[i].var().index());
        first[i] = std::none_of(begin, end, [&](const auto& known) { return wrt_[known.second] == wrt_[i]; });
        vars.emplace(wrt_[i].var().index(), i);
    }
    return first;
}

namespace detail {

template <class T>
ScaledNorm scaled_norm(const Gradients<T>& gradients) {
    const std::vector<bool> first = gradients.is_first();
    std::vector<std::span<const T>> arrays;
    for (std::size_t i = 0; i < gradients.size(); ++i)
        if (first[i]) arrays.emplace_back(gradients.at(i).data(), gradients.at(i).size());
    return scaled_norm<T>(std::span<const std::span<const T>>(arrays));
}
template ScaledNorm scaled_norm(const Gradients<float>&);
template ScaledNorm scaled_norm(const Gradients<double>&);

}  // namespace detail

WrtList<float> every_node(Tape<float>& tape) { return all_of(tape); }
WrtList<double> every_node(Tape<double>& tape) { return all_of(tape); }

Gradients<float> gradient(const std::vector<Root<float>>& roots, const WrtList<float>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<double> gradient(const std::vector<Root<double>>& roots, const WrtList<double>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<float> gradient(const Var<float>& J, const WrtList<float>& wrt) {
    return sweep_roots<float>({{J, ones_like(J)}}, wrt);
}
Gradients<double> gradient(const Var<double>& J, const WrtList<double>& wrt) {
    return sweep_roots<double>({{J, ones_like(J)}}, wrt);
}
GradientGraph<float> gradient_graph(const std::vector<GraphRoot<float>>& roots, const WrtList<float>& wrt) {
    return record_sweep(roots, wrt);
}
GradientGraph<double> gradient_graph(const std::vector<GraphRoot<double>>& roots,
                                     const WrtList<double>& wrt) {
    return record_sweep(roots, wrt);
}
GradientGraph<float> gradient_graph(const Var<float>& J, const WrtList<float>& wrt) {
    return record_sweep_from(J, wrt);
}
GradientGraph<double> gradient_graph(const Var<double>& J, const WrtList<double>& wrt) {
    return record_sweep_from(J, wrt);
}

template class GradientsOf<float, Tensor<float>>;
template class GradientsOf<double, Tensor<double>>;
template class GradientsOf<float, Var<float>>;
template class GradientsOf<double, Var<double>>;

}  // namespace tapeloop
