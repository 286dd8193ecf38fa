#include <fmt/format.h>
#include <nn/files/weights/naming.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace tapeloop::nn {

namespace {

/// A shape as rows and columns; a number is one of each.
Shape matrix_of(const Shape& shape) { return shape.rank() == 0 ? Shape{1, 1} : shape.as_matrix(); }

std::size_t place_of(std::span<const std::string_view> gates, std::string_view name) {
    const auto found = std::find(gates.begin(), gates.end(), name);
    if (found == gates.end())
        throw std::invalid_argument(
            fmt::format("Naming: there is no gate `{}`; the gates are {}", name, fmt::join(gates, ", ")));
    return static_cast<std::size_t>(found - gates.begin());
}

/// The rows and columns that a part takes up in its array.
template <class T>
Shape extent_of(const typename OutsideArray<T>::Piece& piece) {
    const std::size_t rows = matrix_of(piece.part.parameter->shape())[0];
    const std::size_t columns = piece.part.width;
    return piece.place.transposed ? Shape{columns, rows} : Shape{rows, columns};
}

template <class T>
bool overlap(const typename OutsideArray<T>::Piece& a, const typename OutsideArray<T>::Piece& b) {
    const Shape of_a = extent_of<T>(a);
    const Shape of_b = extent_of<T>(b);
    return a.place.row < b.place.row + of_b[0] && b.place.row < a.place.row + of_a[0] &&
           a.place.column < b.place.column + of_b[1] && b.place.column < a.place.column + of_a[1];
}

}  // namespace

template <class T>
ParameterPart<T>::ParameterPart(Parameter<T>& whole)
    : parameter(whole), first(0), width(matrix_of(whole.shape())[1]) {}

template <class T>
ParameterPart<T>::ParameterPart(Parameter<T>& packed, std::span<const std::string_view> gates,
                                std::string_view name)
    : ParameterPart(packed) {
    const std::size_t place = place_of(gates, name);
    if (width % gates.size() != 0)
        throw std::invalid_argument(
            fmt::format("Naming: parameter `{}` is {}; its last axis must hold {} gates of one size",
                        packed.name(), packed.shape().text(), gates.size()));
    width /= gates.size();
    first = place * width;
}

Arrangement gate_order(std::span<const std::string_view> ours, std::span<const std::string_view> theirs) {
    Arrangement how;
    for (const std::string_view gate : theirs) how.order.push_back(place_of(ours, gate));
    if (std::set(how.order.begin(), how.order.end()).size() != ours.size() || theirs.size() != ours.size())
        throw std::invalid_argument(fmt::format("gate_order: {} are not the gates {} in another order",
                                                fmt::join(theirs, ", "), fmt::join(ours, ", ")));
    return how;
}

Arrangement gate_order(std::span<const std::string_view> ours,
                       std::initializer_list<std::string_view> theirs) {
    return gate_order(ours, std::span(theirs.begin(), theirs.size()));
}

template <class T>
OutsideArray<T>::OutsideArray(std::string name, const Shape& shape, bool is_bias)
    : name_(std::move(name)), shape_(shape), is_bias_(is_bias) {}

template <class T>
OutsideArray<T>& OutsideArray<T>::put(const ParameterPart<T>& part, const Place& place) {
    const Piece piece{part, place};
    const Shape whole = matrix_of(shape_);
    const Shape extent = extent_of<T>(piece);
    if (place.row + extent[0] > whole[0] || place.column + extent[1] > whole[1])
        throw std::invalid_argument(fmt::format(
            "Naming: `{}` is {}; parameter `{}`, which is {} there, does not fit in at {}, {}", name_,
            shape_.text(), part.parameter->name(), extent.text(), place.row, place.column));
    for (const Piece& other : pieces_)
        if (overlap<T>(piece, other))
            throw std::invalid_argument(
                fmt::format("Naming: in `{}` parameters `{}` and `{}` lie in the same place", name_,
                            other.part.parameter->name(), part.parameter->name()));
    pieces_.push_back(piece);
    return *this;
}

template <class T>
bool OutsideArray<T>::is_full() const {
    std::size_t count = 0;
    for (const Piece& piece : pieces_) count += extent_of<T>(piece).size();
    return !pieces_.empty() && count == shape_.size();
}

template <class T>
Naming<T>::Naming(const ParameterList<T>& parameters) : separator_("/") {
    for (const auto& [path, parameter] : parameters) add(path, *parameter);
}

template <class T>
Naming<T>& Naming<T>::add(std::string name, const ParameterPart<T>& part, const Arrangement& how) {
    const Shape ours = part.parameter->shape();
    const bool is_whole = part.width == matrix_of(ours)[1];
    const bool turned = how.transposed && ours.rank() > 1;
    if (turned && ours.rank() != 2)
        throw std::invalid_argument(fmt::format("Naming: parameter `{}` is {}; only a matrix is transposed",
                                                part.parameter->name(), ours.text()));
    if (!how.order.empty() && (!is_whole || part.width % how.order.size() != 0))
        throw std::invalid_argument(
            fmt::format("Naming: parameter `{}` is {}; its last axis must hold {} gates of one size",
                        part.parameter->name(), ours.text(), how.order.size()));
    const Shape shape = turned             ? Shape{part.width, ours[0]}
                        : ours.rank() == 0 ? ours
                                           : ours.with(ours.rank() - 1, part.width);
    OutsideArray<T> array(std::move(name), shape, how.is_bias);
    const std::size_t count = how.order.empty() ? 1 : how.order.size();
    for (std::size_t k = 0; k < count; ++k) {
        ParameterPart<T> gate = part;
        gate.width = part.width / count;
        if (!how.order.empty()) gate.first = how.order[k] * gate.width;
        const std::size_t begin = k * gate.width;
        array.put(gate, {turned ? begin : 0, turned ? 0 : begin, turned, how.is_second});
    }
    return add(std::move(array));
}

template <class T>
Naming<T>& Naming<T>::add(OutsideArray<T> array) {
    require_new(array.name());
    if (!array.is_full())
        throw std::invalid_argument(fmt::format("Naming: `{}` is {}, and parts of it belong to no parameter",
                                                array.name(), array.shape().text()));
    arrays_.push_back(std::move(array));
    return *this;
}

template <class T>
Naming<T>& Naming<T>::add(std::string_view prefix, const Naming& part) {
    const std::string before = fmt::format("{}{}", prefix, part.separator_);
    for (const OutsideArray<T>& array : part) require_new(before + array.name());
    if (arrays_.empty()) separator_ = part.separator_;
    for (OutsideArray<T> array : part.arrays_) {
        array.rename(before + array.name());
        arrays_.push_back(std::move(array));
    }
    return *this;
}

template <class T>
Naming<T>& Naming<T>::rename(const std::function<std::string(const std::string&)>& renamed) {
    Naming all(separator_);
    for (OutsideArray<T> array : arrays_) {
        array.rename(renamed(array.name()));
        all.add(std::move(array));
    }
    arrays_ = std::move(all.arrays_);
    return *this;
}

template <class T>
void Naming<T>::require_new(const std::string& name) const {
    if (std::any_of(arrays_.begin(), arrays_.end(), [&](const auto& other) { return other.name() == name; }))
        throw std::invalid_argument(fmt::format(
            "Naming: two arrays are called `{}`; add the parts of a model under different prefixes", name));
}

template struct ParameterPart<float>;
template struct ParameterPart<double>;
template class OutsideArray<float>;
template class OutsideArray<double>;
template class Naming<float>;
template class Naming<double>;

}  // namespace tapeloop::nn
