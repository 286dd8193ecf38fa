#pragma once

#include <autograd/tensor.hpp>

/// Starting values for parameters: `uniform<float>({I, H}, -0.1, 0.1, generator)`. Computed in double from an
/// explicit generator, so that a seed gives the same weights on every machine.
namespace tapeloop::nn {

class Generator;

/// Every element 0.
template <class T>
Tensor<T> zeros(const Shape& shape);
/// Every element 1.
template <class T>
Tensor<T> ones(const Shape& shape);
/// Every element `value`.
template <class T>
Tensor<T> constant(const Shape& shape, double value);

/// The n by n identity times `scale`: the start that Le, Jaitly and Hinton (2015, arXiv:1504.00941) give the
/// recurrent weights of relu networks.
template <class T>
Tensor<T> identity(std::size_t n, double scale = 1);

/// Each element uniform in [low, high), in `float` too wherever a `float` lies there. Throws
/// `std::invalid_argument` when low is above high, or their distance is not finite.
template <class T>
Tensor<T> uniform(const Shape& shape, double low, double high, Generator& generator);

/// Each element normal with that mean and standard deviation.
template <class T>
Tensor<T> normal(const Shape& shape, double mean, double deviation, Generator& generator);

/// Uniform within ± gain · sqrt(6 / (rows + columns)), for a matrix [rows, columns]. Throws
/// `std::invalid_argument` for other ranks. Glorot and Bengio (2010), equation 16.
template <class T>
Tensor<T> xavier_uniform(const Shape& shape, Generator& generator, double gain = 1);

/// Normal with standard deviation gain · sqrt(2 / (rows + columns)), for a matrix [rows, columns]. Throws
/// `std::invalid_argument` for other ranks. Glorot and Bengio (2010), equation 12.
template <class T>
Tensor<T> xavier_normal(const Shape& shape, Generator& generator, double gain = 1);

/// Uniform within ± gain · sqrt(6 / rows), for a matrix [rows, columns] that takes `rows` inputs and is
/// followed by relu; also called Kaiming's. Throws `std::invalid_argument` for other ranks. He, Zhang, Ren
/// and Sun (2015, arXiv:1502.01852), equation 10.
template <class T>
Tensor<T> he_uniform(const Shape& shape, Generator& generator, double gain = 1);

/// Normal with standard deviation gain · sqrt(2 / rows), as `he_uniform` otherwise.
template <class T>
Tensor<T> he_normal(const Shape& shape, Generator& generator, double gain = 1);

/// A matrix [rows, columns] whose rows (or columns, whichever are fewer) are orthogonal and of length `gain`,
/// drawn evenly from all of those. Throws `std::invalid_argument` for other ranks. Saxe, McClelland and
/// Ganguli (2014, arXiv:1312.6120).
template <class T>
Tensor<T> orthogonal(const Shape& shape, Generator& generator, double gain = 1);

}  // namespace tapeloop::nn
