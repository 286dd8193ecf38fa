#include <autograd/kernels/patches.hpp>
#include <autograd/ops/conv.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <limits>

namespace tapeloop {

using namespace detail;

namespace {

struct Patches {
    static constexpr std::string_view name = "patches";
    static constexpr Description description{.equation = "y = x under the window, place by place",
                                             .rules = {{"x", "g, added where it came from"}},
                                             .kind = OperationKind::layout,
                                             .fills_with_infinity = true};
    PatchGeometry geometry;
    double fill = 0;

    Shape shape(const Shape&) const { return {geometry.rows(), geometry.columns()}; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        take_patches(geometry, x.data(), y.data(), static_cast<T>(fill));
    }
    auto rules() const;
};

/// The reverse: zeros of the images' shape with every element added where it came from.
struct FromPatches {
    static constexpr std::string_view name = "from_patches";
    static constexpr Description description{.equation = "y = x, added where it came from",
                                             .rules = {{"x", "g under the window, place by place"}},
                                             .kind = OperationKind::layout};
    PatchGeometry geometry;
    Shape images;

    Shape shape(const Shape&) const { return images; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        std::fill_n(y.data(), y.size(), T(0));
        add(y.data(), x);
    }
    template <class T>
    void add(T* y, const Array<T>& x) const {
        add_patches(geometry, x.data(), y);
    }
    auto rules() const {
        return std::tuple{
            [p = geometry](const auto& g, const auto&, const auto&) { return apply(Patches{p}, g); }};
    }
};

auto Patches::rules() const {
    return std::tuple{[p = geometry](const auto& g, const auto&, const auto& x) {
        return apply_sparse(FromPatches{p, x.shape()}, g);
    }};
}

/// The movement of a window along one axis.
struct Movement {
    std::string_view axis;
    std::ptrdiff_t extent;
    std::ptrdiff_t stride;
    std::ptrdiff_t padding;
    std::ptrdiff_t dilation;
};
using Movements = std::vector<Movement>;

Movements along_sequence(std::ptrdiff_t extent, const Conv1dOptions& options) {
    return {{"length", extent, options.stride, options.padding, options.dilation}};
}
Movements over_image(PerAxis extent, PerAxis stride, PerAxis padding, PerAxis dilation) {
    return {{"height", extent.height, stride.height, padding.height, dilation.height},
            {"width", extent.width, stride.width, padding.width, dilation.width}};
}

/// An operation's name and what it was given, for its errors.
struct Subject {
    std::string_view name;
    std::string arguments;

    [[noreturn]] void fail(const std::string& rule) const {
        throw std::invalid_argument(fmt::format("{}: {}; {}", name, arguments, rule));
    }
    void check(std::string_view what, std::ptrdiff_t number, std::ptrdiff_t least) const {
        constexpr std::ptrdiff_t most = std::numeric_limits<std::int32_t>::max();
        if (number < least || number > most)
            fail(fmt::format("the {} is {} and must be in {} .. {}", what, number, least, most));
    }
};

Window window_of(const Subject& subject, const Movement& movement, std::size_t extent) {
    subject.check("window's " + std::string(movement.axis), movement.extent, 1);
    subject.check("stride", movement.stride, 1);
    subject.check("padding", movement.padding, 0);
    subject.check("dilation", movement.dilation, 1);
    const std::ptrdiff_t reach = movement.dilation * (movement.extent - 1) + 1;
    const std::ptrdiff_t padded = static_cast<std::ptrdiff_t>(extent) + 2 * movement.padding;
    if (reach > padded)
        subject.fail(fmt::format("the window reaches over {} places of the {}, which has {} with its padding",
                                 reach, movement.axis, padded));
    const auto size = [](std::ptrdiff_t number) { return static_cast<std::size_t>(number); };
    return {size(movement.extent), size(movement.stride), size(movement.padding), size(movement.dilation),
            size((padded - reach) / movement.stride + 1)};
}

/// Returns where the windows lie in x [B, C, ..places].
PatchGeometry geometry_of(const Subject& subject, const Shape& x, const Movements& movements) {
    if (x.rank() != 2 + movements.size())
        subject.fail(fmt::format("x must be [B, C, {}]", movements.size() == 1 ? "L" : "H, W"));
    PatchGeometry geometry;
    geometry.batch = x[0];
    geometry.channels = x[1];
    const std::size_t first = geometry.windows.size() - movements.size();
    for (std::size_t i = 0; i < movements.size(); ++i) {
        geometry.image[first + i] = x[2 + i];
        geometry.windows[first + i] = window_of(subject, movements[i], x[2 + i]);
    }
    return geometry;
}

/// [a, b, ..outputs]
Shape outputs_shape(std::size_t a, std::size_t b, const PatchGeometry& geometry, std::size_t axes) {
    Shape shape{a, b};
    for (std::size_t i = geometry.windows.size() - axes; i < geometry.windows.size(); ++i)
        shape.append(geometry.windows[i].outputs);
    return shape;
}

PatchGeometry checked_convolution(std::string_view name, const Shape& x, const Shape& weights,
                                  const Movements& movements, std::ptrdiff_t groups) {
    const Subject subject{name, fmt::format("x is {} and weights are {}", x.text(), weights.text())};
    if (weights.rank() != 2 + movements.size())
        subject.fail(
            fmt::format("weights must be [O, C / groups, {}]", movements.size() == 1 ? "k" : "kh, kw"));
    const PatchGeometry geometry = geometry_of(subject, x, movements);
    subject.check("number of groups", groups, 1);
    const auto count = static_cast<std::size_t>(groups);
    if (weights[1] * count != x[1])
        subject.fail(fmt::format("weights' channels ({}) in {} group{} must be x's ({})", weights[1], count,
                                 count == 1 ? "" : "s", x[1]));
    if (weights[0] % count != 0)
        subject.fail(fmt::format("weights' outputs ({}) must divide into {} groups", weights[0], count));
    return geometry;
}

template <class T>
Var<T> convolution(std::string_view name, const Operand<T>& x, const Operand<T>& weights,
                   const Movements& movements, std::ptrdiff_t groups) {
    Tape<T>& tape = tape_of(name, x, weights);
    const auto [geometry, matrix_shape] = checked(tape, x.site(), [&] {
        const PatchGeometry found = checked_convolution(name, x.shape(), weights.shape(), movements, groups);
        return std::pair{found, Shape{found.rows(), found.columns()}};
    });
    const auto at_site = [&](const Var<T>& one) { return Operand<T>(one, x.site()); };
    const Var<T> images = tape.var(x.enter(tape));
    const Var<T> K = tape.var(weights.enter(tape));
    const auto parts = static_cast<std::size_t>(groups);
    const std::size_t outputs = K.shape()[0];
    const std::size_t rows = matrix_shape[0];

    // All places of all images are columns of one matrix, so there is one product for each group.
    Var<T> patches = apply(Patches{geometry}, at_site(images));
    Shape matrix{outputs, rows};
    if (parts != 1) {
        matrix = {parts, outputs / parts, rows / parts};
        patches = reshape(at_site(patches), {parts, rows / parts, matrix_shape[1]});
    }
    const Var<T> product = matmul(at_site(reshape(at_site(K), matrix)), at_site(patches));
    const Shape by_output = outputs_shape(outputs, geometry.batch, geometry, movements.size());
    std::vector<int> batch_first{1, 0, 2};
    if (movements.size() == 2) batch_first.push_back(3);
    return transpose(at_site(reshape(at_site(product), by_output)), batch_first);
}

PatchGeometry checked_pool(std::string_view name, const Shape& x, const Movements& movements) {
    const Subject subject{name, fmt::format("x is {}", x.text())};
    PatchGeometry geometry = geometry_of(subject, x, movements);
    for (const Movement& movement : movements)
        if (movement.padding > movement.extent / 2)
            subject.fail(fmt::format("the padding ({}) must be at most half of the window's {} ({})",
                                     movement.padding, movement.axis, movement.extent));
    // Channels are pooled alone, like so many images.
    geometry.batch *= geometry.channels;
    geometry.channels = 1;
    return geometry;
}

/// Calls `reduce(patches)`, which takes the elements under the window along axis 0.
template <class T, class Reduce>
Var<T> pool(std::string_view name, const Operand<T>& x, const Movements& movements, double fill,
            const Reduce& reduce) {
    Tape<T>& tape = tape_of(name, x);
    const PatchGeometry geometry =
        checked(tape, x.site(), [&] { return checked_pool(name, x.shape(), movements); });
    const Var<T> patches = apply(Patches{geometry, fill}, x);
    const Var<T> reduced = reduce(Operand<T>(patches, x.site()));
    return reshape(Operand<T>(reduced, x.site()),
                   outputs_shape(x.shape()[0], x.shape()[1], geometry, movements.size()));
}

Movements of_pool(std::ptrdiff_t window, const Pool1dOptions& options) {
    return {{"length", window, options.stride == 0 ? window : options.stride, options.padding, 1}};
}
Movements of_pool(PerAxis window, const Pool2dOptions& options) {
    return over_image(window,
                      {options.stride.height == 0 ? window.height : options.stride.height,
                       options.stride.width == 0 ? window.width : options.stride.width},
                      options.padding, 1);
}

template <class T>
Var<T> max_pool(std::string_view name, const Operand<T>& x, const Movements& movements) {
    return pool(name, x, movements, -std::numeric_limits<double>::infinity(),
                [](const Operand<T>& patches) { return max(patches, 0); });
}
template <class T>
Var<T> mean_pool(std::string_view name, const Operand<T>& x, const Movements& movements) {
    return pool(name, x, movements, 0, [](const Operand<T>& patches) { return mean(patches, 0); });
}

/// An extent of the weights; whether they have one is checked later.
std::ptrdiff_t extent_of(const Shape& weights, std::size_t axis) {
    return axis < weights.rank() ? static_cast<std::ptrdiff_t>(weights[axis]) : 1;
}

template <class T>
Var<T> convolution1d(const Operand<T>& x, const Operand<T>& weights, const Conv1dOptions& options) {
    return convolution("conv1d", x, weights, along_sequence(extent_of(weights.shape(), 2), options),
                       options.groups);
}
template <class T>
Var<T> convolution2d(const Operand<T>& x, const Operand<T>& weights, const Conv2dOptions& options) {
    const PerAxis extent(extent_of(weights.shape(), 2), extent_of(weights.shape(), 3));
    return convolution("conv2d", x, weights,
                       over_image(extent, options.stride, options.padding, options.dilation), options.groups);
}

}  // namespace

Var<float> conv1d(const Operand<float>& x, const Operand<float>& weights, const Conv1dOptions& options) {
    return convolution1d(x, weights, options);
}
Var<double> conv1d(const Operand<double>& x, const Operand<double>& weights, const Conv1dOptions& options) {
    return convolution1d(x, weights, options);
}
Var<float> conv2d(const Operand<float>& x, const Operand<float>& weights, const Conv2dOptions& options) {
    return convolution2d(x, weights, options);
}
Var<double> conv2d(const Operand<double>& x, const Operand<double>& weights, const Conv2dOptions& options) {
    return convolution2d(x, weights, options);
}
Var<float> max_pool1d(const Operand<float>& x, std::ptrdiff_t window, const Pool1dOptions& options) {
    return max_pool("max_pool1d", x, of_pool(window, options));
}
Var<double> max_pool1d(const Operand<double>& x, std::ptrdiff_t window, const Pool1dOptions& options) {
    return max_pool("max_pool1d", x, of_pool(window, options));
}
Var<float> max_pool2d(const Operand<float>& x, PerAxis window, const Pool2dOptions& options) {
    return max_pool("max_pool2d", x, of_pool(window, options));
}
Var<double> max_pool2d(const Operand<double>& x, PerAxis window, const Pool2dOptions& options) {
    return max_pool("max_pool2d", x, of_pool(window, options));
}
Var<float> mean_pool1d(const Operand<float>& x, std::ptrdiff_t window, const Pool1dOptions& options) {
    return mean_pool("mean_pool1d", x, of_pool(window, options));
}
Var<double> mean_pool1d(const Operand<double>& x, std::ptrdiff_t window, const Pool1dOptions& options) {
    return mean_pool("mean_pool1d", x, of_pool(window, options));
}
Var<float> mean_pool2d(const Operand<float>& x, PerAxis window, const Pool2dOptions& options) {
    return mean_pool("mean_pool2d", x, of_pool(window, options));
}
Var<double> mean_pool2d(const Operand<double>& x, PerAxis window, const Pool2dOptions& options) {
    return mean_pool("mean_pool2d", x, of_pool(window, options));
}

}  // namespace tapeloop
