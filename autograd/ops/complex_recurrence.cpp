#include <autograd/kernels/complex_recurrence.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/complex_recurrence.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

using namespace detail;

namespace {

Shape without_time(const Shape& whole) {
    Shape row;
    for (std::size_t axis = 1; axis < whole.rank(); ++axis) row.append(whole[axis]);
    return row;
}

Shape with_half_of_last(const Shape& whole) {
    Shape half;
    for (std::size_t axis = 0; axis + 1 < whole.rank(); ++axis) half.append(whole[axis]);
    half.append(whole.back() / 2);
    return half;
}

ComplexRecurrenceRows complex_rows_of(const Shape& whole, bool is_reversed) {
    const std::size_t half = whole.back() / 2;
    return {whole[0], half == 0 ? 0 : without_time(whole).size() / (2 * half), half, is_reversed};
}

/// x one place on along its first axis, to the end or to the front; zeros come in.
template <class X>
X moved(const X& x, bool to_the_end) {
    const auto count = static_cast<std::ptrdiff_t>(x.shape()[0]);
    std::vector<Padding> widths(x.shape().rank());
    widths[0] = to_the_end ? Padding{1, 0} : Padding{0, 1};
    return pad(to_the_end ? slice(x, 0, 0, count - 1) : slice(x, 0, 1, count), widths);
}

/// `row` in the first or the last of `count` rows that are 0 else.
template <class X>
X at_one_end(const X& row, std::size_t count, bool at_the_end) {
    const X first = expand_dims(row, 0);
    std::vector<Padding> widths(first.shape().rank());
    widths[0] = at_the_end ? Padding{count - 1, 0} : Padding{0, count - 1};
    return pad(first, widths);
}

template <class X>
X of_first_step(const X& x, bool is_reversed) {
    const auto count = static_cast<std::ptrdiff_t>(x.shape()[0]);
    const std::ptrdiff_t at = is_reversed ? count - 1 : 0;
    return reshape(slice(x, 0, at, at + 1), without_time(x.shape()));
}

/// The numbers with these real and imaginary parts.
template <class X>
X complex_of(const X& re, const X& im) {
    const std::size_t half = re.shape().back();
    std::vector<Padding> in_front(re.shape().rank()), behind(re.shape().rank());
    behind.back() = {0, half};
    in_front.back() = {half, 0};
    return pad(re, behind) + pad(im, in_front);
}

template <class T>
Array<T> complex_recur(const Array<T>& re, const Array<T>& im, const Array<T>& b, const Array<T>& start,
                       bool is_reversed);
template <class T>
Var<T> complex_recur(const Var<T>& re, const Var<T>& im, const Var<T>& b, const Var<T>& start,
                     bool is_reversed);

/// r, the cotangent of h(t), and of what is added in it.
template <class X>
X arrived_at_each(const X& g, const X& re, const X& im, const X& start, bool is_reversed) {
    return complex_recur(moved(re, is_reversed), moved(-im, is_reversed), g, start, !is_reversed);
}

/// The values one step before each.
template <class X>
X values_before(const X& y, const X& start, bool is_reversed) {
    return moved(y, !is_reversed) + at_one_end(start, y.shape()[0], is_reversed);
}

/// r times the conjugate of the first coefficient.
template <class X>
X arrived_at_start(const X& r, const X& re, const X& im) {
    const X r_re = columns(r, 0, 2);
    const X r_im = columns(r, 1, 2);
    return complex_of<X>(scale(r_re, re) + scale(r_im, im), scale(r_im, re) - scale(r_re, im));
}

struct ComplexRecurrence {
    static constexpr std::string_view name = "complex_recurrence";
    static constexpr Description description{
        .equation = "y = (re + i im) ⊙ (y one step before) + b, halves of an axis being Re and Im",
        .rules = {{"re", "Re(r ⊙ conj(y one step before)), r = g + (conj(re + i im) ⊙ r one step later)"},
                  {"im", "Im(r ⊙ conj(y one step before)), r = g + (conj(re + i im) ⊙ r one step later)"},
                  {"b", "r = g + (conj(re + i im) ⊙ r one step later)"},
                  {"h", "conj(re + i im) ⊙ r at the first step"}}};
    bool is_reversed;

    std::string arguments() const { return is_reversed ? "reversed" : ""; }

    static Shape shape(const Shape& re, const Shape& im, const Shape& b, const Shape& start) {
        if (b.rank() < 2 || b.back() % 2 != 0 || re != with_half_of_last(b) || im != re ||
            without_time(b) != start)
            throw std::invalid_argument(fmt::format(
                "{}: re is {}, im {}, b {} and start {}; b must be [T, .., 2N], re and im [T, .., N], and "
                "start [.., 2N]",
                name, re.text(), im.text(), b.text(), start.text()));
        return b;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& re, const Array<T>& im, const Array<T>& b,
               const Array<T>& start) const {
        run_complex_recurrence<T>(complex_rows_of(y.shape(), is_reversed), {re.data(), im.data()}, b.data(),
                                  start.data(), y.data());
    }

    auto rules() const {
        const bool reversed = is_reversed;
        return std::tuple{
            [=](const auto& g, const auto& y, const auto& re, const auto& im, const auto&, const auto& h) {
                if (g.shape().size() == 0) return columns(g, 0, 2);
                const auto r = arrived_at_each(g, re, im, h, reversed);
                const auto before = values_before(y, h, reversed);
                return scale(columns(r, 0, 2), columns(before, 0, 2)) +
                       scale(columns(r, 1, 2), columns(before, 1, 2));
            },
            [=](const auto& g, const auto& y, const auto& re, const auto& im, const auto&, const auto& h) {
                if (g.shape().size() == 0) return columns(g, 0, 2);
                const auto r = arrived_at_each(g, re, im, h, reversed);
                const auto before = values_before(y, h, reversed);
                return scale(columns(r, 1, 2), columns(before, 0, 2)) -
                       scale(columns(r, 0, 2), columns(before, 1, 2));
            },
            [=](const auto& g, const auto&, const auto& re, const auto& im, const auto&, const auto& h) {
                return g.shape().size() == 0 ? g : arrived_at_each(g, re, im, h, reversed);
            },
            [=](const auto& g, const auto&, const auto& re, const auto& im, const auto&, const auto& h) {
                if (g.shape().size() == 0) return scale(h, h) - scale(h, h);
                const auto r = of_first_step(arrived_at_each(g, re, im, h, reversed), reversed);
                return arrived_at_start(r, of_first_step(re, reversed), of_first_step(im, reversed));
            }};
    }

    /// All rules at once, in one pass.
    template <class T>
    void pull(Sweep<T>& sweep, NodeIndex node, const std::array<NodeIndex, 4>& inputs) const {
        const Tape<T>& tape = sweep.tape();
        const Array<T> y = tape.array(node);
        if (y.size() == 0) return;
        const Array<T> g = sweep.cotangent(node);
        const Array<T> re = tape.array(inputs[0]);
        const Array<T> im = tape.array(inputs[1]);
        const Array<T> start = tape.array(inputs[3]);
        const auto buffer_of_part = [&](std::size_t k) {
            return Buffer<T>(sweep.wants(inputs[k]) ? re.shape() : Shape{0});
        };
        const Buffer<T> of_re = buffer_of_part(0);
        const Buffer<T> of_im = buffer_of_part(1);
        const Buffer<T> of_b(y.shape());
        run_complex_recurrence_back<T>(complex_rows_of(y.shape(), is_reversed), {re.data(), im.data()},
                                       start.data(), y.data(), g.data(),
                                       {sweep.wants(inputs[0]) ? of_re.data() : nullptr,
                                        sweep.wants(inputs[1]) ? of_im.data() : nullptr},
                                       of_b.data());
        if (sweep.wants(inputs[3]))
            sweep.deliver(
                node, inputs[3],
                arrived_at_start<Array<T>>(of_first_step(Array<T>(of_b), is_reversed),
                                           of_first_step(re, is_reversed), of_first_step(im, is_reversed)));
        if (sweep.wants(inputs[0])) sweep.deliver(node, inputs[0], Array<T>(of_re));
        if (sweep.wants(inputs[1])) sweep.deliver(node, inputs[1], Array<T>(of_im));
        if (sweep.wants(inputs[2])) sweep.deliver(node, inputs[2], Array<T>(of_b));
    }
};

template <class T>
Array<T> complex_recur(const Array<T>& re, const Array<T>& im, const Array<T>& b, const Array<T>& start,
                       bool is_reversed) {
    return apply(ComplexRecurrence{is_reversed}, re, im, b, start);
}
template <class T>
Var<T> complex_recur(const Var<T>& re, const Var<T>& im, const Var<T>& b, const Var<T>& start,
                     bool is_reversed) {
    return apply(ComplexRecurrence{is_reversed}, Operand<T>(re), Operand<T>(im), Operand<T>(b),
                 Operand<T>(start));
}

/// Broadcasts re and im to what b needs of them, if it can.
template <class T>
Var<T> of_complex_operands(const Operand<T>& re, const Operand<T>& im, const Operand<T>& b,
                           const Operand<T>& start, bool is_reversed) {
    const ComplexRecurrence recurrence{is_reversed};
    if (re.shape() == im.shape() && re.shape().rank() == b.shape().rank() && b.shape().rank() > 0 &&
        re.shape() == with_half_of_last(b.shape()))
        return apply(recurrence, re, im, b, start);
    Tape<T>& tape = tape_of(ComplexRecurrence::name, re, im, b, start);
    const Shape whole = checked(tape, re.site(), [&] {
        const Shape parts = broadcast(ComplexRecurrence::name, re.shape(), im.shape());
        if (b.shape().rank() < 2) return ComplexRecurrence::shape(parts, parts, b.shape(), start.shape());
        const Shape half = with_half_of_last(b.shape());
        if (broadcast(ComplexRecurrence::name, parts, half) != half)
            return ComplexRecurrence::shape(parts, parts, b.shape(), start.shape());
        return half;
    });
    Rollback rollback(tape);
    const Var<T> whole_re = broadcast_to(re, whole);
    const Var<T> whole_im = broadcast_to(im, whole);
    return rollback.keep(
        apply(recurrence, Operand<T>(whole_re, re.site()), Operand<T>(whole_im, re.site()), b, start));
}

}  // namespace

Var<float> complex_recurrence(const Operand<float>& re, const Operand<float>& im, const Operand<float>& b,
                              const Operand<float>& start, bool reversed) {
    return of_complex_operands(re, im, b, start, reversed);
}
Var<double> complex_recurrence(const Operand<double>& re, const Operand<double>& im, const Operand<double>& b,
                               const Operand<double>& start, bool reversed) {
    return of_complex_operands(re, im, b, start, reversed);
}

}  // namespace tapeloop
