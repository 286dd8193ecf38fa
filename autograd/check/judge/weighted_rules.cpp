#include <autograd/check/judge/weighted_rules.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Numbers of either sign and of size 0.9 to 1.1: no two terms cancel, and over many operations their size
/// stays.
template <class T>
Array<T> weighted(const Array<T>& cotangent, std::uint64_t seed) {
    CheckRandom random(seed);
    Buffer<T> result(cotangent.shape());
    std::transform(cotangent.data(), cotangent.data() + cotangent.size(), result.data(), [&](T element) {
        const double size = 0.9 + 0.2 * random.uniform();
        return static_cast<T>((random.next() & 1U) != 0 ? size : -size) * element;
    });
    return result;
}

/// An operation around another, whose rules get weighted cotangents in a sweep of their own.
template <class T>
class Weighted final : public Operation<T> {
  public:
    Weighted(const Operation<T>& inner, std::uint64_t seed) : inner_(inner), seed_(seed) {}

    std::string_view name() const override { return inner_.name(); }
    std::string arguments() const override { return inner_.arguments(); }
    const Description& description() const override { return inner_.description(); }
    void repeat(Steps<T>& steps, NodeIndex node) const override { inner_.repeat(steps, node); }

    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        std::vector<NodeIndex> wanted;
        for (NodeIndex input : distinct_inputs(sweep.tape(), node))
            if (sweep.wants(input)) wanted.push_back(input);
        if (wanted.empty()) return;
        const auto own = sweep_alone<Sweep<T>>(sweep.tape(), inner_, node, wanted,
                                               [&](NodeIndex result) -> std::optional<Array<T>> {
                                                   if (!sweep.has(result)) return {};
                                                   return weighted(sweep.cotangent(result), seed_ + result);
                                               });
        for (NodeIndex input : wanted)
            if (own.has(input)) sweep.deliver(node, input, own.cotangent(input));
    }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override { inner_.pull(sweep, node); }

  private:
    const Operation<T>& inner_;
    std::uint64_t seed_;
};

}  // namespace

template <class T>
void WeightedRules<T>::appended(Tape<T>& tape, NodeIndex node) {
    const Operation<T>& operation = *tape.node(node).operation;
    if (tape.inputs(node).empty() || operation.name() == "result") return;
    tape.replace_operation(node, tape.keep(Weighted<T>(operation, random_.next())));
}

template class WeightedRules<float>;
template class WeightedRules<double>;

}  // namespace tapeloop::detail
