#include <autograd/kernels/patches.hpp>
#include <autograd/kernels/threads.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Those outputs of a window whose element `k` lies inside an axis of `extent` places: begin .. end - 1. What
/// element k reads for output o is place o stride + shift.
struct Inside {
    std::size_t begin;
    std::size_t end;
    std::ptrdiff_t shift;

    Inside(const Window& window, std::size_t k, std::size_t extent)
        : shift(static_cast<std::ptrdiff_t>(k * window.dilation) -
                static_cast<std::ptrdiff_t>(window.padding)) {
        const auto stride = static_cast<std::ptrdiff_t>(window.stride);
        const auto first_at_or_above = [&](std::ptrdiff_t place) {
            const std::ptrdiff_t distance = place - shift;
            const std::ptrdiff_t output = distance <= 0 ? 0 : (distance + stride - 1) / stride;
            return std::min(static_cast<std::size_t>(output), window.outputs);
        };
        begin = first_at_or_above(0);
        end = first_at_or_above(static_cast<std::ptrdiff_t>(extent));
    }
    std::size_t place(std::size_t output, const Window& window) const {
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(output * window.stride) + shift);
    }
};

/// Calls `run(image_row, patch_row, inside)` for each row of outputs of each image and element of the window,
/// channel by channel: where the row of the image starts, if there is one, where that of the patches, and
/// which of its outputs lie inside.
template <class Run>
void each_row(const PatchGeometry& geometry, std::size_t channel, const Run& run) {
    const auto& [down, across] = geometry.windows;
    const auto [height, width] = geometry.image;
    for (std::size_t k = 0; k < down.extent * across.extent; ++k) {
        const Inside rows(down, k / across.extent, height);
        const Inside columns(across, k % across.extent, width);
        std::size_t patch = (channel * down.extent * across.extent + k) * geometry.columns();
        for (std::size_t b = 0; b < geometry.batch; ++b) {
            const std::size_t image = (b * geometry.channels + channel) * height * width;
            for (std::size_t o = 0; o < down.outputs; ++o, patch += across.outputs) {
                const bool is_inside = o >= rows.begin && o < rows.end;
                run(is_inside ? image + rows.place(o, down) * width : image, patch, is_inside, columns);
            }
        }
    }
}

/// Channels have no place in common, so that threads may share them.
template <class F>
void each_channel(const PatchGeometry& geometry, const F& f) {
    const std::size_t work = geometry.rows() * geometry.columns();
    const std::size_t parts = work < worth_sharing ? 1 : std::min(thread_count(), geometry.channels);
    const auto run = [&](std::size_t part) {
        for (std::size_t c = part * geometry.channels / parts; c < (part + 1) * geometry.channels / parts;
             ++c)
            f(c);
    };
    if (parts <= 1)
        for (std::size_t c = 0; c < geometry.channels; ++c) f(c);
    else
        in_parallel(parts, run);
}

}  // namespace

template <class T>
void take_patches(const PatchGeometry& geometry, const T* images, T* patches, T fill) {
    const Window& across = geometry.windows[1];
    each_channel(geometry, [&](std::size_t channel) {
        each_row(geometry, channel,
                 [&](std::size_t image, std::size_t patch, bool is_inside, const Inside& columns) {
                     T* const to = patches + patch;
                     if (!is_inside) return void(std::fill_n(to, across.outputs, fill));
                     const T* const from = images + image;
                     std::fill_n(to, columns.begin, fill);
                     if (across.stride == 1 && columns.begin < columns.end)
                         std::copy_n(from + columns.place(columns.begin, across), columns.end - columns.begin,
                                     to + columns.begin);
                     else
                         for (std::size_t o = columns.begin; o < columns.end; ++o)
                             to[o] = from[columns.place(o, across)];
                     std::fill(to + columns.end, to + across.outputs, fill);
                 });
    });
}

template <class T>
void add_patches(const PatchGeometry& geometry, const T* patches, T* images) {
    const Window& across = geometry.windows[1];
    each_channel(geometry, [&](std::size_t channel) {
        each_row(geometry, channel,
                 [&](std::size_t image, std::size_t patch, bool is_inside, const Inside& columns) {
                     if (!is_inside) return;
                     T* const to = images + image;
                     for (std::size_t o = columns.begin; o < columns.end; ++o)
                         to[columns.place(o, across)] += patches[patch + o];
                 });
    });
}

template void take_patches(const PatchGeometry&, const float*, float*, float);
template void take_patches(const PatchGeometry&, const double*, double*, double);
template void add_patches(const PatchGeometry&, const float*, float*);
template void add_patches(const PatchGeometry&, const double*, double*);

}  // namespace tapeloop::detail
