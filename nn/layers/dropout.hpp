#pragma once

#include <autograd/var.hpp>

#include <string_view>

namespace tapeloop::nn {

class Generator;

/// Each element 0 with probability `rate`, else 1 / (1 - rate), so that what it multiplies keeps its mean.
/// Throws `std::invalid_argument` unless 0 <= rate < 1.
template <class T>
Tensor<T> dropout_mask(const Shape& shape, double rate, Generator& generator);

/// Each element 1 with probability `rate`, else 0. Throws `std::invalid_argument` unless 0 <= rate < 1.
template <class T>
Tensor<T> zoneout_mask(const Shape& shape, double rate, Generator& generator);

namespace detail {

/// The seeds of the masks of a sequence's rows, [B, 2]: drawn in a `Training` scope, zeros elsewhere. As part
/// of a state it is handed on, and every time step finds the same masks.
template <class T>
Var<T> mask_seeds(std::size_t batch);

/// The masks as nodes, which are drawn anew when a recording runs again.
template <class T>
Var<T> drawn_dropout_mask(const Shape& shape, double rate, Generator& generator);
template <class T>
Var<T> drawn_zoneout_mask(const Shape& shape, double rate, Generator& generator);

/// Throws `std::invalid_argument`, naming who was given it, unless 0 <= rate < 1.
void require_rate(std::string_view name, double rate);

}  // namespace detail

/// Sets elements to 0 at random in a `Training` scope, and passes x on elsewhere (Srivastava et al. 2014).
/// The mask is a node named `dropout mask`.
struct Dropout {
    double rate = 0.5;
    /// One mask for all time steps of x [T, B, ..] (Gal and Ghahramani 2016, arXiv:1512.05287), instead of a
    /// fresh one for each. In a stack it keeps the seeds of its masks as its state, so that they are the same
    /// when a wrapper takes step by step, and when a sequence goes on with a carried state.
    bool same_for_sequence = false;

    /// x is of any shape, and so is the result; for one mask a sequence it is [T, B, ..], as a single time
    /// step would get a mask of its own. Throws `std::invalid_argument` for another, and unless 0 <= rate
    /// < 1.
    Var<float> operator()(const Var<float>& x) const;
    Var<double> operator()(const Var<double>& x) const;
    /// Applies the mask of [B, ..] that the seeds [B, 2] tell to x [B, ..] or [T, B, ..]. A row whose seeds
    /// are zeros, and any outside of a `Training` scope, is passed on.
    Var<float> operator()(const Var<float>& x, const Var<float>& seeds) const;
    Var<double> operator()(const Var<double>& x, const Var<double>& seeds) const;
};

}  // namespace tapeloop::nn
