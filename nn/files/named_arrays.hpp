#pragma once

#include <autograd/tensor.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace tapeloop::nn {

/// An array of a file. Floating-point numbers keep their type, 16-bit ones become `float`; integers become
/// 64 bits wide, signed where they were; truth values become 0 and 1, unsigned.
using AnyArray =
    std::variant<Tensor<float>, Tensor<double>, xt::xarray<std::int64_t>, xt::xarray<std::uint64_t>>;

/// What a file of arrays holds: each array under its name, and beside them texts about the whole.
struct NamedArrays {
    std::map<std::string, AnyArray> arrays;
    std::map<std::string, std::string> metadata;
};

/// The type of an array's elements in a file that is written.
enum class ElementType { f32, f64, i64, u64 };

/// An array to be written, wherever it lies: it refers to the elements, in row-major order.
struct ArrayView {
    std::string name;
    ElementType type;
    std::vector<std::size_t> shape;
    const void* data;
};

/// Returns a view of an array, which must stay where it is for as long as the view is used.
ArrayView view_of(std::string name, const Tensor<float>& array);
ArrayView view_of(std::string name, const Tensor<double>& array);
ArrayView view_of(std::string name, const xt::xarray<std::int64_t>& array);
ArrayView view_of(std::string name, const xt::xarray<std::uint64_t>& array);
ArrayView view_of(std::string name, const AnyArray& array);
/// A temporary array would be gone before its view is written.
ArrayView view_of(std::string name, const Tensor<float>&& array) = delete;
ArrayView view_of(std::string name, const Tensor<double>&& array) = delete;
ArrayView view_of(std::string name, const xt::xarray<std::int64_t>&& array) = delete;
ArrayView view_of(std::string name, const xt::xarray<std::uint64_t>&& array) = delete;
ArrayView view_of(std::string name, const AnyArray&& array) = delete;

/// Returns a view of each array, in the order of their names.
std::vector<ArrayView> views_of(const NamedArrays& arrays);
std::vector<ArrayView> views_of(const NamedArrays&& arrays) = delete;

}  // namespace tapeloop::nn
