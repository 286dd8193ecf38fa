#include <nn/files/named_arrays.hpp>

namespace tapeloop::nn {
namespace {

ArrayView view(std::string name, ElementType type, const auto& array) {
    return {std::move(name), type, {array.shape().begin(), array.shape().end()}, array.data()};
}

}  // namespace

ArrayView view_of(std::string name, const Tensor<float>& array) {
    return view(std::move(name), ElementType::f32, array);
}
ArrayView view_of(std::string name, const Tensor<double>& array) {
    return view(std::move(name), ElementType::f64, array);
}
ArrayView view_of(std::string name, const xt::xarray<std::int64_t>& array) {
    return view(std::move(name), ElementType::i64, array);
}
ArrayView view_of(std::string name, const xt::xarray<std::uint64_t>& array) {
    return view(std::move(name), ElementType::u64, array);
}
ArrayView view_of(std::string name, const AnyArray& array) {
    return std::visit([&](const auto& one) { return view_of(std::move(name), one); }, array);
}

std::vector<ArrayView> views_of(const NamedArrays& arrays) {
    std::vector<ArrayView> views;
    views.reserve(arrays.arrays.size());
    for (const auto& [name, array] : arrays.arrays) views.push_back(view_of(name, array));
    return views;
}

}  // namespace tapeloop::nn
