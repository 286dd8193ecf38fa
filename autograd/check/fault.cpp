#include <fmt/format.h>
#include <autograd/check/fault.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/sweep/graph_sweep.hpp>
#include <autograd/sweep/local_sweep.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

using Kind = Fault::Kind;

constexpr std::array<std::string_view, 6> kinds{"flip sign",      "drop",      "scale",
                                                "swap arguments", "transpose", "freeze"};

bool is_square(const Shape& shape) {
    return shape.rank() >= 2 && shape.back() == shape[shape.rank() - 2] && shape.back() > 1;
}

/// The last two axes exchanged.
std::vector<int> exchange(std::size_t rank) {
    std::vector<int> axes(rank);
    for (std::size_t axis = 0; axis < rank; ++axis) axes[axis] = static_cast<int>(axis);
    std::swap(axes[rank - 1], axes[rank - 2]);
    return axes;
}

Array<float> times(const Array<float>& x, double factor) {
    Buffer<float> y(x.shape());
    std::transform(x.data(), x.data() + x.size(), y.data(),
                   [factor](float element) { return static_cast<float>(factor * element); });
    return y;
}
Array<double> times(const Array<double>& x, double factor) {
    Buffer<double> y(x.shape());
    std::transform(x.data(), x.data() + x.size(), y.data(),
                   [factor](double element) { return factor * element; });
    return y;
}
template <class T>
Var<T> times(const Var<T>& x, double factor) {
    return multiply(x, factor);
}

/// Returns the false cotangent of an argument; nothing if it gets nothing.
template <class V>
std::optional<V> falsified(const Fault& fault, const V& cotangent) {
    switch (fault.kind) {
        case Kind::flip_sign:
            return times(cotangent, -1);
        case Kind::scale:
            return times(cotangent, fault.factor);
        case Kind::transpose:
            if (is_square(cotangent.shape())) return transpose(cotangent, exchange(cotangent.shape().rank()));
            return cotangent;
        case Kind::swap_arguments:
            return cotangent;  // by `Falsified`
        case Kind::drop:
        case Kind::freeze:
            break;
    }
    return {};
}

/// Returns whether the fault changes anything with a node's arguments.
template <class T>
bool can_apply(const Fault& fault, const Tape<T>& tape, NodeIndex node) {
    const auto inputs = tape.inputs(node);
    const auto shape = [&](std::size_t argument) { return tape.node(inputs[argument]).shape; };
    if (fault.kind == Kind::freeze) return true;
    if (fault.kind == Kind::swap_arguments)
        return inputs.size() >= 2 && inputs[0] != inputs[1] && shape(0) == shape(1);
    if (fault.argument.has_value() && *fault.argument >= inputs.size()) return false;
    if (fault.kind != Kind::transpose) return true;
    if (fault.argument.has_value()) return is_square(shape(*fault.argument));
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](NodeIndex input) { return is_square(tape.node(input).shape); });
}

/// An operation around another, which delivers into a sweep of its own first.
template <class T>
class Falsified final : public Operation<T> {
  public:
    Falsified(const Operation<T>& inner, const Fault& fault) : inner_(inner), fault_(fault) {}

    std::string_view name() const override { return inner_.name(); }
    const Description& description() const override { return inner_.description(); }
    T* place(Sweep<T>&, NodeIndex, NodeIndex) const override { return nullptr; }

    std::string arguments() const override { return inner_.arguments(); }

    void repeat(detail::Steps<T>& steps, NodeIndex node) const override { inner_.repeat(steps, node); }

    void pull(Sweep<T>& sweep, NodeIndex node) const override { pull_falsified<Array<T>>(sweep, node); }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override { pull_falsified<Var<T>>(sweep, node); }

  private:
    template <class V, class SweepType>
    void pull_falsified(SweepType& sweep, NodeIndex node) const {
        std::vector<NodeIndex> wanted;
        for (NodeIndex input : detail::distinct_inputs(sweep.tape(), node))
            if (sweep.wants(input)) wanted.push_back(input);
        if (wanted.empty()) return;
        const auto own = detail::sweep_alone<SweepType>(sweep.tape(), inner_, node, wanted,
                                                        [&](NodeIndex result) -> std::optional<V> {
                                                            if (!sweep.has(result)) return {};
                                                            return sweep.cotangent(result);
                                                        });
        deliver<V>(sweep, own, node);
    }

    template <class V, class SweepType>
    void deliver(SweepType& sweep, const SweepType& own, NodeIndex node) const {
        // A copy: recording moves the tape's vectors.
        const std::vector<NodeIndex> inputs(sweep.tape().inputs(node).begin(),
                                            sweep.tape().inputs(node).end());
        const std::vector<NodeIndex> distinct = detail::distinct_inputs(sweep.tape(), node);
        std::vector<std::optional<V>> cotangents;
        for (NodeIndex input : distinct)
            cotangents.push_back(own.has(input) ? std::optional<V>(own.cotangent(input)) : std::nullopt);
        if (fault_.kind == Kind::swap_arguments) std::swap(cotangents[0], cotangents[1]);
        for (std::size_t k = 0; k < distinct.size(); ++k) {
            if (!cotangents[k].has_value() || !sweep.wants(distinct[k])) continue;
            const bool meant = !fault_.argument.has_value() || fault_.kind == Kind::freeze ||
                               (*fault_.argument < inputs.size() && inputs[*fault_.argument] == distinct[k]);
            const std::optional<V> given = meant ? falsified(fault_, *cotangents[k]) : cotangents[k];
            if (given.has_value()) sweep.deliver(node, distinct[k], *given);
        }
    }

    const Operation<T>& inner_;
    Fault fault_;
};

/// Returns whether the path holds the part between slashes or ends.
bool has_part(const std::string& path, const std::string& part) {
    return ("/" + path + "/").find("/" + part + "/") != std::string::npos;
}

/// An observer that collects the faults for `faults_of`.
template <class T>
class Census final : public TapeObserver<T> {
  public:
    explicit Census(std::vector<Fault>& faults, std::set<std::string>& known)
        : faults_(faults), known_(known) {}

    void appended(Tape<T>& tape, NodeIndex node) override {
        const auto inputs = tape.inputs(node);
        const std::string name(tape.node(node).operation->name());
        if (inputs.empty() || name == "result") return;
        for (std::size_t argument = 0; argument < inputs.size(); ++argument) {
            add({Kind::flip_sign, name, argument});
            add({Kind::drop, name, argument});
            add_if_possible({Kind::transpose, name, argument}, tape, node);
        }
        // Of a sum both get the same.
        if (name != "add") add_if_possible({Kind::swap_arguments, name}, tape, node);
    }

  private:
    void add_if_possible(Fault fault, const Tape<T>& tape, NodeIndex node) {
        if (can_apply(fault, tape, node)) add(std::move(fault));
    }
    void add(Fault fault) {
        if (known_.insert(fault.text()).second) faults_.push_back(std::move(fault));
    }
    std::vector<Fault>& faults_;
    std::set<std::string>& known_;
};

bool passes(const NamedCheck& check) {
    try {
        return check.passes();
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

std::string Fault::text() const {
    std::string text = fmt::format("{} of {}", kinds[static_cast<std::size_t>(kind)],
                                   operation.empty() ? "every operation" : operation);
    if (argument.has_value()) text += fmt::format(", argument {}", *argument);
    if (kind == Kind::scale) text += fmt::format(", by {:.6g}", factor);
    if (!label.empty()) text += ", at " + label;
    if (occurrence.has_value()) text += fmt::format(", occurrence {}", *occurrence);
    return text;
}

template <class T>
bool InjectedFault<T>::is_meant(const Tape<T>& tape, NodeIndex node) {
    // A node that comes again was taken back, or the tape is a new one where another was.
    std::vector<NodeIndex>& met = met_[&tape];
    while (!met.empty() && met.back() >= node) met.pop_back();
    const std::string_view name = tape.node(node).operation->name();
    if (tape.inputs(node).empty() || name == "result") return false;
    if (!fault_.operation.empty() && name != fault_.operation) return false;
    if (!fault_.label.empty() && !has_part(tape.label(node), fault_.label)) return false;
    if (!can_apply(fault_, tape, node)) return false;
    met.push_back(node);
    return !fault_.occurrence.has_value() || met.size() == *fault_.occurrence + 1;
}

template <class T>
void InjectedFault<T>::appended(Tape<T>& tape, NodeIndex node) {
    if (!is_meant(tape, node)) return;
    tape.replace_operation(node, tape.keep(Falsified<T>(*tape.node(node).operation, fault_)));
    ++nodes_;
}

template class InjectedFault<float>;
template class InjectedFault<double>;

std::vector<Fault> FaultReport::unnoticed() const {
    std::vector<Fault> faults;
    for (const FaultTrial& trial : trials)
        if (trial.nodes != 0 && trial.noticed_by.empty()) faults.push_back(trial.fault);
    return faults;
}

std::vector<Fault> FaultReport::unused() const {
    std::vector<Fault> faults;
    for (const FaultTrial& trial : trials)
        if (trial.nodes == 0) faults.push_back(trial.fault);
    return faults;
}

std::string FaultReport::text() const {
    const auto list = [](const std::vector<std::string>& names) {
        std::string text;
        for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
        return text;
    };
    std::string text = fmt::format("{} faults, {} unnoticed, {} that met no node\n", trials.size(),
                                   unnoticed().size(), unused().size());
    for (const FaultTrial& trial : trials) {
        text += fmt::format("  {:<48} ", trial.fault.text());
        if (trial.nodes == 0)
            text += "met no node\n";
        else if (trial.noticed_by.empty())
            text += "NOT NOTICED\n";
        else
            text += fmt::format("noticed by {}{}\n", list(trial.noticed_by),
                                trial.missed_by.empty() ? "" : "; not by " + list(trial.missed_by));
    }
    return text;
}

FaultReport try_faults(const std::vector<Fault>& faults, const std::vector<NamedCheck>& checks) {
    for (const NamedCheck& check : checks)
        if (!passes(check))
            throw std::invalid_argument(
                fmt::format("try_faults: '{}' does not pass without a fault", check.name));
    FaultReport report;
    for (const Fault& fault : faults) {
        FaultTrial trial{fault, 0, {}, {}};
        for (const NamedCheck& check : checks) {
            const InjectedFault<float> in_float(fault);
            const InjectedFault<double> in_double(fault);
            (passes(check) ? trial.missed_by : trial.noticed_by).push_back(check.name);
            trial.nodes += in_float.nodes() + in_double.nodes();
        }
        report.trials.push_back(std::move(trial));
    }
    return report;
}

std::vector<Fault> faults_of(const std::function<void()>& f) {
    std::vector<Fault> faults;
    std::set<std::string> known;
    const Census<float> in_float(faults, known);
    const Census<double> in_double(faults, known);
    f();
    return faults;
}

}  // namespace tapeloop
