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
void GradientSweep<T>::finish(std::size_t place) {
    Tensor<T>& value = gradients_.at(place);
    const std::optional<NodeIndex> node = asked_.reached(place);
    if (!node.has_value() || !sweep_.has(*node))
        std::fill_n(value.data(), value.size(), T(0));
    else if (const Array<T> there = sweep_.cotangent(*node); there.data() != value.data())
        std::copy_n(there.data(), there.size(), value.data());  // asked for twice
}

template <class T>
void GradientSweep<T>::finish() {
    for (std::size_t place = 0; place < gradients_.size(); ++place) finish(place);
}

template <class T>
void GradientSweep<T>::run() {
    deliver_roots();
    sweep_.run();
    asked_.tape.note_sweep(sweep_.figures());
    finish();
}

template <class T>
std::vector<typename GradientSweep<T>::Completion> GradientSweep<T>::completions() const {
    std::vector<Completion> list;
    for (std::size_t place = 0; place < gradients_.size(); ++place) {
        const std::optional<NodeIndex> node = asked_.reached(place);
        if (!node.has_value()) continue;
        // The cotangent of one of several results is read until their operation, in front of them, was taken.
        const bool is_result = asked_.tape.node(*node).results == result_mark;
        list.push_back({is_result ? asked_.tape.inputs(*node)[0] : *node, place});
    }
    std::sort(list.begin(), list.end());
    return list;
}

template <class T>
void GradientSweep<T>::run_for(GradientReceiver<T>& receiver) {
    const auto hand_over = [&](std::size_t place) {
        finish(place);
        receiver.take(place, std::move(gradients_.at(place)));
    };
    for (std::size_t place = 0; place < gradients_.size(); ++place)
        if (!asked_.reached(place).has_value()) hand_over(place);
    // From the back, so that what is asked for twice is copied before the first place, which has it, goes.
    std::vector<Completion> left = completions();
    deliver_roots();
    for (NodeIndex node = asked_.reach.last() + 1; node-- > asked_.reach.first();) {
        if (!sweep_.wants(node)) continue;
        sweep_.visit(node);
        for (; !left.empty() && left.back().node == node; left.pop_back()) hand_over(left.back().place);
        receiver.advanced();
    }
    for (; !left.empty(); left.pop_back()) hand_over(left.back().place);  // an operation in front of all
    asked_.tape.note_sweep(sweep_.figures());
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
