#include <autograd/ops/einsum.hpp>
#include <autograd/ops/einsum_equation.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

using namespace detail;

namespace {

using detail::EinsumEquation;
using detail::EinsumPair;
using detail::has;
using detail::Labels;
using detail::pair_of;

/// A value whose axes have names.
template <class T>
struct Labelled {
    Var<T> x;
    Labels labels;
};

/// Records the operations that an equation comes to.
template <class T>
class Einsum {
  public:
    Einsum(const EinsumEquation& equation, const CallSite& site) : equation_(equation), site_(site) {}

    Var<T> record(const std::vector<Var<T>>& arguments) const {
        Labelled<T> so_far = argument(arguments[0], 0);
        for (std::size_t k = 1; k < arguments.size(); ++k)
            so_far = contracted(so_far, argument(arguments[k], k), kept_behind(equation_, k));
        return in_order(summed(so_far, equation_.result), equation_.result).x;
    }

  private:
    Operand<T> at_site(const Var<T>& x) const { return Operand<T>(x, site_); }

    /// Returns the argument with each label once, and without the axes that broadcast.
    Labelled<T> argument(const Var<T>& x, std::size_t k) const {
        Labelled<T> a{x, equation_.arguments[k]};
        for (std::size_t i = 0; i < a.labels.size();) {
            const std::size_t again = a.labels.find(a.labels[i], i + 1);
            if (again != Labels::npos)
                a = diagonal(a, i, again);
            else if (a.x.shape()[i] != equation_.extent(a.labels[i]))
                a = {squeeze(at_site(a.x), static_cast<int>(i)), a.labels.erase(i, 1)};
            else
                ++i;
        }
        return a;
    }

    /// The elements at equal places along two axes, in the first one's place.
    Labelled<T> diagonal(const Labelled<T>& a, std::size_t first, std::size_t second) const {
        Labels rest = a.labels;
        rest.erase(second, 1).erase(first, 1);
        std::vector<int> axes;
        Shape flat;
        for (std::size_t i = 0; i < a.labels.size(); ++i)
            if (i != first && i != second) {
                axes.push_back(static_cast<int>(i));
                flat.append(a.x.shape()[i]);
            }
        axes.push_back(static_cast<int>(first));
        axes.push_back(static_cast<int>(second));
        // In a row-major matrix of n columns the diagonal is every (n + 1)-th element.
        const std::size_t n = a.x.shape()[first];
        flat.append(n * n);
        const Var<T> pairs = reshape(at_site(transpose(at_site(a.x), axes)), flat);
        const Var<T> elements = slice(at_site(pairs), -1, 0, static_cast<std::ptrdiff_t>(n * n), n + 1);
        const Labels found = rest + a.labels[first];
        Labels wanted = rest;
        wanted.insert(first, 1, a.labels[first]);
        return in_order({elements, found}, wanted);
    }

    /// Sums away the labels that are not in `kept`.
    Labelled<T> summed(Labelled<T> a, const Labels& kept) const {
        for (std::size_t i = a.labels.size(); i-- > 0;)
            if (!has(kept, a.labels[i])) a = {sum(at_site(a.x), static_cast<int>(i)), a.labels.erase(i, 1)};
        return a;
    }

    Labelled<T> in_order(const Labelled<T>& a, const Labels& labels) const {
        if (a.labels == labels) return a;
        std::vector<int> axes;
        for (char label : labels) axes.push_back(static_cast<int>(a.labels.find(label)));
        return {transpose(at_site(a.x), axes), labels};
    }

    Var<T> shaped(const Var<T>& x, const Shape& shape) const {
        return x.shape() == shape ? x : reshape(at_site(x), shape);
    }

    Labelled<T> contracted(const Labelled<T>& first, const Labelled<T>& second, const Labels& kept) const {
        const Labelled<T> a = summed(first, kept + second.labels);
        const Labelled<T> b = summed(second, kept + first.labels);
        const EinsumPair pair = pair_of(a.labels, b.labels, kept);
        if (pair.multiplies_only()) return multiplied(a, b, pair);
        // The product that has its axes in the wanted order needs no transpose.
        const auto place = [&kept](const Labels& labels) {
            return labels.empty() ? 0 : kept.find(labels[0]);
        };
        const bool swap = !pair.only_b.empty() && place(pair.only_b) < place(pair.only_a);
        return swap ? product(b, a, pair_of(b.labels, a.labels, kept)) : product(a, b, pair);
    }

    /// Multiplies element by element, each broadcast along what only the other has.
    Labelled<T> multiplied(const Labelled<T>& a, const Labelled<T>& b, const EinsumPair& pair) const {
        const Labels labels = pair.batch + pair.only_a + pair.only_b + pair.inner;
        const auto spread = [&](const Labelled<T>& own) {
            Labels order;
            Shape shape;
            for (char label : labels) {
                if (has(own.labels, label)) order += label;
                shape.append(has(own.labels, label) ? equation_.extent(label) : 1);
            }
            return shaped(in_order(own, order).x, shape);
        };
        return summed({multiply(at_site(spread(a)), at_site(spread(b))), labels}, pair.kept());
    }

    /// Multiplies as a product of matrices, one for each position of the batch.
    Labelled<T> product(const Labelled<T>& a, const Labelled<T>& b, const EinsumPair& pair) const {
        const auto [x, x_transposed] = as_matrix(a, pair.batch, pair.only_a, pair.inner);
        const auto [y, y_transposed] = as_matrix(b, pair.batch, pair.inner, pair.only_b);
        const Var<T> z = matmul(at_site(x), at_site(y), {x_transposed, y_transposed});
        return {shaped(z, equation_.shape(pair.kept())), pair.kept()};
    }

    /// [batch, rows, columns], or with the last two exchanged if that needs no transpose.
    std::pair<Var<T>, bool> as_matrix(const Labelled<T>& a, const Labels& batch, const Labels& rows,
                                      const Labels& columns) const {
        const auto matrix = [&](const Labels& first, const Labels& second) {
            Shape shape;
            if (!batch.empty()) shape.append(equation_.shape(batch).size());
            shape.append(equation_.shape(first).size());
            shape.append(equation_.shape(second).size());
            return shape;
        };
        if (a.labels == batch + columns + rows && a.labels != batch + rows + columns)
            return {shaped(a.x, matrix(columns, rows)), true};
        return {shaped(in_order(a, batch + rows + columns).x, matrix(rows, columns)), false};
    }

    const EinsumEquation& equation_;
    CallSite site_;
};

template <class T, class... More>
Var<T> einsum_of(std::string_view text, const Operand<T>& a, const More&... more) {
    Tape<T>& tape = tape_of("einsum", a, more...);
    const EinsumEquation equation = checked(tape, a.site(), [&] {
        return detail::read_einsum(text, std::array{a.shape(), more.shape()...});
    });
    std::vector<Var<T>> arguments;
    for (const NodeIndex index : std::array{a.enter(tape), more.enter(tape)...})
        arguments.push_back(tape.var(index));
    return Einsum<T>(equation, a.site()).record(arguments);
}

}  // namespace

Var<float> einsum(std::string_view equation, const Operand<float>& a) { return einsum_of(equation, a); }
Var<double> einsum(std::string_view equation, const Operand<double>& a) { return einsum_of(equation, a); }
Var<float> einsum(std::string_view equation, const Operand<float>& a, const Operand<float>& b) {
    return einsum_of(equation, a, b);
}
Var<double> einsum(std::string_view equation, const Operand<double>& a, const Operand<double>& b) {
    return einsum_of(equation, a, b);
}
Var<float> einsum(std::string_view equation, const Operand<float>& a, const Operand<float>& b,
                  const Operand<float>& c) {
    return einsum_of(equation, a, b, c);
}
Var<double> einsum(std::string_view equation, const Operand<double>& a, const Operand<double>& b,
                   const Operand<double>& c) {
    return einsum_of(equation, a, b, c);
}

}  // namespace tapeloop
