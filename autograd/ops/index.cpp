#include <autograd/kernels/strided.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/record/definition.hpp>

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace tapeloop {

using namespace detail;

Indices Indices::reshaped(const Shape& shape) const {
    if (shape.size() != values().size())
        throw std::invalid_argument(fmt::format("indices: {} has {} elements and must have {}", shape.text(),
                                                shape.size(), values().size()));
    Indices result = *this;
    result.shape_ = shape;
    return result;
}

Indices::Indices(const Indices& others, const Shape& shape, Follow follow)
    : values_(std::make_shared<const Values>(follow(others.values()))), others_(others.identity()) {
    if (others.follow_ != nullptr)
        follow = [first = others.follow_, then = std::move(follow)](std::span<const std::ptrdiff_t> given) {
            return then((*first)(given));
        };
    follow_ = std::make_shared<const Follow>(std::move(follow));
    *this = reshaped(shape);
}

Indices Indices::renewed(std::span<const std::ptrdiff_t> positions) const {
    const auto made = follow_ == nullptr ? Values(positions.begin(), positions.end()) : (*follow_)(positions);
    return Indices(made).reshaped(shape_);
}

namespace {

/// Throws unless all positions are below `extent`; `what` tells of what.
void check_range(std::string_view name, const std::string& what, const Indices& indices, std::size_t extent) {
    for (std::size_t i = 0; i < indices.values().size(); ++i) {
        const std::ptrdiff_t index = indices.values()[i];
        if (index >= 0 && static_cast<std::size_t>(index) < extent) continue;
        const std::string rule =
            extent == 0 ? "there is nothing to index" : fmt::format("it must be in 0 .. {}", extent - 1);
        throw std::invalid_argument(
            fmt::format("{}: {}; element {} of the indices is {}, {}", name, what, i, index, rule));
    }
}

Shape row_of(const Shape& table) {
    Shape row;
    for (std::size_t i = 1; i < table.rank(); ++i) row.append(table[i]);
    return row;
}

Shape rows_shape(std::string_view name, const Indices& indices, const Shape& table) {
    return in_name_of(name, std::array{table, indices.shape()}, [&] {
        Shape shape = indices.shape();
        for (std::size_t i = 1; i < table.rank(); ++i) shape.append(table[i]);
        return shape;
    });
}

void check_rows(std::string_view name, std::string_view table_name, const Shape& table,
                const Indices& indices) {
    if (table.rank() == 0)
        throw std::invalid_argument(fmt::format("{}: {} is []; it must have rows", name, table_name));
    if (table.rank() - 1 + indices.shape().rank() > Shape::max_rank)
        throw std::invalid_argument(
            fmt::format("{}: {} is {} and the indices are {}; a tensor has at most {} axes", name, table_name,
                        table.text(), indices.shape().text(), Shape::max_rank));
    check_range(name, fmt::format("{} is {}", table_name, table.text()), indices, table[0]);
}

// The indices of the definitions below belong to the tape, and are checked.

// A row that is added to more often than this gets what each addition lost with the next one.
constexpr std::size_t rows_in_order = 512;

/// Numbers the rows that are added to so often.
class FrequentRows {
  public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit FrequentRows(const Indices& indices) {
        if (indices.values().size() <= rows_in_order) return;
        std::unordered_map<std::size_t, std::size_t> times;
        for (auto index : indices.values()) ++times[static_cast<std::size_t>(index)];
        for (const auto& [index, count] : times)
            if (count > rows_in_order) places_.emplace(index, places_.size());
    }
    std::size_t count() const { return places_.size(); }
    std::size_t place(std::size_t index) const {
        const auto found = places_.find(index);
        return found == places_.end() ? none : found->second;
    }

  private:
    std::unordered_map<std::size_t, std::size_t> places_;
};

/// Compensated summation (Kahan 1965).
template <class T>
void add_compensated(const T* from, std::size_t count, T* to, T* lost) {
    for (std::size_t k = 0; k < count; ++k) {
        const T wanted = from[k] - lost[k];
        const T sum = to[k] + wanted;
        const T excess = (sum - to[k]) - wanted;
        lost[k] = std::isfinite(excess) ? excess : T(0);
        to[k] = sum;
    }
}

template <class T>
void add_rows(T* table, const Indices& indices, const Array<T>& rows) {
    const std::size_t count = indices.values().size();
    const std::size_t width = count == 0 ? 0 : rows.size() / count;
    const FrequentRows frequent(indices);
    const Buffer<T> lost(Shape{frequent.count(), width});
    std::fill_n(lost.data(), lost.size(), T(0));
    for (std::size_t i = 0; i < count; ++i) {
        const auto index = static_cast<std::size_t>(indices.values()[i]);
        const T* from = rows.data() + i * width;
        T* to = table + index * width;
        const std::size_t place = frequent.count() == 0 ? FrequentRows::none : frequent.place(index);
        if (place != FrequentRows::none)
            add_compensated(from, width, to, lost.data() + place * width);
        else
            for (std::size_t k = 0; k < width; ++k) to[k] += from[k];
    }
}

struct GatherRows {
    static constexpr std::string_view name = "gather_rows";
    static constexpr Description description{.equation = "y = rows i of x",
                                             .rules = {{"x", "0, and to its rows i the rows of g are added"}},
                                             .kind = OperationKind::layout};
    const Indices* indices;

    OnnxValue onnx(const OnnxValue& table) const {
        return onnx_node("Gather",
                         {table, OnnxValue::integers({indices->values().begin(), indices->values().end()},
                                                     indices->shape())});
    }
    Shape shape(const Shape& table) const { return rows_shape(name, *indices, table); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& table) const {
        const std::size_t width = row_of(table.shape()).size();
        for (std::size_t i = 0; i < indices->values().size(); ++i)
            std::copy_n(table.data() + static_cast<std::size_t>(indices->values()[i]) * width, width,
                        y.data() + i * width);
    }
    auto rules() const;
};

/// The reverse of gather_rows: rows added up in zeros of shape `table`.
struct ScatterRows {
    static constexpr std::string_view name = "scatter_rows";
    static constexpr Description description{.equation = "y = 0, and to its rows i the rows of x are added",
                                             .rules = {{"x", "rows i of g"}},
                                             .kind = OperationKind::layout};
    const Indices* indices;
    Shape table;

    Shape shape(const Shape&) const { return table; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& rows) const {
        std::fill_n(y.data(), y.size(), T(0));
        add(y.data(), rows);
    }
    template <class T>
    void add(T* y, const Array<T>& rows) const {
        add_rows(y, *indices, rows);
    }
    auto rules() const {
        return std::tuple{
            [i = indices](const auto& g, const auto&, const auto&) { return apply(GatherRows{i}, g); }};
    }
};

auto GatherRows::rules() const {
    return std::tuple{[i = indices](const auto& g, const auto&, const auto& table) {
        return apply_sparse(ScatterRows{i, table.shape()}, g);
    }};
}

struct ScatterAdd {
    static constexpr std::string_view name = "scatter_add";
    static constexpr Description description{.equation = "y = a, and to its rows i the rows of b are added",
                                             .rules = {{"a", "g"}, {"b", "rows i of g"}},
                                             .kind = OperationKind::layout};
    const Indices* indices;

    static void check(const Shape& target, const Indices& indices, const Shape& source) {
        check_rows(name, "target", target, indices);
        if (const Shape rows = rows_shape(name, indices, target); source != rows)
            throw std::invalid_argument(
                fmt::format("{}: target is {}, the indices are {} and source is {}; source must be {}", name,
                            target.text(), indices.shape().text(), source.text(), rows.text()));
    }
    static Shape shape(const Shape& target, const Shape&) { return target; }
    OnnxValue onnx(const OnnxValue& target, const OnnxValue& source) const {
        Shape rows = indices->shape();
        rows.append(1);  // one number says which
        const auto& values = indices->values();
        return onnx_node("ScatterND",
                         {target, OnnxValue::integers({values.begin(), values.end()}, rows), source},
                         {{"reduction", "add"}});
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& target, const Array<T>& source) const {
        std::copy_n(target.data(), target.size(), y.data());
        add_rows(y.data(), *indices, source);
    }
    auto rules() const {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [i = indices](const auto& g, const auto&, const auto&, const auto&) {
                              return apply(GatherRows{i}, g);
                          }};
    }
};

/// The places of a take_along: for each element of the result, where in x's memory it lies.
struct Places {
    Indices indices;
    std::size_t axis;
    Shape shape;
    std::vector<std::size_t> offsets;
};

Places places_along(const Shape& x, const Indices& indices, int axis) {
    constexpr std::string_view name = "take_along";
    const Shape& own = indices.shape();
    const std::size_t at = normalised_axis(name, axis, x.rank());
    const auto fail = [&](std::string_view rule) {
        throw std::invalid_argument(
            fmt::format("{}: x is {} and the indices are {}; {}", name, x.text(), own.text(), rule));
    };
    if (own.rank() != x.rank()) fail("they must have equally many axes");
    Places places{indices, at, {}, {}};
    for (std::size_t i = 0; i < x.rank(); ++i) {
        if (i != at && x[i] != own[i] && x[i] != 1 && own[i] != 1)
            fail(fmt::format("all extents but that of axis {} must be equal or 1", axis));
        in_name_of(name, std::array{x, own},
                   [&] { places.shape.append(i == at || x[i] == 1 ? own[i] : x[i]); });
    }
    check_range(name, fmt::format("x is {} and axis {} is indexed", x.text(), axis), indices, x[at]);

    // The offsets of the elements that index 0 would give, and the indices: both read in the result's order.
    std::vector<std::ptrdiff_t> offsets(places.shape.size(), 0);
    const View elements = View::of(x);
    const View positions = View::of(own).broadcast_to(places.shape);
    std::array<std::size_t, Shape::max_rank> position{};
    for (std::ptrdiff_t& offset : offsets) {
        std::ptrdiff_t index = 0;
        for (std::size_t i = 0; i < x.rank(); ++i) {
            const auto p = static_cast<std::ptrdiff_t>(position[i]);
            index += p * positions.strides[i];
            if (i != at && x[i] != 1) offset += p * elements.strides[i];
        }
        offset += indices.values()[static_cast<std::size_t>(index)] * elements.strides[at];
        for (std::size_t i = x.rank(); i-- > 0;) {
            if (++position[i] < places.shape[i]) break;
            position[i] = 0;
        }
    }
    places.offsets.assign(offsets.begin(), offsets.end());
    return places;
}

struct TakeAlong {
    static constexpr std::string_view name = "take_along";
    static constexpr Description description{
        .equation = "y = elements i of x",
        .rules = {{"x", "0, and to its elements i those of g are added"}},
        .kind = OperationKind::layout};
    const Places* places;

    Shape shape(const Shape&) const { return places->shape; }
    OnnxValue onnx(const OnnxValue& x) const {
        // GatherElements broadcasts nothing; the extents may be those of the sequence.
        const auto expand = [](const OnnxValue& value, const Shape& to) {
            return onnx_node("Expand", {value, OnnxValue::extents(to)});
        };
        Shape whole;
        for (std::size_t i = 0; i < x.shape().rank(); ++i)
            whole.append(i == places->axis ? x.shape()[i] : places->shape[i]);
        const auto& values = places->indices.values();
        const auto positions = OnnxValue::integers({values.begin(), values.end()}, places->indices.shape());
        return onnx_node("GatherElements", {expand(x, whole), expand(positions, places->shape)},
                         {{"axis", static_cast<int>(places->axis)}});
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = x.data()[places->offsets[i]];
    }
    auto rules() const;
};

/// The reverse of take_along: elements added up in zeros of shape `whole`.
struct AddAlong {
    static constexpr std::string_view name = "add_along";
    static constexpr Description description{.equation = "y = 0, and to its elements i those of x are added",
                                             .rules = {{"x", "elements i of g"}},
                                             .kind = OperationKind::layout};
    const Places* places;
    Shape whole;

    Shape shape(const Shape&) const { return whole; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        std::fill_n(y.data(), y.size(), T(0));
        add(y.data(), x);
    }
    template <class T>
    void add(T* y, const Array<T>& x) const {
        for (std::size_t i = 0; i < x.size(); ++i) y[places->offsets[i]] += x.data()[i];
    }
    auto rules() const {
        return std::tuple{
            [p = places](const auto& g, const auto&, const auto&) { return apply(TakeAlong{p}, g); }};
    }
};

auto TakeAlong::rules() const {
    return std::tuple{[p = places](const auto& g, const auto&, const auto& x) {
        return apply_sparse(AddAlong{p, x.shape()}, g);
    }};
}

/// Keeps what `make` makes of positions, for the node that is recorded next; others may take their place
/// where `make` does not throw.
template <class T, class Make>
auto& kept_for(Tape<T>& tape, const Indices& indices, const Make& make) {
    using Made = decltype(make(indices));
    const auto made = std::make_shared<Made>(make(indices));
    tape.note_slot(indices.identity(), [made, make, indices](std::span<const std::ptrdiff_t> positions) {
        return std::function<void()>([made, next = make(indices.renewed(positions))] { *made = next; });
    });
    return *tape.keep(made);  // shared with the slot, which goes where the node is taken back
}

template <class T>
Var<T> gathered(const Operand<T>& table, const Indices& indices) {
    Tape<T>& tape = tape_of(GatherRows::name, table);
    const auto make = [shape = table.shape()](const Indices& own) {
        check_rows(GatherRows::name, "table", shape, own);
        return own;
    };
    checked(tape, table.site(), [&] { make(indices); });
    detail::Rollback rollback(tape);
    return rollback.keep(apply(GatherRows{&kept_for(tape, indices, make)}, table));
}

template <class T>
Var<T> scattered(const Operand<T>& target, const Indices& indices, const Operand<T>& source) {
    Tape<T>& tape = tape_of(ScatterAdd::name, target, source);
    const auto make = [shape = target.shape(), rows = source.shape()](const Indices& own) {
        ScatterAdd::check(shape, own, rows);
        return own;
    };
    checked(tape, target.site(), [&] { make(indices); });
    detail::Rollback rollback(tape);
    return rollback.keep(apply(ScatterAdd{&kept_for(tape, indices, make)}, target, source));
}

template <class T>
Var<T> taken(const Operand<T>& x, const Indices& indices, int axis) {
    Tape<T>& tape = tape_of(TakeAlong::name, x);
    const auto make = [shape = x.shape(), axis](const Indices& own) {
        return places_along(shape, own, axis);
    };
    checked(tape, x.site(), [&] { make(indices); });
    detail::Rollback rollback(tape);
    return rollback.keep(apply(TakeAlong{&kept_for(tape, indices, make)}, x));
}

}  // namespace

Var<float> gather_rows(const Operand<float>& table, const Indices& indices) {
    return gathered(table, indices);
}
Var<double> gather_rows(const Operand<double>& table, const Indices& indices) {
    return gathered(table, indices);
}
Var<float> scatter_add(const Operand<float>& target, const Indices& indices, const Operand<float>& source) {
    return scattered(target, indices, source);
}
Var<double> scatter_add(const Operand<double>& target, const Indices& indices,
                        const Operand<double>& source) {
    return scattered(target, indices, source);
}
Var<float> take_along(const Operand<float>& x, const Indices& indices, int axis) {
    return taken(x, indices, axis);
}
Var<double> take_along(const Operand<double>& x, const Indices& indices, int axis) {
    return taken(x, indices, axis);
}

template <class T>
Tensor<T> one_hot(const Indices& indices, std::size_t n) {
    check_range("one_hot", fmt::format("{} positions", n), indices, n);
    Shape shape = indices.shape();
    in_name_of("one_hot", std::array{shape}, [&] { shape.append(n); });
    Tensor<T> result = zeros<T>(shape);
    for (std::size_t i = 0; i < indices.values().size(); ++i)
        result.data()[i * n + static_cast<std::size_t>(indices.values()[i])] = T(1);
    return result;
}

template <class T>
Array<T> gather_rows(const Array<T>& table, const Indices& indices) {
    check_rows(GatherRows::name, "table", table.shape(), indices);
    return apply(GatherRows{&indices}, table);
}
template <class T>
Array<T> scatter_add(const Array<T>& target, const Indices& indices, const Array<T>& source) {
    ScatterAdd::check(target.shape(), indices, source.shape());
    return apply(ScatterAdd{&indices}, target, source);
}
template <class T>
Array<T> take_along(const Array<T>& x, const Indices& indices, int axis) {
    const Places places = places_along(x.shape(), indices, axis);
    return apply(TakeAlong{&places}, x);
}

template Tensor<float> one_hot(const Indices&, std::size_t);
template Tensor<double> one_hot(const Indices&, std::size_t);
template Array<float> gather_rows(const Array<float>&, const Indices&);
template Array<double> gather_rows(const Array<double>&, const Indices&);
template Array<float> scatter_add(const Array<float>&, const Indices&, const Array<float>&);
template Array<double> scatter_add(const Array<double>&, const Indices&, const Array<double>&);
template Array<float> take_along(const Array<float>&, const Indices&, int);
template Array<double> take_along(const Array<double>&, const Indices&, int);

}  // namespace tapeloop
