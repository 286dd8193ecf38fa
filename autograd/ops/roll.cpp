#include <autograd/kernels/strided.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

using namespace detail;

namespace {

struct Roll {
    static constexpr std::string_view name = "roll";
    static constexpr Description description{
        .equation = "y = x, rolled", .rules = {{"x", "g, rolled back"}}, .kind = OperationKind::layout};
    std::ptrdiff_t shift;
    int axis;

    std::string arguments() const { return fmt::format("by {} along axis {}", shift, axis); }
    Shape shape(const Shape& x) const {
        normalised_axis(name, axis, x.rank());
        return x;
    }
    /// Returns the number of places that elements move on, below the extent.
    std::size_t places(std::size_t extent) const {
        const auto n = static_cast<std::ptrdiff_t>(extent);
        return n == 0 ? 0 : static_cast<std::size_t>((shift % n + n) % n);
    }
    OnnxValue onnx(const OnnxValue& x) const {
        const std::size_t extent = x.shape()[normalised_axis(name, axis, x.shape().rank())];
        const auto front = static_cast<std::int64_t>(extent - places(extent));
        const auto part = [&](std::int64_t begin, std::int64_t end) {
            return onnx_node("Slice", {x, OnnxValue::integers({begin}), OnnxValue::integers({end}),
                                       OnnxValue::integers({axis})});
        };
        return onnx_node("Concat", {part(front, static_cast<std::int64_t>(extent)), part(0, front)},
                         {{"axis", axis}});
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const std::size_t at = normalised_axis(name, axis, x.shape().rank());
        const std::size_t extent = x.shape()[at];
        const std::size_t back = places(extent);
        const std::size_t front = extent - back;
        const View all = View::of(x.shape());
        transfer(all.sliced(at, 0, front), x.data(), all.sliced(at, back, front), {y.data(), false});
        transfer(all.sliced(at, front, back), x.data(), all.sliced(at, 0, back), {y.data(), false});
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
            const std::size_t extent = x.shape()[normalised_axis(name, axis, x.shape().rank())];
            return apply(Roll{static_cast<std::ptrdiff_t>(extent - places(extent)), axis}, g);
        }};
    }
};

}  // namespace

Var<float> roll(const Operand<float>& x, std::ptrdiff_t shift, int axis) {
    return apply(Roll{shift, axis}, x);
}
Var<double> roll(const Operand<double>& x, std::ptrdiff_t shift, int axis) {
    return apply(Roll{shift, axis}, x);
}

}  // namespace tapeloop
