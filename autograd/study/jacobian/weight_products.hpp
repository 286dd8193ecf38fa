#pragma once

#include <autograd/study/jacobian/stretch.hpp>

#include <vector>

namespace tapeloop::detail {

/// A product of a weight with something that depends on a stretch's front. Where that is the addend of an
/// `affine`, too, the node is still one linear map of it, W + 1.
struct WeightProduct {
    NodeIndex node;
    NodeIndex factor;  ///< the input that is not the weight
};

/// Returns those among the steps of a stretch whose results are [batch, ..].
template <class T>
std::vector<WeightProduct> weight_products(const Tape<T>& tape, const Stretch<T>& stretch, std::size_t batch);

extern template std::vector<WeightProduct> weight_products(const Tape<float>&, const Stretch<float>&,
                                                           std::size_t);
extern template std::vector<WeightProduct> weight_products(const Tape<double>&, const Stretch<double>&,
                                                           std::size_t);

}  // namespace tapeloop::detail
