#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/conv.hpp>

#include <fmt/format.h>

namespace tapeloop::fuzz {
namespace {

std::size_t extent(Bytes& bytes) { return bytes.one_of<std::size_t>({2, 1, 3, 4, 5, 0, 7}); }
std::ptrdiff_t window(Bytes& bytes) { return bytes.between(1, 3); }
PerAxis per_axis(Bytes& bytes, int low, int high) {
    const int height = bytes.between(low, high);
    return {height, bytes.between(low, high)};
}
std::string text(const PerAxis& both) { return fmt::format("{{{}, {}}}", both.height, both.width); }

/// Channels of x and of the result, and groups.
struct Channels {
    std::size_t groups;
    std::size_t in;
    std::size_t out;
};
Channels channels(Bytes& bytes) {
    const std::size_t groups = 1 + bytes.below(2);
    return {groups, groups * (1 + bytes.below(2)), groups * (1 + bytes.below(2))};
}

void add_conv1d(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const auto [groups, in, out] = channels(bytes);
    const Id argument = builder.of_shape({bytes.below(3), in, extent(bytes)});
    const Id weights = builder.of_shape({out, in / groups, static_cast<std::size_t>(window(bytes))});
    const Conv1dOptions options{bytes.between(1, 2), bytes.between(0, 2), bytes.between(1, 2),
                                static_cast<std::ptrdiff_t>(groups)};
    builder.add(call(
        fmt::format("conv1d($0, $1, {{{}, {}, {}, {}}})", options.stride, options.padding, options.dilation,
                    options.groups),
        {argument, weights}, [options](const auto& x) { return conv1d(x[0], x[1], options); }, smooth));
}

void add_conv2d(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const auto [groups, in, out] = channels(bytes);
    const Id argument = builder.of_shape({bytes.below(3), in, extent(bytes), extent(bytes)});
    const Id weights = builder.of_shape(
        {out, in / groups, static_cast<std::size_t>(window(bytes)), static_cast<std::size_t>(window(bytes))});
    const Conv2dOptions options{per_axis(bytes, 1, 2), per_axis(bytes, 0, 2), per_axis(bytes, 1, 2),
                                static_cast<std::ptrdiff_t>(groups)};
    builder.add(call(
        fmt::format("conv2d($0, $1, {{{}, {}, {}, {}}})", text(options.stride), text(options.padding),
                    text(options.dilation), options.groups),
        {argument, weights}, [options](const auto& x) { return conv2d(x[0], x[1], options); }, smooth));
}

template <class F>
void add_pool1d(Builder& builder, const char* name, const F& f, Promise promise) {
    Bytes& bytes = builder.bytes();
    const Id argument = builder.of_shape({bytes.below(3), bytes.below(3), extent(bytes)});
    const std::ptrdiff_t width = window(bytes);
    const Pool1dOptions options{bytes.between(0, 3), bytes.between(0, 1)};
    builder.add(call(
        fmt::format("{}($0, {}, {{{}, {}}})", name, width, options.stride, options.padding), {argument},
        [=](const auto& x) { return f(x[0], width, options); }, promise));
}

template <class F>
void add_pool2d(Builder& builder, const char* name, const F& f, Promise promise) {
    Bytes& bytes = builder.bytes();
    const Id argument = builder.of_shape({bytes.below(3), bytes.below(3), extent(bytes), extent(bytes)});
    const PerAxis size = per_axis(bytes, 1, 3);
    const Pool2dOptions options{per_axis(bytes, 0, 3), per_axis(bytes, 0, 1)};
    builder.add(call(
        fmt::format("{}($0, {}, {{{}, {}}})", name, text(size), text(options.stride), text(options.padding)),
        {argument}, [=](const auto& x) { return f(x[0], size, options); }, promise));
}

}  // namespace

std::vector<Entry> conv_entries() {
    return {
        {"conv1d", add_conv1d},
        {"conv2d", add_conv2d},
        {"max_pool1d",
         [](Builder& builder) {
             add_pool1d(builder, "max_pool1d",
                        [](const auto& x, auto width, auto options) { return max_pool1d(x, width, options); },
                        {});
         }},
        {"mean_pool1d",
         [](Builder& builder) {
             add_pool1d(
                 builder, "mean_pool1d",
                 [](const auto& x, auto width, auto options) { return mean_pool1d(x, width, options); },
                 smooth);
         }},
        {"max_pool2d",
         [](Builder& builder) {
             add_pool2d(builder, "max_pool2d",
                        [](const auto& x, auto size, auto options) { return max_pool2d(x, size, options); },
                        {});
         }},
        {"mean_pool2d",
         [](Builder& builder) {
             add_pool2d(
                 builder, "mean_pool2d",
                 [](const auto& x, auto size, auto options) { return mean_pool2d(x, size, options); },
                 smooth);
         }},
    };
}

}  // namespace tapeloop::fuzz
