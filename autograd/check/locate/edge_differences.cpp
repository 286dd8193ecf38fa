#include <autograd/check/locate/edge_differences.hpp>

#include <cmath>

namespace tapeloop::detail {
namespace {

/// Moves an argument just while its operation computes, and keeps what comes out.
template <class T>
class ArgumentMover final : public TapeObserver<T> {
  public:
    ArgumentMover(const Subject<T>& subject, const Edge& edge, const std::vector<double>& step)
        : subject_(subject), edge_(edge), step_(step) {}

    void appended(Tape<T>& tape, NodeIndex node) override {
        if (&tape != subject_.tape()) return;
        ++count_;
        if (count_ + 1 == edge_.recorded) move(tape);
        if (count_ != edge_.recorded + edge_.results || node != edge_.to + edge_.results) return;
        keep(tape);
        if (original_ != nullptr) tape.replace_value(edge_.from, original_);
    }
    /// Returns the values; empty if the operation was not met again.
    const std::vector<double>& values() const { return values_; }

  private:
    void move(Tape<T>& tape) {
        if (edge_.from >= tape.size()) return;
        const Node<T>& node = tape.node(edge_.from);
        if (node.shape != edge_.shape || node.data == nullptr) return;
        original_ = node.data;
        T* const moved = tape.allocate(step_.size());
        for (std::size_t i = 0; i < step_.size(); ++i)
            moved[i] = static_cast<T>(static_cast<double>(original_[i]) + step_[i]);
        tape.replace_value(edge_.from, moved);
    }
    void keep(const Tape<T>& tape) {
        const NodeIndex first = edge_.to + (edge_.results == 0 ? 0 : 1);
        for (NodeIndex result = first; original_ != nullptr && result <= edge_.to + edge_.results; ++result) {
            const Array<T> array = tape.array(result);
            values_.insert(values_.end(), array.data(), array.data() + array.size());
        }
        if (values_.size() != edge_.cotangent.size()) values_.clear();
    }

    const Subject<T>& subject_;
    const Edge& edge_;
    const std::vector<double>& step_;
    std::size_t count_ = 0;
    const T* original_ = nullptr;  // where the argument lies that is moved
    std::vector<double> values_;
};

}  // namespace

double sum_of_products(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

double length_of_products(const std::vector<double>& a, const std::vector<double>& b) {
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += a[i] * a[i] * b[i] * b[i];
    return std::sqrt(squares);
}

template <class T>
std::vector<double> EdgeDifferences<T>::moved(const Edge& edge, const std::vector<double>& step) {
    ArgumentMover<T> mover(subject_, edge, step);
    Tape<T> tape;
    static_cast<void>(subject_.differentiated(subject_.run(tape)));
    return mover.values();
}

template <class T>
std::vector<double> EdgeDifferences<T>::change(const Edge& edge, std::vector<double> step) {
    std::vector<double> plus = moved(edge, step);
    for (double& amount : step) amount = -amount;
    const std::vector<double> minus = moved(edge, step);
    if (plus.size() != minus.size()) return {};
    double squares = 0;
    middle_.resize(plus.size());
    for (std::size_t o = 0; o < plus.size(); ++o) {
        middle_[o] = (plus[o] + minus[o]) / 2;
        squares += plus[o] * plus[o] * edge.cotangent[o] * edge.cotangent[o];
        plus[o] = (plus[o] - minus[o]) / 2;
    }
    rounding_ = 8 * epsilon_ * std::sqrt(squares);
    return plus;
}

template <class T>
std::optional<double> EdgeDifferences<T>::bend(const Edge& edge) {
    const std::vector<double> center = moved(edge, std::vector<double>(edge.values.size(), 0));
    if (center.size() != middle_.size()) return {};
    double sum = 0;
    for (std::size_t o = 0; o < center.size(); ++o)
        sum += std::abs(edge.cotangent[o] * (middle_[o] - center[o]));
    return sum;
}

template class EdgeDifferences<float>;
template class EdgeDifferences<double>;

}  // namespace tapeloop::detail
