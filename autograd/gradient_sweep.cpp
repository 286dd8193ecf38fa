#include <autograd/gradient_sweep.hpp>

#include <algorithm>

namespace tapeloop::detail {

template <class T>
Gradients<T> GradientSweep<T>::uninitialised_for(const WrtList<T>& wrt) {
    std::vector<Tensor<T>> values;
    values.reserve(wrt.list().size());
    for (const Wrt<T>& one : wrt.list()) values.push_back(uninitialised<T>(one.shape()));
    return {wrt.list(), std::move(values)};
}

template <class T>
GradientSweep<T>::GradientSweep(std::vector<GradientRoot<T>> roots, const WrtList<T>& wrt)
    : roots_(std::move(roots)),
      asked_(request<T>(roots_, wrt)),
      gradients_(uninitialised_for(wrt)),
      sweep_(asked_.tape, asked_.reach) {
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
        const std::optional<NodeIndex> node = asked_.reached(i);
        if (node.has_value() && !sweep_.is_asked(*node)) sweep_.ask(*node, gradients_.at(i));
    }
}

template <class T>
void GradientSweep<T>::deliver_roots() {
    for (const GradientRoot<T>& root : roots_)
        if (const NodeIndex node = root.value.index(); sweep_.wants(node))
            sweep_.deliver(node, node, Array<T>(root.value.shape(), root.cotangent.data()));
}

template <class T>
void GradientSweep<T>::finish() {
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
        Tensor<T>& value = gradients_.at(i);
        const std::optional<NodeIndex> node = asked_.reached(i);
        if (!node.has_value() || !sweep_.has(*node))
            std::fill_n(value.data(), value.size(), T(0));
        else if (const Array<T> there = sweep_.cotangent(*node); there.data() != value.data())
            std::copy_n(there.data(), there.size(), value.data());  // asked for twice
    }
}

template <class T>
void GradientSweep<T>::run() {
    deliver_roots();
    sweep_.run();
    asked_.tape.note_sweep(sweep_.figures());
    finish();
}

template <class T>
void GradientSweep<T>::run_into(Steps<T>& steps) {
    steps.add([this] {
        sweep_.restart();
        deliver_roots();
    });
    deliver_roots();
    sweep_.run_into(steps);
    steps.add([this] { finish(); });
    asked_.tape.note_sweep(sweep_.figures());
    finish();
}

template class GradientSweep<float>;
template class GradientSweep<double>;

}  // namespace tapeloop::detail
