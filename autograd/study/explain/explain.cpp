#include <fmt/format.h>
#include <autograd/study/explain/explainer.hpp>
#include <autograd/wrt.hpp>

#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
std::string name_of(const Tape<T>& tape, const Wrt<T>& of, std::optional<NodeIndex> index) {
    if (of.parameter() != nullptr) return fmt::format("parameter '{}'", of.parameter()->name);
    return tape.describe(*index);
}

template <class T>
Explanation explained(const Var<T>& J, const Wrt<T>& of, const ExplainOptions& options) {
    Tape<T>& tape = J.tape();
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("explain: J is {}; it must have one element", J.shape().text()));
    const std::optional<NodeIndex> index = detail::find_node(tape, of, "explain");
    tape.require_unchanged_parameters();
    const bool has_path = index.has_value() && *index <= J.index() && dependents(tape, *index)[J.index()];
    std::string name = name_of(tape, of, index);
    if (!has_path) return explained_without_path(tape, J.index(), index, std::move(name), options);
    ExplainedSweep<T> sweep(J, options);
    const std::vector<Hop> path = largest_path(tape, J.index(), *index, sweep.cotangents());
    return sweep.explained(*index, std::move(name), path);
}

}  // namespace

Explanation explain(const Var<float>& J, const Wrt<float>& of, const ExplainOptions& options) {
    return explained(J, of, options);
}
Explanation explain(const Var<double>& J, const Wrt<double>& of, const ExplainOptions& options) {
    return explained(J, of, options);
}

}  // namespace tapeloop
