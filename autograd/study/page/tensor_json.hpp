#pragma once

#include <autograd/tensor.hpp>

#include <nlohmann/json.hpp>

/// This file writes the parts of the page's data. It is private to the page's writer: a user of the library
/// needs no JSON.
namespace tapeloop::detail {

/// A number, or "nan", "inf" and "-inf", which JSON has no numbers for.
nlohmann::json number_json(double value);
nlohmann::json numbers_json(std::span<const double> values);

/// How much a tensor says besides its elements.
enum class TensorDetail {
    all,    ///< as json.hpp in this folder describes it
    brief,  ///< without its grid, and its least and greatest element, where the page reads them off the rest
};

/// A tensor folded to [everything but its last axis, its last axis] and averaged over blocks to at most
/// `largest_grid` cells a side, as README.md in this folder describes.
template <class T>
nlohmann::json tensor_json(const T* elements, const Shape& shape, std::size_t largest_grid,
                           TensorDetail detail);
template <class T>
nlohmann::json tensor_json(const Tensor<T>& tensor, std::size_t largest_grid, TensorDetail detail) {
    return tensor_json(tensor.data(), shape_of(tensor), largest_grid, detail);
}

/// The same, in brief, of what may be mostly zeros, as a Jacobian is: where that is shorter, `data` has the
/// other cells alone, and `at` how far each lies behind the one before it.
template <class T>
nlohmann::json sparse_tensor_json(const Tensor<T>& tensor, std::size_t largest_grid);

/// A matrix averaged over blocks to at most so many cells a side.
struct Blocks {
    std::size_t rows;
    std::size_t columns;
    std::vector<double> means;
};
Blocks blocks_of(const Tensor<double>& matrix, std::size_t largest_grid);

/// Returns the number of bytes of text that the elements of such a tensor take.
std::size_t tensor_text_bytes(const Shape& shape, std::size_t largest_grid);

/// Elements as the page reads them: base64 of little-endian float32.
template <class T>
std::string base64_of(std::span<const T> values);

extern template nlohmann::json tensor_json(const float*, const Shape&, std::size_t, TensorDetail);
extern template nlohmann::json tensor_json(const double*, const Shape&, std::size_t, TensorDetail);
extern template nlohmann::json sparse_tensor_json(const Tensor<float>&, std::size_t);
extern template nlohmann::json sparse_tensor_json(const Tensor<double>&, std::size_t);
extern template std::string base64_of(std::span<const float>);
extern template std::string base64_of(std::span<const double>);

}  // namespace tapeloop::detail
