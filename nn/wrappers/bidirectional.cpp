#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <nn/wrappers/bidirectional.hpp>

#include <stdexcept>

namespace tapeloop::nn {
namespace {

template <class T>
Var<T> merged(Merge how, const Var<T>& forward, const Var<T>& backward) {
    if (how == Merge::concat) return concatenate({forward, backward}, -1);
    if (forward.shape() != backward.shape())
        throw std::invalid_argument(
            fmt::format("merge: the forward outputs are {} and the backward ones {}; only `concat` takes two "
                        "shapes",
                        forward.shape().text(), backward.shape().text()));
    switch (how) {
        case Merge::sum:
            return forward + backward;
        case Merge::product:
            return forward * backward;
        case Merge::average:
            return (forward + backward) * 0.5;
        case Merge::concat:
            break;
    }
    throw std::invalid_argument("merge: not one of the values of Merge");
}

}  // namespace

Var<float> merge(Merge how, const Var<float>& forward, const Var<float>& backward) {
    return merged(how, forward, backward);
}
Var<double> merge(Merge how, const Var<double>& forward, const Var<double>& backward) {
    return merged(how, forward, backward);
}

}  // namespace tapeloop::nn
