#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/scan.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/play/operators.hpp>
#include <autograd/tape.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace tapeloop::detail {
namespace {

using D = Var<double>;

/// An operator's inputs and attributes, as what it takes them for.
class OperatorCall {
  public:
    OperatorCall(const std::string& op, std::span<const Played> inputs,
                 std::span<const OnnxAttribute> attributes)
        : op_(op), inputs_(inputs), attributes_(attributes) {}

    [[noreturn]] void fail(std::string_view reason) const {
        throw std::invalid_argument(fmt::format("playground: {} {}", op_, reason));
    }
    std::size_t size() const { return inputs_.size(); }
    bool has(std::size_t k) const {
        return k < inputs_.size() && !std::holds_alternative<std::monostate>(inputs_[k]);
    }
    D var(std::size_t k) const {
        if (!has(k)) fail(fmt::format("lacks its input {}", k));
        if (const auto* number = std::get_if<double>(&inputs_[k])) return input(Tensor<double>(*number));
        if (const auto* var = std::get_if<D>(&inputs_[k])) return *var;
        fail(fmt::format("takes integers as its input {}, where only elements are known", k));
    }
    double number(std::size_t k) const {
        const auto* number = has(k) ? std::get_if<double>(&inputs_[k]) : nullptr;
        return number == nullptr ? fail(fmt::format("must have a number as its input {}", k)), 0.0 : *number;
    }
    bool is_integers(std::size_t k) const { return has(k) && std::holds_alternative<Integers>(inputs_[k]); }
    const Integers& integers(std::size_t k) const {
        if (!is_integers(k)) fail(fmt::format("must have integers as its input {}", k));
        return std::get<Integers>(inputs_[k]);
    }
    std::int64_t only(std::size_t k) const {
        if (integers(k).elements.size() != 1) fail(fmt::format("must have one integer as its input {}", k));
        return integers(k).elements.front();
    }
    template <class V>
    V attribute(std::string_view name, V otherwise) const {
        for (const OnnxAttribute& one : attributes_)
            if (one.name == name) return std::get<V>(one.value);
        return otherwise;
    }
    int axis(std::int64_t otherwise) const {
        return static_cast<int>(attribute<std::int64_t>("axis", otherwise));
    }

  private:
    const std::string& op_;
    std::span<const Played> inputs_;
    std::span<const OnnxAttribute> attributes_;
};

std::vector<int> ints_of(const std::vector<std::int64_t>& list) { return {list.begin(), list.end()}; }

Shape shape_of_extents(const OperatorCall& call, std::size_t k) {
    std::vector<std::size_t> extents;
    for (const std::int64_t extent : call.integers(k).elements)
        extents.push_back(static_cast<std::size_t>(extent));
    return Shape::of(extents);
}

/// ONNX broadcasts both ways: an extent of 1 in what is asked for leaves that of x.
Shape expanded(const Shape& x, const Shape& asked) {
    const std::size_t rank = std::max(x.rank(), asked.rank());
    const auto extent = [rank](const Shape& shape, std::size_t axis) {
        const std::size_t missing = rank - shape.rank();
        return axis < missing ? std::size_t{1} : std::size_t{shape[axis - missing]};
    };
    Shape result;
    for (std::size_t axis = 0; axis < rank; ++axis)
        result.append(extent(x, axis) == 1 ? extent(asked, axis) : extent(x, axis));
    return result;
}

Integers expanded_integers(const Integers& x, const Shape& asked) {
    Integers result{expanded(x.shape, asked), {}};
    const std::size_t missing = result.shape.rank() - x.shape.rank();
    for (std::size_t i = 0; i < result.shape.size(); ++i) {
        std::size_t rest = i;
        std::size_t place = 0;
        std::size_t stride = 1;
        for (std::size_t axis = result.shape.rank(); axis-- > 0;) {
            const std::size_t at = rest % result.shape[axis];
            rest /= result.shape[axis];
            if (axis < missing) continue;
            const std::size_t extent = x.shape[axis - missing];
            place += extent == 1 ? 0 : at * stride;
            stride *= extent;
        }
        result.elements.push_back(x.elements.at(place));
    }
    return result;
}

Played expand(const OperatorCall& call) {
    const Shape asked = shape_of_extents(call, 1);
    if (call.is_integers(0)) return expanded_integers(call.integers(0), asked);
    const D x = call.var(0);
    return broadcast_to(x, expanded(x.shape(), asked));
}

/// All axes of a reduction at once: maxima that are equal share what arrives.
Axes axes_of(const OperatorCall& call, const std::vector<int>& axes) {
    switch (axes.size()) {
        case 1:
            return {axes[0]};
        case 2:
            return {axes[0], axes[1]};
        case 3:
            return {axes[0], axes[1], axes[2]};
        case 4:
            return {axes[0], axes[1], axes[2], axes[3]};
        default:
            call.fail(fmt::format("reduces over {} axes; up to four are known", axes.size()));
    }
}

template <auto reduce>
Played reduction(const OperatorCall& call) {
    const D x = call.var(0);
    const std::vector<int> axes =
        ints_of(call.is_integers(1) ? call.integers(1).elements
                                    : call.attribute<std::vector<std::int64_t>>("axes", {}));
    const bool keeps = call.attribute<std::int64_t>("keepdims", 1) != 0;
    if (axes.empty() || axes.size() == x.shape().rank()) return reduce(x, Axes(), keeps);
    return reduce(x, axes_of(call, axes), keeps);
}

Played gather(const OperatorCall& call) {
    const D table = call.var(0);
    const Integers& places = call.integers(1);
    if (call.axis(0) != 0) call.fail("is known along axis 0 only");
    if (places.shape.rank() == 0) {
        const std::int64_t place = call.only(1);
        return squeeze(
            slice(table, 0, static_cast<std::ptrdiff_t>(place), static_cast<std::ptrdiff_t>(place + 1)), 0);
    }
    return gather_rows(table, Indices(places.elements).reshaped(places.shape));
}

Played scatter(const OperatorCall& call) {
    if (call.attribute<std::string>("reduction", "none") != "add") call.fail("is known as a sum only");
    const Integers& places = call.integers(1);
    Shape rows;
    for (std::size_t axis = 0; axis + 1 < places.shape.rank(); ++axis) rows.append(places.shape[axis]);
    return scatter_add(call.var(0), Indices(places.elements).reshaped(rows), call.var(2));
}

Played gather_elements(const OperatorCall& call) {
    const Integers& places = call.integers(1);
    return take_along(call.var(0), Indices(places.elements).reshaped(places.shape), call.axis(0));
}

Played cut(const OperatorCall& call) {
    const D x = call.var(0);
    const auto axis = static_cast<int>(call.has(3) ? call.only(3) : 0);
    const std::int64_t step = call.has(4) ? call.only(4) : 1;
    if (step < 0) {
        if (step != -1 || call.only(1) != -1)
            call.fail("with a negative step is known for a whole axis only");
        return flip(x, axis);
    }
    const std::size_t at =
        axis < 0 ? x.shape().rank() - static_cast<std::size_t>(-axis) : static_cast<std::size_t>(axis);
    const auto extent = static_cast<std::int64_t>(x.shape()[at]);
    const auto place = [](std::int64_t number) { return static_cast<std::ptrdiff_t>(number); };
    return slice(x, axis, place(call.only(1)), place(std::min(call.only(2), extent)),
                 static_cast<std::size_t>(step));
}

Played padded(const OperatorCall& call) {
    const std::vector<std::int64_t>& around = call.integers(1).elements;
    const std::size_t rank = around.size() / 2;
    std::vector<Padding> widths;
    for (std::size_t axis = 0; axis < rank; ++axis)
        widths.push_back(
            {static_cast<std::size_t>(around[axis]), static_cast<std::size_t>(around[rank + axis])});
    return pad(call.var(0), widths);
}

Played with_axes(const OperatorCall& call) {
    std::vector<int> axes = ints_of(call.integers(1).elements);
    const D x = call.var(0);
    const auto rank = static_cast<int>(x.shape().rank() + axes.size());
    for (int& axis : axes) axis = axis < 0 ? axis + rank : axis;
    std::sort(axes.begin(), axes.end());
    D result = x;
    for (const int axis : axes) result = expand_dims(result, axis);
    return result;
}

Played without_axes(const OperatorCall& call) {
    std::vector<int> axes = ints_of(call.integers(1).elements);
    D result = call.var(0);
    const auto rank = static_cast<int>(result.shape().rank());
    for (int& axis : axes) axis = axis < 0 ? axis + rank : axis;
    std::sort(axes.rbegin(), axes.rend());
    for (const int axis : axes) result = squeeze(result, axis);
    return result;
}

Played joined(const OperatorCall& call) {
    std::vector<D> parts;
    for (std::size_t k = 0; k < call.size(); ++k) parts.push_back(call.var(k));
    return concatenate(parts, call.axis(0));
}

Played cumulative(const OperatorCall& call) {
    const auto axis = static_cast<int>(call.only(1));
    if (call.attribute<std::int64_t>("reverse", 0) == 0) return cumsum(call.var(0), axis);
    return flip(cumsum(flip(call.var(0), axis), axis), axis);
}

/// ONNX' remainder has the sign of a, and `mod` that of b.
Played remainder(const OperatorCall& call) {
    const D a = call.var(0);
    const D b = call.var(1);
    const D rest = mod(a, b);
    return where(rest * a < 0, rest - b, rest);
}

/// Truth is 1 and 0 here anyway. No gradient passes to what becomes true or false.
Played cast(const OperatorCall& call) {
    if (!call.is_integers(0)) return detach(call.var(0));
    Tensor<double> elements = uninitialised<double>(call.integers(0).shape);
    std::copy(call.integers(0).elements.begin(), call.integers(0).elements.end(), elements.begin());
    return input(elements);
}

/// ONNX takes a vector for a row in front and for a column behind.
Played product_of(const OperatorCall& call) {
    const D a = call.var(0);
    const D b = call.var(1);
    if (a.shape().rank() == 1 && b.shape().rank() == 1) return dot(a, b);
    if (a.shape().rank() == 1) return squeeze(matmul(expand_dims(a, 0), b), -2);
    if (b.shape().rank() == 1) return squeeze(matmul(a, expand_dims(b, 1)), -1);
    return matmul(a, b);
}

// Elementwise functions are overloaded, so each is named in a call.
#define TAPELOOP_PLAY_UNARY(Op, function)                                             \
    {                                                                                 \
#Op, [](const OperatorCall& call) -> Played { return function(call.var(0)); } \
    }
#define TAPELOOP_PLAY_BINARY(Op, function)                                                         \
    {                                                                                              \
#Op, [](const OperatorCall& call) -> Played { return function(call.var(0), call.var(1)); } \
    }
#define TAPELOOP_PLAY_REDUCTION(Op, function)                                                        \
    {                                                                                                \
#Op, [](const OperatorCall& call) {                                                                \
            return reduction<[](const D& x, Axes axes, bool keeps) { return function(x, axes, keeps); }>(call); \
        } \
    }

using Function = Played (*)(const OperatorCall&);

const std::unordered_map<std::string_view, Function>& functions() {
    static const std::unordered_map<std::string_view, Function> table{
        TAPELOOP_PLAY_BINARY(Add, add),
        TAPELOOP_PLAY_BINARY(Sub, subtract),
        TAPELOOP_PLAY_BINARY(Mul, multiply),
        TAPELOOP_PLAY_BINARY(Div, divide),
        TAPELOOP_PLAY_BINARY(Pow, pow),
        TAPELOOP_PLAY_BINARY(Max, maximum),
        TAPELOOP_PLAY_BINARY(Min, minimum),
        TAPELOOP_PLAY_BINARY(Less, less),
        TAPELOOP_PLAY_BINARY(LessOrEqual, less_equal),
        TAPELOOP_PLAY_BINARY(Equal, equal),
        TAPELOOP_PLAY_UNARY(Neg, negate),
        TAPELOOP_PLAY_UNARY(Abs, abs),
        TAPELOOP_PLAY_UNARY(Sqrt, sqrt),
        TAPELOOP_PLAY_UNARY(Exp, exp),
        TAPELOOP_PLAY_UNARY(Log, log),
        TAPELOOP_PLAY_UNARY(Sin, sin),
        TAPELOOP_PLAY_UNARY(Cos, cos),
        TAPELOOP_PLAY_UNARY(Tanh, tanh),
        TAPELOOP_PLAY_UNARY(Sigmoid, sigmoid),
        TAPELOOP_PLAY_UNARY(Softplus, softplus),
        TAPELOOP_PLAY_UNARY(Erf, erf),
        TAPELOOP_PLAY_UNARY(Relu, relu),
        TAPELOOP_PLAY_UNARY(HardSigmoid, hard_sigmoid),
        TAPELOOP_PLAY_UNARY(Floor, floor),
        TAPELOOP_PLAY_UNARY(Ceil, ceil),
        TAPELOOP_PLAY_UNARY(Round, round),
        TAPELOOP_PLAY_UNARY(Sign, sign),
        TAPELOOP_PLAY_REDUCTION(ReduceSum, sum),
        TAPELOOP_PLAY_REDUCTION(ReduceMean, mean),
        TAPELOOP_PLAY_REDUCTION(ReduceMax, max),
        TAPELOOP_PLAY_REDUCTION(ReduceMin, min),
        TAPELOOP_PLAY_REDUCTION(ReduceProd, prod),
        TAPELOOP_PLAY_REDUCTION(ReduceL2, norm),
        TAPELOOP_PLAY_REDUCTION(ReduceLogSumExp, logsumexp),
        {"LeakyRelu",
         [](const OperatorCall& call) -> Played {
             return leaky_relu(call.var(0), call.attribute("alpha", 0.01));
         }},
        {"Elu",
         [](const OperatorCall& call) -> Played { return elu(call.var(0), call.attribute("alpha", 1.0)); }},
        {"Clip",
         [](const OperatorCall& call) -> Played {
             return clip(call.var(0), call.number(1), call.number(2));
         }},
        {"Where",
         [](const OperatorCall& call) -> Played { return where(call.var(0), call.var(1), call.var(2)); }},
        {"Cast", cast},
        {"Identity",
         [](const OperatorCall& call) -> Played { return reshape(call.var(0), call.var(0).shape()); }},
        {"Softmax", [](const OperatorCall& call) -> Played { return softmax(call.var(0), call.axis(-1)); }},
        {"LogSoftmax",
         [](const OperatorCall& call) -> Played { return log_softmax(call.var(0), call.axis(-1)); }},
        {"Reshape",
         [](const OperatorCall& call) -> Played { return reshape(call.var(0), shape_of_extents(call, 1)); }},
        {"Transpose",
         [](const OperatorCall& call) -> Played {
             return transpose(call.var(0), ints_of(call.attribute<std::vector<std::int64_t>>("perm", {})));
         }},
        {"MatMul", product_of},
        {"Mod", remainder},
        {"Expand", expand},
        {"Gather", gather},
        {"GatherElements", gather_elements},
        {"ScatterND", scatter},
        {"Slice", cut},
        {"Pad", padded},
        {"Unsqueeze", with_axes},
        {"Squeeze", without_axes},
        {"Concat", joined},
        {"CumSum", cumulative},
    };
    return table;
}

#undef TAPELOOP_PLAY_UNARY
#undef TAPELOOP_PLAY_BINARY
#undef TAPELOOP_PLAY_REDUCTION

}  // namespace

Played play_operator(const std::string& op, std::span<const Played> inputs,
                     std::span<const OnnxAttribute> attributes) {
    const OperatorCall call(op, inputs, attributes);
    const auto function = functions().find(op);
    if (function == functions().end()) call.fail("is no operator that the playground knows");
    return function->second(call);
}

}  // namespace tapeloop::detail
