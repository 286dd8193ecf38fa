#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/conv.hpp>

#include <limits>

namespace tapeloop::test {
namespace {

/// One axis of a window, for loops.
struct Steps {
    std::size_t window = 1;
    std::size_t stride = 1;
    std::size_t padding = 0;
    std::size_t dilation = 1;

    std::size_t outputs(std::size_t extent) const {
        return (extent + 2 * padding - dilation * (window - 1) - 1) / stride + 1;
    }
};

/// The element of an image [B, C, H, W] at a place that may be in the padding, where `outside` stands.
double padded_at(const Tensor<double>& x, std::size_t b, std::size_t c, std::size_t row, std::size_t column,
                 const Steps& down, const Steps& across, double outside) {
    if (row < down.padding || row - down.padding >= x.shape()[2]) return outside;
    if (column < across.padding || column - across.padding >= x.shape()[3]) return outside;
    return at(x, {b, c, row - down.padding, column - across.padding});
}

Tensor<double> with_height(const Tensor<double>& x) {
    const Shape shape = shape_of(x);
    return tensor({shape[0], shape[1], 1, shape[2]}, {x.begin(), x.end()});
}
Tensor<double> without_height(const Tensor<double>& x) {
    const Shape shape = shape_of(x);
    return tensor({shape[0], shape[1], shape[3]}, {x.begin(), x.end()});
}

Tensor<double> convolved(const Tensor<double>& x, const Tensor<double>& weights, Steps down, Steps across,
                         std::size_t groups) {
    const Shape kernel = shape_of(weights);
    down.window = kernel[2];
    across.window = kernel[3];
    const std::size_t outputs_of_group = kernel[0] / groups;
    return generate({x.shape()[0], kernel[0], down.outputs(x.shape()[2]), across.outputs(x.shape()[3])},
                    [&](const Position& p) {
                        double total = 0;
                        generate({kernel[1], kernel[2], kernel[3]}, [&](const Position& k) {
                            const std::size_t channel = p[1] / outputs_of_group * kernel[1] + k[0];
                            total +=
                                at(weights, {p[1], k[0], k[1], k[2]}) *
                                padded_at(x, p[0], channel, p[2] * down.stride + k[1] * down.dilation,
                                          p[3] * across.stride + k[2] * across.dilation, down, across, 0);
                            return 0.0;
                        });
                        return total;
                    });
}

Tensor<double> pooled(const Tensor<double>& x, const Steps& down, const Steps& across, bool is_max) {
    return generate({x.shape()[0], x.shape()[1], down.outputs(x.shape()[2]), across.outputs(x.shape()[3])},
                    [&](const Position& p) {
                        constexpr double lowest = -std::numeric_limits<double>::infinity();
                        double result = is_max ? lowest : 0;
                        generate({down.window, across.window}, [&](const Position& k) {
                            const double element =
                                padded_at(x, p[0], p[1], p[2] * down.stride + k[0],
                                          p[3] * across.stride + k[1], down, across, is_max ? lowest : 0);
                            result = is_max ? std::max(result, element) : result + element;
                            return 0.0;
                        });
                        return is_max ? result : result / static_cast<double>(down.window * across.window);
                    });
}

void add_conv1d(std::vector<Row>& rows) {
    const auto add = [&rows](const Conv1dOptions& options, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        const Steps steps{1, static_cast<std::size_t>(options.stride),
                          static_cast<std::size_t>(options.padding),
                          static_cast<std::size_t>(options.dilation)};
        rows.push_back(row(
                           "conv1d", [=](const auto& x) { return conv1d(x[0], x[1], options); },
                           [=](const Tensors& x) {
                               return without_height(convolved(with_height(x[0]), with_height(x[1]), {},
                                                               steps,
                                                               static_cast<std::size_t>(options.groups)));
                           },
                           site)
                           .of(std::move(samples)));
    };
    add({}, {{{2, 3, 5}, {4, 3, 2}}, {{1, 1, 1}, {1, 1, 1}}, {{0, 2, 3}, {2, 2, 2}}, {{2, 0, 3}, {2, 0, 2}}});
    add({.stride = 2, .padding = 1},
        {{{2, 2, 5}, {3, 2, 3}}, {{1, 2, 6}, {1, 2, 2}}, {{2, 1, 0}, {1, 1, 2}}});
    add({.stride = 3, .padding = 2, .dilation = 2}, {{{2, 1, 7}, {2, 1, 3}}, {{1, 2, 4}, {2, 2, 4}}});
    add({.groups = 2}, {{{2, 4, 5}, {6, 2, 3}}});
    Row refusing = row(
        "conv1d", [](const auto& x) { return conv1d(x[0], x[1], {.stride = 2, .padding = 1}); },
        [](const Tensors& x) { return x[0]; });
    rows.push_back(std::move(refusing)
                       .rejects({{2, 3, 5}, {4, 2, 2}}, {"[2, 3, 5]", "[4, 2, 2]", "channels (2)", "x's (3)"})
                       .rejects({{2, 3, 5}, {4, 3}}, {"[4, 3]", "[O, C / groups, k]"})
                       .rejects({{3, 5}, {4, 3, 2}}, {"[3, 5]", "[B, C, L]"})
                       .rejects({{2, 3, 5}, {4, 3, 8}}, {"8 places of the length, which has 7"})
                       .rejects({{2, 3, 5}, {4, 3, 0}}, {"window's length is 0"}));
    const auto refused = [&rows](const Conv1dOptions& options, const std::string& fragment,
                                 CallSite site = CallSite::current()) {
        rows.push_back(row(
                           "conv1d", [=](const auto& x) { return conv1d(x[0], x[1], options); },
                           [](const Tensors& x) { return x[0]; }, site)
                           .rejects({{2, 4, 5}, {3, 4, 2}}, {"[2, 4, 5]", "[3, 4, 2]", fragment}));
    };
    refused({.stride = 0}, "stride is 0");
    refused({.stride = -1}, "stride is -1");
    refused({.padding = -1}, "padding is -1");
    refused({.padding = std::numeric_limits<std::ptrdiff_t>::max()}, "padding is 9223372036854775807");
    refused({.dilation = 0}, "dilation is 0");
    refused({.dilation = 5}, "6 places");
    refused({.groups = 0}, "number of groups is 0");
    refused({.groups = 2}, "in 2 groups must be x's (4)");
    rows.push_back(row(
                       "conv1d", [](const auto& x) { return conv1d(x[0], x[1], {.groups = 2}); },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{2, 4, 5}, {3, 2, 2}}, {"outputs (3) must divide into 2 groups"}));
}

void add_conv2d(std::vector<Row>& rows) {
    const auto add = [&rows](const Conv2dOptions& o, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        const auto steps = [](std::ptrdiff_t stride, std::ptrdiff_t padding, std::ptrdiff_t dilation) {
            return Steps{1, static_cast<std::size_t>(stride), static_cast<std::size_t>(padding),
                         static_cast<std::size_t>(dilation)};
        };
        const Steps down = steps(o.stride.height, o.padding.height, o.dilation.height);
        const Steps across = steps(o.stride.width, o.padding.width, o.dilation.width);
        rows.push_back(row(
                           "conv2d", [=](const auto& x) { return conv2d(x[0], x[1], o); },
                           [=](const Tensors& x) {
                               return convolved(x[0], x[1], down, across, static_cast<std::size_t>(o.groups));
                           },
                           site)
                           .of(std::move(samples)));
    };
    add({}, {{{2, 2, 3, 4}, {3, 2, 2, 3}}, {{1, 1, 1, 1}, {1, 1, 1, 1}}, {{0, 1, 3, 3}, {1, 1, 2, 2}}});
    add({.padding = 1},
        {{{2, 2, 3, 3}, {2, 2, 3, 3}}, {{1, 1, 2, 4}, {2, 1, 3, 3}}, {{1, 1, 0, 2}, {1, 1, 2, 1}}});
    add({.stride = {2, 3}, .padding = {2, 1}}, {{{1, 2, 5, 4}, {2, 2, 3, 2}}, {{2, 1, 3, 6}, {1, 1, 2, 3}}});
    add({.stride = {1, 2}, .padding = {0, 3}, .dilation = {2, 1}}, {{{1, 1, 5, 3}, {2, 1, 2, 3}}});
    // A window that is for some outputs wholly beside the image.
    add({.stride = 1, .padding = 4}, {{{1, 1, 2, 2}, {1, 1, 2, 2}}});
    add({.padding = {1, 0}, .groups = 3}, {{{2, 3, 2, 3}, {3, 1, 2, 2}}});
    rows.push_back(
        row(
            "conv2d", [](const auto& x) { return conv2d(x[0], x[1]); }, [](const Tensors& x) { return x[0]; })
            .rejects({{2, 3, 4, 4}, {4, 3, 2}}, {"[4, 3, 2]", "[O, C / groups, kh, kw]"})
            .rejects({{3, 4, 4}, {4, 3, 2, 2}}, {"[B, C, H, W]"})
            .rejects({{2, 3, 4, 4}, {4, 3, 2, 5}}, {"5 places of the width, which has 4"})
            .rejects({{2, 3, 1, 4}, {4, 3, 2, 2}}, {"2 places of the height, which has 1"}));
}

void add_pools(std::vector<Row>& rows) {
    const auto add = [&rows](PerAxis window, const Pool2dOptions& o, std::vector<std::vector<Shape>> samples,
                             CallSite site = CallSite::current()) {
        const auto steps = [](std::ptrdiff_t extent, std::ptrdiff_t stride, std::ptrdiff_t padding) {
            return Steps{static_cast<std::size_t>(extent),
                         static_cast<std::size_t>(stride == 0 ? extent : stride),
                         static_cast<std::size_t>(padding), 1};
        };
        const Steps down = steps(window.height, o.stride.height, o.padding.height);
        const Steps across = steps(window.width, o.stride.width, o.padding.width);
        rows.push_back(row(
                           "max_pool2d", [=](const auto& x) { return max_pool2d(x[0], window, o); },
                           [=](const Tensors& x) { return pooled(x[0], down, across, true); }, site)
                           .of(samples)
                           .rejects({{3, 4, 4}}, {"[3, 4, 4]", "[B, C, H, W]"}));
        rows.push_back(row(
                           "mean_pool2d", [=](const auto& x) { return mean_pool2d(x[0], window, o); },
                           [=](const Tensors& x) { return pooled(x[0], down, across, false); }, site)
                           .of(samples)
                           .rejects({{3, 4, 4}}, {"[3, 4, 4]", "[B, C, H, W]"}));
        if (window.height != 1) return;
        const Pool1dOptions along{o.stride.width, o.padding.width};
        for (std::vector<Shape>& sample : samples) sample = {{sample[0][0], sample[0][1], sample[0][3]}};
        rows.push_back(
            row(
                "max_pool1d", [=](const auto& x) { return max_pool1d(x[0], window.width, along); },
                [=](const Tensors& x) { return without_height(pooled(with_height(x[0]), {}, across, true)); },
                site)
                .of(samples)
                .rejects({{4, 4}}, {"[4, 4]", "[B, C, L]"}));
        rows.push_back(row(
                           "mean_pool1d",
                           [=](const auto& x) { return mean_pool1d(x[0], window.width, along); },
                           [=](const Tensors& x) {
                               return without_height(pooled(with_height(x[0]), {}, across, false));
                           },
                           site)
                           .of(samples)
                           .rejects({{4, 4}}, {"[4, 4]", "[B, C, L]"}));
    };
    add(2, {}, {{{2, 3, 4, 4}}, {{1, 1, 2, 3}}, {{0, 2, 2, 2}}, {{2, 0, 2, 2}}});
    add({2, 3}, {.stride = 1, .padding = 1}, {{{2, 2, 3, 4}}});
    add(3, {.stride = {2, 1}, .padding = {0, 1}}, {{{1, 2, 5, 4}}});
    add({1, 2}, {}, {{{2, 2, 1, 5}}, {{0, 2, 1, 3}}});
    add({1, 3}, {.stride = {1, 2}, .padding = {0, 1}}, {{{2, 2, 1, 6}}, {{1, 1, 1, 1}}});
    rows.push_back(
        row(
            "max_pool1d", [](const auto& x) { return max_pool1d(x[0], 3, {.padding = 2}); },
            [](const Tensors& x) { return x[0]; })
            .rejects({{2, 3, 5}}, {"[2, 3, 5]", "padding (2)", "half of the window's length (3)"}));
    rows.push_back(row(
                       "mean_pool2d",
                       [](const auto& x) {
                           return mean_pool2d(x[0], {2, 0});
                       },
                       [](const Tensors& x) { return x[0]; })
                       .rejects({{2, 3, 5, 5}}, {"[2, 3, 5, 5]", "window's width is 0"}));
}

}  // namespace

std::vector<Row> conv_rows() {
    std::vector<Row> rows;
    add_conv1d(rows);
    add_conv2d(rows);
    add_pools(rows);
    return rows;
}

}  // namespace tapeloop::test
