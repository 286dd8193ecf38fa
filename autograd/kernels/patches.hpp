#pragma once

#include <autograd/kernels/pass.hpp>
#include <autograd/shape.hpp>

#include <array>
#include <cstddef>

namespace tapeloop::detail {

/// A window that moves along an axis: places o stride + k dilation - padding, for o below `outputs` and k
/// below `extent`.
struct Window {
    std::size_t extent = 1;
    std::size_t stride = 1;
    std::size_t padding = 0;
    std::size_t dilation = 1;
    std::size_t outputs = 1;
};

/// The places of images [B, C, H, W] under each element of a window: a matrix with a row for each channel and
/// element, [C kh kw, B H' W'].
struct PatchGeometry {
    std::size_t batch = 1;
    std::size_t channels = 1;
    std::array<std::size_t, 2> image{1, 1};
    std::array<Window, 2> windows;

    std::size_t rows() const { return channels * windows[0].extent * windows[1].extent; }
    std::size_t columns() const { return batch * windows[0].outputs * windows[1].outputs; }
};

/// Copies them; `fill` stands where the window is beside the image.
template <class T>
void take_patches(const PatchGeometry& geometry, const T* images, T* patches, T fill);

/// The reverse: adds every element of the patches to the place it came from.
template <class T>
void add_patches(const PatchGeometry& geometry, const T* patches, T* images);

extern template void take_patches(const PatchGeometry&, const float*, float*, float);
extern template void take_patches(const PatchGeometry&, const double*, double*, double);
extern template void add_patches(const PatchGeometry&, const float*, float*);
extern template void add_patches(const PatchGeometry&, const double*, double*);

}  // namespace tapeloop::detail
