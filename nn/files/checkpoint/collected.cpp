#include <fmt/format.h>
#include <nn/files/checkpoint/collected.hpp>
#include <nn/files/place.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tapeloop::nn::detail {
namespace {

std::string hexadecimal(std::string_view bytes) {
    std::string digits;
    for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return digits;
}

template <class T>
void require_finite(const std::string& name, const Tensor<T>& array) {
    const std::size_t bad = optim::detail::first_not_finite(array);
    if (bad < array.size())
        throw std::invalid_argument(fmt::format("checkpoint: {} {} has {} at element {}; nothing was saved",
                                                in_quotes(name), shape_of(array).text(), array.data()[bad],
                                                bad));
}

template <class X>
AnyArray array_at(const ArrayView& view) {
    return array_of(view.shape, static_cast<const X*>(view.data));
}

AnyArray copy_of(const ArrayView& view) {
    switch (view.type) {
        case ElementType::f32:
            return array_at<float>(view);
        case ElementType::f64:
            return array_at<double>(view);
        case ElementType::i64:
            return array_at<std::int64_t>(view);
        case ElementType::u64:
            break;
    }
    return array_at<std::uint64_t>(view);
}

}  // namespace

template <class X>
ArrayOf<X> array_of(std::span<const std::size_t> shape, const X* elements) {
    ArrayOf<X> array(typename ArrayOf<X>::shape_type(shape.begin(), shape.end()));
    std::copy_n(elements, array.size(), array.data());
    return array;
}

std::string Collected::full(const std::string& name) const {
    return name.empty() ? begun_ : begun_ + "/" + name;
}

Collected::Collected()
    : metadata_{{std::string(format_key), std::string(checkpoint_format)},
                {std::string(version_key), std::string(checkpoint_version)}} {}

void Collected::begin(const std::string& name, std::string_view kind) {
    begun_ = name;
    metadata_.emplace(std::string(kind_prefix) + name, kind);
}

void Collected::add(ArrayView view) {
    if (valid_utf8_length(view.name) != view.name.size())
        throw std::invalid_argument(
            fmt::format("checkpoint: the name {} is not UTF-8", in_quotes(view.name)));
    if (!names_.insert(view.name).second)
        throw std::invalid_argument(
            fmt::format("checkpoint: there are two of the name {}; give each its own", in_quotes(view.name)));
    views_.push_back(std::move(view));
}

template <class T>
void Collected::refer(const std::string& name, const Tensor<T>& array) {
    require_finite(full(name), array);
    add(view_of(full(name), array));
}

template <class T>
void Collected::keep(const std::string& name, Tensor<T> array) {
    require_finite(full(name), array);
    add(view_of(full(name), kept_.emplace_back(std::move(array))));
}

template <class X>
void Collected::numbers(const std::string& name, std::span<const X> values) {
    const std::size_t count = values.size();
    add(view_of(full(name), kept_.emplace_back(array_of({&count, 1}, values.data()))));
}

template <class X>
void Collected::number(const std::string& name, X value) {
    add(view_of(full(name), kept_.emplace_back(array_of({}, &value))));
}

void Collected::text(const std::string& name, const std::string& value) {
    if (valid_utf8_length(value) == value.size())
        metadata_.emplace(std::string(text_prefix) + full(name), value);
    else
        metadata_.emplace(std::string(bytes_prefix) + full(name), hexadecimal(value));
}

NamedArrays Collected::copied() const {
    NamedArrays copy{{}, metadata_};
    for (const ArrayView& view : views_) copy.arrays.emplace(view.name, copy_of(view));
    return copy;
}

template void Collected::refer(const std::string&, const Tensor<float>&);
template void Collected::refer(const std::string&, const Tensor<double>&);
template void Collected::keep(const std::string&, Tensor<float>);
template void Collected::keep(const std::string&, Tensor<double>);
template void Collected::numbers(const std::string&, std::span<const float>);
template void Collected::numbers(const std::string&, std::span<const double>);
template void Collected::numbers(const std::string&, std::span<const std::int64_t>);
template void Collected::numbers(const std::string&, std::span<const std::uint64_t>);
template void Collected::number(const std::string&, float);
template void Collected::number(const std::string&, double);
template void Collected::number(const std::string&, std::int64_t);
template void Collected::number(const std::string&, std::uint64_t);

}  // namespace tapeloop::nn::detail
