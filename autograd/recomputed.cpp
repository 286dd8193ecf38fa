#include <fmt/format.h>
#include <autograd/recomputed.hpp>
#include <autograd/record/draws.hpp>
#include <autograd/record/open_tapes.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/sweep/graph_sweep.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace tapeloop::detail {

namespace {

constexpr Description of_recomputed{.equation = "y = f(x), and what f computes on the way is not kept"};

template <class T>
using Computation = std::function<std::vector<Var<T>>()>;

/// A scope in which a computation runs on a tape as it did when it was recorded, whoever differentiates now.
template <class T>
class AsRecorded {
  public:
    AsRecorded(Tape<T>& tape, LabelIndex label, Draws<T>& draws)
        : tape_(tape),
          current_(tape),
          drawing_(tape, draws),
          label_(tape.current_label()),
          recording_(tape.recording()) {
        tape.set_current_label(label);
        tape.set_recording(true);
    }
    ~AsRecorded() {
        tape_.set_recording(recording_);
        tape_.set_current_label(label_);
    }
    AsRecorded(const AsRecorded&) = delete;
    AsRecorded& operator=(const AsRecorded&) = delete;

  private:
    Tape<T>& tape_;
    AsCurrent<T> current_;
    DrawingThrough<T> drawing_;
    LabelIndex label_;
    bool recording_;
};

template <class T>
class Recomputed final : public Operation<T> {
  public:
    /// `places` says which of the results of `compute` are those of the node.
    Recomputed(Computation<T> compute, std::vector<std::size_t> places, std::unique_ptr<Draws<T>> draws)
        : compute_(std::move(compute)), places_(std::move(places)), draws_(std::move(draws)) {}

    std::string_view name() const override { return "recomputed"; }
    const Description& description() const override { return of_recomputed; }

    void repeat(Steps<T>& steps, NodeIndex node) const override {
        std::vector<Buffer<T>> results;
        for (std::size_t k = 0; k < places_.size(); ++k) results.push_back(steps.place(result(node, k)));
        steps.add([this, &tape = steps.tape(), node, results = std::move(results)] {
            const Rollback<T> taken_back(tape);
            draws_->renew();
            const std::vector<Var<T>> again = run(tape, node);
            for (std::size_t k = 0; k < results.size(); ++k) {
                const Array<T> value = tape.array(again[places_[k]].index());
                std::copy_n(value.data(), value.size(), results[k].data());
            }
        });
    }
    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        Tape<T>& tape = sweep.tape();
        const Rollback<T> taken_back(tape);
        const auto mark = tape.mark();
        const std::vector<NodeIndex> roots = run_again(tape, node);
        sweep.run_recomputed(mark, roots, node);
    }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override {
        const auto first = static_cast<NodeIndex>(sweep.tape().size());
        const std::vector<NodeIndex> roots = run_again(sweep.tape(), node);
        sweep.run_recomputed(first, roots, node);
    }

  private:
    static NodeIndex result(NodeIndex node, std::size_t k) { return static_cast<NodeIndex>(node + 1 + k); }

    std::vector<Var<T>> run(Tape<T>& tape, NodeIndex node) const {
        const AsRecorded<T> scope(tape, tape.node(node).label, *draws_);
        std::vector<Var<T>> again = compute_();
        for (std::size_t k = 0; k < places_.size(); ++k)
            if (places_[k] >= again.size() || again[places_[k]].shape() != tape.node(result(node, k)).shape)
                fail(tape, node);
        return again;
    }
    /// Computes the same once more and returns the nodes of the results.
    std::vector<NodeIndex> run_again(Tape<T>& tape, NodeIndex node) const {
        const auto first = static_cast<NodeIndex>(tape.size());
        draws_->repeat();
        const std::vector<Var<T>> again = run(tape, node);
        std::vector<NodeIndex> roots;
        for (std::size_t k = 0; k < places_.size(); ++k) {
            const Var<T>& root = again[places_[k]];
            const Array<T> before = tape.array(result(node, k));
            if (&root.tape() != &tape || root.index() < first ||
                std::memcmp(tape.array(root.index()).data(), before.data(), before.size() * sizeof(T)) != 0)
                fail(tape, node);
            roots.push_back(root.index());
        }
        return roots;
    }
    [[noreturn]] static void fail(const Tape<T>& tape, NodeIndex node) {
        throw std::logic_error(
            fmt::format("{}: its function gave other values when it was computed again, so that its gradient "
                        "would be wrong; it must depend on nothing that changes until then, and draw by "
                        "`drawn` alone",
                        tape.describe(node)));
    }

    Computation<T> compute_;
    std::vector<std::size_t> places_;
    std::unique_ptr<Draws<T>> draws_;  // of one node: each has an operation of its own
};

/// A computation that was recorded, and is to be taken back: what has to stay.
template <class T>
struct Kept {
    std::vector<Buffer<T>> values;    ///< of the results that it computed, each once
    std::vector<std::size_t> places;  ///< of these among all that it returned
    /// For each that it returned, which of `values` it is; none for a node that was there before.
    std::vector<std::optional<std::size_t>> sources;
    std::vector<NodeIndex> inputs;  ///< that were there before
    std::vector<std::shared_ptr<typename Parameter<T>::Storage>> parameters;

    Kept(const Tape<T>& tape, NodeIndex first, const std::vector<Var<T>>& returned) {
        std::vector<NodeIndex> nodes;
        for (std::size_t place = 0; place < returned.size(); ++place) {
            const Var<T>& one = returned[place];
            if (&one.tape() != &tape)
                throw std::logic_error(
                    "recomputed: the function returns a Var of another tape than the current one");
            if (one.index() < first) {
                sources.emplace_back();
                continue;
            }
            const auto known = std::find(nodes.begin(), nodes.end(), one.index());
            sources.emplace_back(static_cast<std::size_t>(known - nodes.begin()));
            if (known != nodes.end()) continue;
            nodes.push_back(one.index());
            places.push_back(place);
            const Array<T> value = tape.array(one.index());
            values.emplace_back(value.shape());
            std::copy_n(value.data(), value.size(), values.back().data());
        }
        for (NodeIndex node = first; node < tape.size(); ++node) {
            for (const NodeIndex input : tape.inputs(node))
                if (input < first) inputs.push_back(input);
            if (!tape.inputs(node).empty()) continue;
            if (auto parameter = tape.parameter(node); parameter != nullptr)
                parameters.push_back(std::move(parameter));
        }
        std::sort(inputs.begin(), inputs.end());
        inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    }
};

}  // namespace

template <class T>
std::vector<Var<T>> recomputed(std::function<std::vector<Var<T>>()> compute, const CallSite& site) {
    Tape<T>& tape = Tape<T>::current();
    // Who watches wants to see every node.
    if (!tape.recording() || tape.observed()) return compute();
    auto draws = std::make_unique<Draws<T>>(tape.draws());
    Rollback<T> rollback(tape);
    std::vector<Var<T>> returned;
    Kept<T> kept = [&] {
        const Rollback<T> taken_back(tape);
        const DrawingThrough<T> drawing(tape, *draws);
        const auto first = static_cast<NodeIndex>(tape.size());
        returned = compute();
        return Kept<T>(tape, first, returned);
    }();
    for (const auto& parameter : kept.parameters) kept.inputs.push_back(tape.leaf(parameter, site));
    std::vector<Array<T>> results;
    for (const Buffer<T>& value : kept.values) {
        T* const data = tape.allocate(value.size());
        std::copy_n(value.data(), value.size(), data);
        results.emplace_back(value.shape(), data);
    }
    const auto& operation =
        tape.keep(Recomputed<T>(std::move(compute), std::move(kept.places), std::move(draws)));
    const NodeIndex first_result = tape.append_results(operation, kept.inputs, Shape{}, results, site);
    for (std::size_t place = 0; place < returned.size(); ++place)
        if (kept.sources[place].has_value())
            returned[place] = tape.var(static_cast<NodeIndex>(first_result + *kept.sources[place]));
    return rollback.keep(std::move(returned));
}

template std::vector<Var<float>> recomputed(std::function<std::vector<Var<float>>()>, const CallSite&);
template std::vector<Var<double>> recomputed(std::function<std::vector<Var<double>>()>, const CallSite&);

}  // namespace tapeloop::detail
