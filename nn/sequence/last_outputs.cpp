#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/operation.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/last_outputs.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

constexpr std::string_view last_outputs_name = "last_outputs";

Shape without_time(const Shape& outputs) {
    Shape shape;
    for (std::size_t axis = 1; axis < outputs.rank(); ++axis) shape.append(outputs[axis]);
    return shape;
}

/// [B, 1, ..]: 1 for the rows that have a last output.
template <class T>
Tensor<T> has_output(const std::vector<std::size_t>& lengths, std::size_t rank) {
    std::vector<std::size_t> shape(rank, 1);
    shape[0] = lengths.size();
    Tensor<T> mask = uninitialised<T>(Shape(shape));
    std::transform(lengths.begin(), lengths.end(), mask.data(),
                   [](std::size_t length) { return static_cast<T>(length > 0); });
    return mask;
}

/// The place of each row's last output among the T B; the first one where it has none.
std::vector<std::ptrdiff_t> last_places(const std::vector<std::size_t>& lengths) {
    std::vector<std::ptrdiff_t> places;
    for (std::size_t row = 0; row < lengths.size(); ++row)
        places.push_back(
            static_cast<std::ptrdiff_t>((lengths[row] == 0 ? 0 : lengths[row] - 1) * lengths.size() + row));
    return places;
}

template <class T>
Var<T> last_of(const Operand<T>& outputs, Lengths lengths) {
    const Shape& shape = outputs.shape();
    const CallSite& site = outputs.site();
    if (shape.rank() < 2)
        throw std::invalid_argument(with_site(
            fmt::format("{}: outputs is {}; it must be [T, B, ..]", last_outputs_name, shape.text()), site,
            ""));
    const std::size_t batch = shape[1];
    if (lengths.empty()) lengths = std::vector<std::size_t>(batch, shape[0]);
    require_lengths(last_outputs_name, lengths.values(), shape[0], batch);
    const Shape result = without_time(shape);
    if (shape[0] == 0 || batch == 0) return input(zeros<T>(result));

    Shape rows{shape[0] * batch};
    for (std::size_t axis = 2; axis < shape.rank(); ++axis) rows.append(shape[axis]);
    const Operand<T> listed(reshape(outputs, rows), site);
    if (lengths.slot().has_value()) {
        const auto positions = [&](const Shape& of, const auto& follow) {
            return following(last_outputs_name, lengths, shape[0], of, follow);
        };
        const Var<T> last = gather_rows(listed, positions({batch}, last_places));
        const auto has_any = [](const std::vector<std::size_t>& list) {
            std::vector<std::ptrdiff_t> any;
            for (const std::size_t length : list) any.push_back(length > 0 ? 1 : 0);
            return any;
        };
        std::vector<std::size_t> by_row(result.rank(), 1);
        by_row[0] = batch;
        const Var<T> counts = counting<T>(positions(Shape(by_row), has_any), site);
        return where(Operand<T>(counts, site), last, 0);
    }
    const Var<T> last = gather_rows(listed, Indices(last_places(lengths)));
    if (std::find(lengths.begin(), lengths.end(), 0U) == lengths.end()) return last;
    return where(Operand<T>(has_output<T>(lengths, result.rank()), site), last, 0);
}

}  // namespace

Var<float> last_outputs(const Operand<float>& outputs, const Lengths& lengths) {
    return last_of(outputs, lengths);
}
Var<double> last_outputs(const Operand<double>& outputs, const Lengths& lengths) {
    return last_of(outputs, lengths);
}

}  // namespace tapeloop::nn
