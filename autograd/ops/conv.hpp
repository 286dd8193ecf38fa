#pragma once

#include <autograd/var.hpp>

/// Convolutions and pools over sequences [B, C, L] and images [B, C, H, W]: batch, channels, places. As in
/// PyTorch and most of the field a convolution is a cross-correlation: the weights are not flipped. All of
/// them go through the patches of x under the window, as one product of matrices or one reduction: with a
/// window of kh x kw and stride 1 a convolution holds kh kw times the elements of x until its tape ends.
/// Sizes that do not fit throw `std::invalid_argument`.
namespace tapeloop {

/// A number for each axis of an image, `{2, 1}`, or one for both.
struct PerAxis {
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    /// Takes one number for both axes.
    template <std::integral I>
    PerAxis(I both) : PerAxis(both, both) {}
    /// Takes a number for the height and one for the width.
    template <std::integral H, std::integral W>
    PerAxis(H h, W w) : height(static_cast<std::ptrdiff_t>(h)), width(static_cast<std::ptrdiff_t>(w)) {}
};

/// Options that say how the weights move over a sequence: by `stride`, over x with `padding` zeros at both
/// ends, reading every `dilation`-th place. In `groups` parts, each of which makes its part of the output
/// from its part of C.
struct Conv1dOptions {
    std::ptrdiff_t stride = 1;
    std::ptrdiff_t padding = 0;
    std::ptrdiff_t dilation = 1;
    std::ptrdiff_t groups = 1;
};
/// Options that say how the weights move over an image: `{.stride = 2, .padding = {1, 0}}`.
struct Conv2dOptions {
    PerAxis stride = 1;
    PerAxis padding = 0;
    PerAxis dilation = 1;
    std::ptrdiff_t groups = 1;
};

/// x [B, C, L] and weights [O, C / groups, k] give [B, O, (L + 2 padding - dilation (k - 1) - 1) / stride +
/// 1], rounded down. A bias is added to it as [O, 1].
Var<float> conv1d(const Operand<float>& x, const Operand<float>& weights, const Conv1dOptions& options = {});
Var<double> conv1d(const Operand<double>& x, const Operand<double>& weights,
                   const Conv1dOptions& options = {});
/// x [B, C, H, W] and weights [O, C / groups, kh, kw] give [B, O, H', W'], each extent as of `conv1d`. A bias
/// is added to it as [O, 1, 1].
Var<float> conv2d(const Operand<float>& x, const Operand<float>& weights, const Conv2dOptions& options = {});
Var<double> conv2d(const Operand<double>& x, const Operand<double>& weights,
                   const Conv2dOptions& options = {});

/// Options that say how a window moves over a sequence: by `stride`, where 0 stands for its own extent;
/// `padding` is at most half of that.
struct Pool1dOptions {
    std::ptrdiff_t stride = 0;
    std::ptrdiff_t padding = 0;
};
/// Options that say how a window moves over an image, as `Pool1dOptions` for each axis.
struct Pool2dOptions {
    PerAxis stride = 0;
    PerAxis padding = 0;
};

/// The greatest element of x [B, C, L] under each window: [B, C, (L + 2 padding - window) / stride + 1],
/// rounded down. Padding is below all elements. Equal ones share the cotangent evenly; NaN if there is one.
Var<float> max_pool1d(const Operand<float>& x, std::ptrdiff_t window, const Pool1dOptions& options = {});
Var<double> max_pool1d(const Operand<double>& x, std::ptrdiff_t window, const Pool1dOptions& options = {});
/// Returns the greatest elements of windows of x [B, C, H, W]; see `max_pool1d`.
Var<float> max_pool2d(const Operand<float>& x, PerAxis window, const Pool2dOptions& options = {});
Var<double> max_pool2d(const Operand<double>& x, PerAxis window, const Pool2dOptions& options = {});
/// The mean of x [B, C, L] under each window, shaped as `max_pool1d`. Padding counts as zeros.
Var<float> mean_pool1d(const Operand<float>& x, std::ptrdiff_t window, const Pool1dOptions& options = {});
Var<double> mean_pool1d(const Operand<double>& x, std::ptrdiff_t window, const Pool1dOptions& options = {});
/// Returns the means of windows of x [B, C, H, W]; see `mean_pool1d`.
Var<float> mean_pool2d(const Operand<float>& x, PerAxis window, const Pool2dOptions& options = {});
Var<double> mean_pool2d(const Operand<double>& x, PerAxis window, const Pool2dOptions& options = {});

}  // namespace tapeloop
