#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/sweep/graph_sweep.hpp>
#include <autograd/sweep/request.hpp>
#include <autograd/watch.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace tapeloop {

using namespace detail;

namespace {

/// Gives what the rules of a node record the node's own label, below `adjoint`: what is recorded for
/// `encoder/t=3` stands under `adjoint/encoder/t=3`, and so in that time step.
template <class T>
class AdjointLabels {
  public:
    explicit AdjointLabels(Tape<T>& tape) : tape_(tape), outer_(tape.current_label()) {}
    ~AdjointLabels() { tape_.set_current_label(outer_); }
    AdjointLabels(const AdjointLabels&) = delete;
    AdjointLabels& operator=(const AdjointLabels&) = delete;

    void enter_that_of(NodeIndex node) {
        const auto [known, is_new] = known_.try_emplace(tape_.node(node).label);
        if (is_new) known->second = opened(tape_.label(node));
        tape_.set_current_label(known->second);
    }

  private:
    LabelIndex opened(const std::string& path) {
        if (path.empty()) return below(outer_, "adjoint");
        const std::size_t slash = path.rfind('/');
        const bool is_alone = slash == std::string::npos;
        return below(opened(is_alone ? "" : path.substr(0, slash)), is_alone ? path : path.substr(slash + 1));
    }
    LabelIndex below(LabelIndex parent, const std::string& part) {
        const auto [known, is_new] = opened_.try_emplace({parent, part});
        if (is_new) {
            const std::optional<std::size_t> step = time_step_in(part);
            known->second =
                tape_.open_label(parent, step.has_value() ? "t" : part,
                                 step.has_value() ? static_cast<std::ptrdiff_t>(*step) : std::ptrdiff_t{-1});
        }
        return known->second;
    }
    /// 3 in `t=3`
    static std::optional<std::size_t> time_step_in(std::string_view part) {
        if (!part.starts_with("t=")) return {};
        std::size_t step = 0;
        const char* const end = part.data() + part.size();
        const auto [read, error] = std::from_chars(part.data() + 2, end, step);
        return error == std::errc() && read == end ? std::optional(step) : std::nullopt;
    }

    Tape<T>& tape_;
    LabelIndex outer_;
    std::unordered_map<LabelIndex, LabelIndex> known_;
    std::map<std::pair<LabelIndex, std::string>, LabelIndex> opened_;
};

}  // namespace

namespace detail {

template <class T>
GraphSweep<T>::GraphSweep(Tape<T>& tape, Reach<T> reach)
    : tape_(tape), reach_(std::move(reach)), slots_(reach_.last() - reach_.first() + 1) {}

template <class T>
void GraphSweep<T>::deliver(NodeIndex receiver_of, NodeIndex node, const Var<T>& contribution) {
    const Shape shape = tape_.node(node).shape;
    Var<T> fitting = contribution;
    if (contribution.shape() != shape) {
        if (broadcasts_to(shape, contribution.shape()))
            fitting = sum_to(contribution, shape);
        else if (broadcasts_to(contribution.shape(), shape))
            fitting = broadcast_to(contribution, shape);
        else
            fail_contribution(tape_, receiver_of, node, contribution.shape());
    }
    std::optional<Var<T>>& own = slot(node);
    own = own.has_value() ? add(*own, fitting) : fitting;
}

template <class T>
void GraphSweep<T>::run() {
    walk(reach_.first(), reach_.last() + 1);
}

template <class T>
void GraphSweep<T>::run_recomputed(NodeIndex first, std::span<const NodeIndex> roots, NodeIndex node) {
    const auto end = static_cast<NodeIndex>(tape_.size());
    for (NodeIndex one = first; one < end; ++one) {
        const auto inputs = tape_.inputs(one);
        if (std::any_of(inputs.begin(), inputs.end(), [&](NodeIndex input) { return wants(input); }))
            recomputed_.try_emplace(one);
    }
    for (std::size_t k = 0; k < roots.size(); ++k)
        if (const auto result = static_cast<NodeIndex>(node + 1 + k); has(result) && wants(roots[k]))
            deliver(roots[k], roots[k], cotangent(result));
    walk(first, end);
    for (NodeIndex one = first; one < end; ++one) recomputed_.erase(one);
}

template <class T>
void GraphSweep<T>::walk(NodeIndex first, NodeIndex end) {
    AdjointLabels<T> labels(tape_);
    for (NodeIndex node = end; node-- > first;) {
        if (!wants(node)) continue;
        const NodeIndex results = tape_.node(node).results;
        if (results == result_mark) continue;
        bool reached = has(node);
        for (NodeIndex result = 0; result < results; ++result) reached = reached || has(node + 1 + result);
        if (!reached) continue;
        labels.enter_that_of(node);
        try {
            tape_.node(node).operation->pull(*this, node);
        } catch (const NonFinite& error) {
            throw error.while_differentiating(tape_.describe(node));
        }
    }
}

}  // namespace detail

namespace {

template <class T>
Var<T> node_of_zeros(Tape<T>& tape, const Shape& shape) {
    return tape.var(tape.constant(shape, Array<T>::filled(shape, T(0)).data(), CallSite::current()));
}

template <class T>
GradientGraph<T> record_sweep(const std::vector<GradientGraphRoot<T>>& roots, const WrtList<T>& wrt) {
    const detail::Request<T> asked = detail::request(roots, wrt);
    detail::Rollback rollback(asked.tape);
    GraphSweep<T> sweep(asked.tape, asked.reach);
    for (const GradientGraphRoot<T>& root : roots)
        if (sweep.wants(root.value.index()))
            sweep.deliver(root.value.index(), root.value.index(), root.cotangent);
    sweep.run();
    std::vector<Var<T>> values;
    for (std::size_t i = 0; i < wrt.list().size(); ++i) {
        const std::optional<NodeIndex> node = asked.reached(i);
        values.push_back(node.has_value() && sweep.has(*node)
                             ? sweep.cotangent(*node)
                             : node_of_zeros(asked.tape, wrt.list()[i].shape()));
    }
    rollback.keep();
    return {wrt.list(), std::move(values)};
}

template <class T>
GradientGraph<T> record_sweep_from(const Var<T>& J, const WrtList<T>& wrt) {
    const Tensor<T> one = detail::cotangent_of_scalar(J);
    Tape<T>& tape = J.tape();
    detail::Rollback rollback(tape);
    return rollback.keep(
        record_sweep<T>({{J, tape.var(tape.constant(J.shape(), one.data(), CallSite::current()))}}, wrt));
}

}  // namespace

GradientGraph<float> gradient_graph(const std::vector<GradientGraphRoot<float>>& roots,
                                    const WrtList<float>& wrt) {
    return record_sweep(roots, wrt);
}
GradientGraph<double> gradient_graph(const std::vector<GradientGraphRoot<double>>& roots,
                                     const WrtList<double>& wrt) {
    return record_sweep(roots, wrt);
}
GradientGraph<float> gradient_graph(const Var<float>& J, const WrtList<float>& wrt) {
    return record_sweep_from(J, wrt);
}
GradientGraph<double> gradient_graph(const Var<double>& J, const WrtList<double>& wrt) {
    return record_sweep_from(J, wrt);
}

namespace detail {

template class GraphSweep<float>;
template class GraphSweep<double>;

}  // namespace detail

}  // namespace tapeloop
