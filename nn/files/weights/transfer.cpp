#include <nn/files/weights/transfer.hpp>

#include <algorithm>

namespace tapeloop::nn::detail {

namespace {

template <class T>
using Piece = typename OutsideArray<T>::Piece;

constexpr std::size_t tile = 32;  // rows and columns of a transposition that stay in the cache

/// Columns of an array that lies in rows of `stride`.
std::size_t stride_of(const Shape& shape) { return shape.rank() == 0 ? 1 : shape.back(); }

/// Elements that lie in a row in the parameter, and in steps in the array.
struct Run {
    std::size_t ours;    ///< the first place in the parameter
    std::size_t theirs;  ///< the first place in the array
    std::size_t count;
    std::size_t step;
};

/// Calls `f(run)` for all elements of a piece.
template <class T, class F>
void for_each_run(const Shape& array, const Piece<T>& piece, const F& f) {
    const Shape& ours = piece.part.parameter->shape();
    const auto& [row, column, turned, is_second] = piece.place;
    const std::size_t stride = stride_of(ours);
    const std::size_t width = piece.part.width;
    const std::size_t rows = stride == 0 ? 0 : ours.size() / stride;
    const std::size_t there = stride_of(array);
    const std::size_t origin = row * there + column;
    if (!turned && width == stride && width == there) return f(Run{0, origin, rows * width, 1});
    const std::size_t length = turned ? std::min(tile, width) : width;
    for (std::size_t j = 0; j < width; j += length)
        for (std::size_t i = 0; i < rows; ++i)
            f(Run{i * stride + piece.part.first + j, origin + (turned ? j * there + i : i * there + j),
                  std::min(length, width - j), turned ? there : 1});
}

/// Calls `f(ours, theirs)` with the elements of a run, of which the most common kind becomes a copy.
template <class A, class B, class F>
void for_each_pair(const Run& run, A* ours, B* theirs, const F& f) {
    ours += run.ours;
    theirs += run.theirs;
    if (run.step == 1)
        for (std::size_t k = 0; k < run.count; ++k) f(ours[k], theirs[k]);
    else
        for (std::size_t k = 0; k < run.count; ++k) f(ours[k], theirs[k * run.step]);
}

/// Whether an array is a parameter as it is.
template <class T>
bool is_as_it_is(const OutsideArray<T>& array) {
    const Piece<T>& piece = array.pieces().front();
    return array.pieces().size() == 1 && array.shape() == piece.part.parameter->shape() &&
           !piece.place.transposed;
}

template <class T>
Tensor<T> put_together(const OutsideArray<T>& array,
                       const std::function<const Tensor<T>&(const Parameter<T>&)>& value_of, Second second) {
    Tensor<T> result = tapeloop::detail::zeros<T>(array.shape());
    for (const Piece<T>& piece : array.pieces()) {
        if (piece.place.is_second && second == Second::zero) continue;
        const T* from = value_of(*piece.part.parameter).data();
        T* to = result.data();
        for_each_run<T>(array.shape(), piece, [&](const Run& run) {
            for_each_pair(run, from, to, [](T ours, T& theirs) { theirs = ours; });
        });
    }
    return result;
}

template <class T>
constexpr ElementType type_of = std::same_as<T, float> ? ElementType::f32 : ElementType::f64;

}  // namespace

template <class T>
Outgoing<T> outgoing(const Naming<T>& naming,
                     const std::function<const Tensor<T>&(const Parameter<T>&)>& value_of, Second second) {
    Outgoing<T> result;
    for (const OutsideArray<T>& array : naming) {
        const bool is_zero = second == Second::zero && array.pieces().front().place.is_second;
        const T* data = nullptr;
        if (is_as_it_is(array) && !is_zero) {
            data = value_of(*array.pieces().front().part.parameter).data();
        } else {
            result.put_together.push_back(put_together(array, value_of, second));
            data = result.put_together.back().data();
        }
        result.views.push_back(
            {array.name(), type_of<T>, {array.shape().begin(), array.shape().end()}, data});
    }
    return result;
}

template <class T>
NamedArrays copied(const Outgoing<T>& outgoing) {
    NamedArrays result;
    for (const ArrayView& view : outgoing.views) {
        Tensor<T> tensor = tapeloop::detail::uninitialised<T>(Shape::of(view.shape));
        std::copy_n(static_cast<const T*>(view.data), tensor.size(), tensor.data());
        result.arrays.emplace(view.name, std::move(tensor));
    }
    return result;
}

template <class T, class S>
void take(const OutsideArray<T>& array, const S* values, bool seconds) {
    for (const Piece<T>& piece : array.pieces()) {
        if (piece.place.is_second != seconds) continue;
        T* to = piece.part.parameter->update().data();
        for_each_run<T>(array.shape(), piece, [&](const Run& run) {
            if (seconds)
                for_each_pair(run, to, values, [](T& ours, S theirs) { ours += static_cast<T>(theirs); });
            else
                for_each_pair(run, to, values, [](T& ours, S theirs) { ours = static_cast<T>(theirs); });
        });
    }
}

template <class T>
void take_zeros(const OutsideArray<T>& array) {
    for (const Piece<T>& piece : array.pieces()) {
        if (piece.place.is_second) continue;
        T* to = piece.part.parameter->update().data();
        for_each_run<T>(array.shape(), piece,
                        [&](const Run& run) { std::fill_n(to + run.ours, run.count, T(0)); });
    }
}

template Outgoing<float> outgoing(const Naming<float>&,
                                  const std::function<const Tensor<float>&(const Parameter<float>&)>&,
                                  Second);
template Outgoing<double> outgoing(const Naming<double>&,
                                   const std::function<const Tensor<double>&(const Parameter<double>&)>&,
                                   Second);
template NamedArrays copied(const Outgoing<float>&);
template NamedArrays copied(const Outgoing<double>&);
template void take(const OutsideArray<float>&, const float*, bool);
template void take(const OutsideArray<float>&, const double*, bool);
template void take(const OutsideArray<double>&, const float*, bool);
template void take(const OutsideArray<double>&, const double*, bool);
template void take_zeros(const OutsideArray<float>&);
template void take_zeros(const OutsideArray<double>&);

}  // namespace tapeloop::nn::detail
