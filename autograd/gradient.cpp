#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/record/attempt.hpp>
#include <autograd/sweep/find_node.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
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

    detail::Attempt attempt(tape);  // a rule of the user's may record
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
    attempt.keep();
    return {wrt.list(), std::move(values)};
}

template <class T>
GradientGraph<T> record_sweep(const std::vector<GraphRoot<T>>& roots, const WrtList<T>& wrt) {
    Tape<T>& tape = tape_of_roots<T>(roots);
    const Asked<T> asked = find_asked(tape, wrt.list());
    for (const GraphRoot<T>& root : roots) {
        require_fit(root.value.shape(), root.cotangent.shape());
        if (&root.cotangent.tape() != &tape)
            throw std::logic_error(
                "gradient: a root's cotangent lies on another tape; pass its value() through input()");
    }

    detail::Attempt attempt(tape);
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
    attempt.keep();
    return {wrt.list(), std::move(values)};
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
    detail::Attempt attempt(tape);
    GradientGraph<T> gradients = record_sweep<T>({{J, constant(tape, ones)}}, wrt);
    attempt.keep();
    return gradients;
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
