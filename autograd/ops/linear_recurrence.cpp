#include <autograd/kernels/recurrence.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linear_recurrence.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

using namespace detail;

namespace {

Shape step_of(const Shape& whole) {
    Shape row;
    for (std::size_t axis = 1; axis < whole.rank(); ++axis) row.append(whole[axis]);
    return row;
}

RecurrenceRows rows_of(const Shape& whole, bool is_reversed) {
    return {whole[0], step_of(whole).size(), is_reversed};
}

/// x one step on, in the order of the recurrence; `first` [1, ..] comes in, and the last one falls out.
template <class X>
X later(const X& x, const X& first, bool is_reversed) {
    const auto count = static_cast<std::ptrdiff_t>(x.shape()[0]);
    const X rest = is_reversed ? slice(x, 0, 1, count) : slice(x, 0, 0, count - 1);
    std::vector<Padding> in_front(x.shape().rank()), behind(x.shape().rank());
    in_front[0] = {1, 0};
    behind[0] = {0, 1};
    std::vector<Padding> around = in_front;
    around[0] = {static_cast<std::size_t>(count - 1), 0};
    std::vector<Padding> to_the_end = behind;
    to_the_end[0] = {0, static_cast<std::size_t>(count - 1)};
    return is_reversed ? pad(rest, behind) + pad(first, around)
                       : pad(rest, in_front) + pad(first, to_the_end);
}

/// x one step back; zeros come in.
template <class X>
X earlier(const X& x, bool is_reversed) {
    const auto count = static_cast<std::ptrdiff_t>(x.shape()[0]);
    std::vector<Padding> widths(x.shape().rank());
    widths[0] = is_reversed ? Padding{1, 0} : Padding{0, 1};
    return pad(is_reversed ? slice(x, 0, 0, count - 1) : slice(x, 0, 1, count), widths);
}

template <class T>
Array<T> recur(const Array<T>& a, const Array<T>& b, const Array<T>& start, bool is_reversed);
template <class T>
Var<T> recur(const Var<T>& a, const Var<T>& b, const Var<T>& start, bool is_reversed);

struct LinearRecurrence {
    static constexpr std::string_view name = "linear_recurrence";
    static constexpr Description description{
        .equation = "y = a ⊙ (y one step before) + b",
        .rules = {{"a", "r ⊙ (y one step before), r = g + (a ⊙ r one step later)"},
                  {"b", "r = g + (a ⊙ r one step later)"},
                  {"h", "a ⊙ r at the first step"}}};
    bool is_reversed;

    std::string arguments() const { return is_reversed ? "reversed" : ""; }

    static Shape shape(const Shape& a, const Shape& b, const Shape& start) {
        if (a.rank() == 0 || a != b || step_of(a) != start)
            throw std::invalid_argument(
                fmt::format("{}: a is {}, b {} and start {}; a and b must be [T, ..], and start [..]", name,
                            a.text(), b.text(), start.text()));
        return a;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& a, const Array<T>& b, const Array<T>& start) const {
        run_recurrence(rows_of(y.shape(), is_reversed), a.data(), b.data(), start.data(), y.data());
    }

    auto rules() const {
        const bool reversed = is_reversed;
        const auto arrived = [reversed](const auto& g, const auto& a, const auto& start) {
            return recur(earlier(a, reversed), g, start, !reversed);
        };
        return std::tuple{[=](const auto& g, const auto& y, const auto& a, const auto&, const auto& start) {
                              return a.shape().size() == 0 ? g
                                                           : scale(arrived(g, a, start),
                                                                   later(y, expand_dims(start, 0), reversed));
                          },
                          [=](const auto& g, const auto&, const auto& a, const auto&, const auto& start) {
                              return a.shape().size() == 0 ? g : arrived(g, a, start);
                          },
                          [=](const auto& g, const auto&, const auto& a, const auto&, const auto& start) {
                              return of_start(g, a, start, arrived, reversed);
                          }};
    }

    /// All rules at once, in one pass.
    template <class T>
    void pull(Sweep<T>& sweep, NodeIndex node, const std::array<NodeIndex, 3>& inputs) const {
        const Tape<T>& tape = sweep.tape();
        const Array<T> y = tape.array(node);
        const Array<T> g = sweep.cotangent(node);
        const Array<T> a = tape.array(inputs[0]);
        const Array<T> start = tape.array(inputs[2]);
        const RecurrenceRows rows = rows_of(y.shape(), is_reversed);
        if (rows.count == 0) return;
        const bool wants_a = sweep.wants(inputs[0]);
        const Buffer<T> of_a(wants_a ? y.shape() : Shape{0});
        const Buffer<T> of_b(y.shape());
        run_recurrence_back<T>(rows, a.data(), start.data(), y.data(), g.data(),
                               wants_a ? of_a.data() : nullptr, of_b.data());
        const std::size_t first = rows.at(0);
        const Array<T> arrived(start.shape(), of_b.data() + first, of_b.memory());
        const Array<T> factor(start.shape(), a.data() + first);
        if (sweep.wants(inputs[2])) sweep.deliver(node, inputs[2], scale(arrived, factor));
        if (wants_a) sweep.deliver(node, inputs[0], Array<T>(of_a));
        if (sweep.wants(inputs[1])) sweep.deliver(node, inputs[1], Array<T>(of_b));
    }

  private:
    template <class X, class Arrived>
    static X of_start(const X& g, const X& a, const X& start, const Arrived& arrived, bool reversed) {
        if (a.shape().size() == 0) return scale(start, start) - scale(start, start);
        const auto count = static_cast<std::ptrdiff_t>(a.shape()[0]);
        const std::ptrdiff_t at = reversed ? count - 1 : 0;
        const auto first = [&](const X& x) { return reshape(slice(x, 0, at, at + 1), start.shape()); };
        return scale(first(arrived(g, a, start)), first(a));
    }
};

template <class T>
Array<T> recur(const Array<T>& a, const Array<T>& b, const Array<T>& start, bool is_reversed) {
    return apply(LinearRecurrence{is_reversed}, a, b, start);
}
template <class T>
Var<T> recur(const Var<T>& a, const Var<T>& b, const Var<T>& start, bool is_reversed) {
    return apply(LinearRecurrence{is_reversed}, Operand<T>(a), Operand<T>(b), Operand<T>(start));
}

/// Broadcasts a and b to their common shape.
template <class T>
Var<T> of_operands(const Operand<T>& a, const Operand<T>& b, const Operand<T>& start, bool is_reversed) {
    const LinearRecurrence recurrence{is_reversed};
    if (a.shape() == b.shape()) return apply(recurrence, a, b, start);
    Tape<T>& tape = tape_of(LinearRecurrence::name, a, b, start);
    const Shape whole =
        checked(tape, a.site(), [&] { return broadcast(LinearRecurrence::name, a.shape(), b.shape()); });
    Rollback rollback(tape);
    const Var<T> whole_a = broadcast_to(a, whole);
    const Var<T> whole_b = broadcast_to(b, whole);
    return rollback.keep(
        apply(recurrence, Operand<T>(whole_a, a.site()), Operand<T>(whole_b, a.site()), start));
}

}  // namespace

Var<float> linear_recurrence(const Operand<float>& a, const Operand<float>& b, const Operand<float>& start,
                             bool reversed) {
    return of_operands(a, b, start, reversed);
}
Var<double> linear_recurrence(const Operand<double>& a, const Operand<double>& b,
                              const Operand<double>& start, bool reversed) {
    return of_operands(a, b, start, reversed);
}

}  // namespace tapeloop
