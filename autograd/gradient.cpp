#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/sweep/request.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop {
namespace {

template <class T>
Gradients<T> sweep_roots(const std::vector<Root<T>>& roots, const WrtList<T>& wrt) {
    const detail::Request<T> asked = detail::request(roots, wrt);
    std::vector<Tensor<T>> values;
    values.reserve(wrt.list().size());
    for (const Wrt<T>& one : wrt.list()) values.push_back(uninitialised<T>(one.shape()));

    Sweep<T> sweep(asked.tape, asked.reach);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::optional<Index> node = asked.reached(i);
        if (node.has_value() && !sweep.is_asked(*node)) sweep.ask(*node, values[i]);
    }
    for (const Root<T>& root : roots)
        if (sweep.wants(root.value.index()))
            sweep.deliver(root.value.index(), root.value.index(),
                          Array<T>(root.value.shape(), root.cotangent.data()));
    sweep.run();
    asked.tape.note_cotangent_bytes(sweep.peak_bytes());

    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::optional<Index> node = asked.reached(i);
        if (!node.has_value() || !sweep.has(*node))
            std::fill_n(values[i].data(), values[i].size(), T(0));
        else if (const Array<T> cotangent = sweep.cotangent(*node); cotangent.data() != values[i].data())
            std::copy_n(cotangent.data(), cotangent.size(), values[i].data());  // asked for twice
    }
    return {wrt.list(), std::move(values)};
}

}  // namespace

template <class T, class V>
std::size_t GradientsOf<T, V>::place_of(const Wrt<T>& wrt) const {
    for (std::size_t i = 0; i < wrt_.size(); ++i)
        if (wrt_[i] == wrt) return i;
    throw std::invalid_argument(
        wrt.parameter() != nullptr
            ? fmt::format("gradients: parameter '{}' was not asked for", wrt.parameter()->name)
            : std::string("gradients: that Var was not asked for"));
}

Gradients<float> gradient(const std::vector<Root<float>>& roots, const WrtList<float>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<double> gradient(const std::vector<Root<double>>& roots, const WrtList<double>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<float> gradient(const Var<float>& J, const WrtList<float>& wrt) {
    return sweep_roots<float>({{J, detail::cotangent_of_scalar(J)}}, wrt);
}
Gradients<double> gradient(const Var<double>& J, const WrtList<double>& wrt) {
    return sweep_roots<double>({{J, detail::cotangent_of_scalar(J)}}, wrt);
}
template class GradientsOf<float, Tensor<float>>;
template class GradientsOf<double, Tensor<double>>;
template class GradientsOf<float, Var<float>>;
template class GradientsOf<double, Var<double>>;

}  // namespace tapeloop
