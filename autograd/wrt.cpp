#include <fmt/format.h>
#include <autograd/wrt.hpp>

#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
WrtList<T> all_of(Tape<T>& tape) {
    std::vector<Wrt<T>> nodes;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (tape.node(node).data != nullptr) nodes.emplace_back(tape.parameter(node), tape.var(node));
    return nodes;
}

}  // namespace

WrtList<float> every_node(Tape<float>& tape) { return all_of(tape); }
WrtList<double> every_node(Tape<double>& tape) { return all_of(tape); }

template <class T>
std::optional<NodeIndex> detail::find_node(const Tape<T>& tape, const Wrt<T>& wrt, std::string_view caller) {
    if (wrt.parameter() != nullptr) {
        const NodeIndex* leaf = tape.find(wrt.parameter());
        return leaf == nullptr ? std::nullopt : std::optional(*leaf);
    }
    if (&wrt.var().tape() != &tape)
        throw std::logic_error(fmt::format("{}: asked for a Var of another tape", caller));
    return wrt.var().index();
}

template std::optional<NodeIndex> detail::find_node(const Tape<float>&, const Wrt<float>&, std::string_view);
template std::optional<NodeIndex> detail::find_node(const Tape<double>&, const Wrt<double>&,
                                                    std::string_view);

}  // namespace tapeloop
