#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nn/files/checkpoint/comparison.hpp>
#include <nn/files/place.hpp>
#include <optim/require.hpp>

#include <charconv>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

std::string_view type_of(const AnyArray& array) {
    constexpr std::array<std::string_view, 4> names{"float", "double", "std::int64_t", "std::uint64_t"};
    return names[array.index()];
}

// A file may have shapes that no tensor has.
std::string shape_text(const AnyArray& array) {
    return std::visit([](const auto& own) { return fmt::format("[{}]", fmt::join(own.shape(), ", ")); },
                      array);
}

std::string metadata_of(const NamedArrays& saved, std::string_view key) {
    const auto found = saved.metadata.find(std::string(key));
    return found == saved.metadata.end() ? "" : found->second;
}

std::optional<std::string> from_hexadecimal(std::string_view digits) {
    std::string bytes;
    for (; digits.size() >= 2; digits.remove_prefix(2)) {
        unsigned byte = 0;
        if (std::from_chars(digits.data(), digits.data() + 2, byte, 16).ptr != digits.data() + 2)
            return std::nullopt;
        bytes.push_back(static_cast<char>(byte));
    }
    return digits.empty() ? std::optional(bytes) : std::nullopt;
}

}  // namespace

Comparison::Comparison(const NamedArrays& saved, std::string_view where) : saved_(saved) {
    if (metadata_of(saved, format_key) != checkpoint_format)
        throw std::invalid_argument(
            fmt::format("{}: this is no checkpoint; the format in its metadata is {} and not '{}'", where,
                        in_quotes(metadata_of(saved, format_key)), checkpoint_format));
    if (metadata_of(saved, version_key) != checkpoint_version)
        throw std::invalid_argument(
            fmt::format("{}: this is of version {}, and the library reads version '{}'", where,
                        in_quotes(metadata_of(saved, version_key)), checkpoint_version));
    asked_ = {std::string(format_key), std::string(version_key)};
}

std::string Comparison::full(const std::string& name) const {
    return name.empty() ? begun_ : begun_ + "/" + name;
}

std::string Comparison::shown(const std::string& name) const { return in_quotes(full(name)); }

bool Comparison::begin(const std::string& name, std::string_view kind) {
    begun_ = name;
    noted_before_ = differences_.size();
    const std::string key = std::string(kind_prefix) + name;
    asked_.insert(key);
    const auto found = saved_.metadata.find(key);
    if (found == saved_.metadata.end())
        differ(fmt::format("{} ({}) was not saved", shown(""), kind));
    else if (found->second != kind)
        differ(fmt::format("{} was saved as {} and is {} here", shown(""), in_quotes(found->second), kind));
    if (!is_same()) settle();
    return is_same();
}

const AnyArray* Comparison::find(const std::string& name, const std::string& here) {
    const auto found = saved_.arrays.find(full(name));
    if (found == saved_.arrays.end()) {
        differ(fmt::format("{}{} was not saved", shown(name), here));
        return nullptr;
    }
    asked_.insert(found->first);
    return &found->second;
}

template <class X>
const ArrayOf<X>* Comparison::of_type(const AnyArray& array, const std::string& name) {
    const auto* own = std::get_if<ArrayOf<X>>(&array);
    if (own == nullptr)
        differ(fmt::format("{} was saved as {} and is {} here", shown(name), type_of(array),
                           type_of(ArrayOf<X>())));
    return own;
}

template <class T>
const Tensor<T>* Comparison::tensor(const std::string& name, const Shape& here) {
    const AnyArray* found = find(name, " " + here.text());
    const Tensor<T>* own = found == nullptr ? nullptr : of_type<T>(*found, name);
    if (own == nullptr) return nullptr;
    if (shape_text(*found) != here.text()) {
        differ(
            fmt::format("{} was saved as {} and is {} here", shown(name), shape_text(*found), here.text()));
        return nullptr;
    }
    const std::size_t bad = optim::detail::first_not_finite(*own);
    if (bad == own->size()) return own;
    differ(fmt::format("{} {} was saved with {} at element {}", shown(name), here.text(), own->data()[bad],
                       bad));
    return nullptr;
}

template <class X>
const ArrayOf<X>* Comparison::numbers(const std::string& name) {
    const AnyArray* found = find(name, "");
    const ArrayOf<X>* own = found == nullptr ? nullptr : of_type<X>(*found, name);
    if (own == nullptr || own->dimension() == 1) return own;
    differ(fmt::format("{} was saved as {} and is a list here", shown(name), shape_text(*found)));
    return nullptr;
}

template <class X>
std::optional<X> Comparison::number(const std::string& name) {
    const AnyArray* found = find(name, "");
    const ArrayOf<X>* own = found == nullptr ? nullptr : of_type<X>(*found, name);
    if (own == nullptr) return std::nullopt;
    if (own->dimension() == 0) return own->data()[0];
    differ(fmt::format("{} was saved as {} and is one number here", shown(name), shape_text(*found)));
    return std::nullopt;
}

template <class X>
bool Comparison::has(const std::string& name) const {
    const auto found = saved_.arrays.find(full(name));
    return found != saved_.arrays.end() && std::holds_alternative<ArrayOf<X>>(found->second);
}

std::optional<std::string> Comparison::text(const std::string& name) {
    const std::string key = std::string(text_prefix) + full(name);
    if (const auto found = saved_.metadata.find(key); found != saved_.metadata.end()) {
        asked_.insert(key);
        return found->second;
    }
    const std::string bytes_key = std::string(bytes_prefix) + full(name);
    std::optional<std::string> bytes;
    if (const auto found = saved_.metadata.find(bytes_key); found != saved_.metadata.end()) {
        asked_.insert(bytes_key);
        bytes = from_hexadecimal(found->second);
    }
    if (!bytes) differ(fmt::format("the text {} was not saved", shown(name)));
    return bytes;
}

void Comparison::require_option(const std::string& option, const std::string& here) {
    const std::optional<std::string> saved = text(option);
    if (saved && *saved != here)
        differ(fmt::format("{}: {} was saved as {} and is {} here", shown(""), option, in_quotes(*saved),
                           in_quotes(here)));
}

void Comparison::require_option(const std::string& option, double here) {
    const std::optional<std::string> saved = text(option);
    double number = 0;
    if (!saved) return;
    const auto [end, error] = std::from_chars(saved->data(), saved->data() + saved->size(), number);
    if (error != std::errc{} || end != saved->data() + saved->size() || number != here)
        differ(fmt::format("{}: {} was saved as {} and is {} here", shown(""), option, *saved, here));
}

bool Comparison::is_settled(std::string_view name) const {
    return std::any_of(settled_.begin(), settled_.end(), [&](const std::string& settled) {
        return name == settled || name.starts_with(settled + "/");
    });
}

const std::vector<std::string>& Comparison::finish() {
    std::vector<std::string> left_over;
    for (const auto& [key, text] : saved_.metadata) {
        if (!key.starts_with(kind_prefix) || asked_.contains(key)) continue;
        const std::string name = key.substr(kind_prefix.size());
        left_over.push_back(fmt::format("{} ({}) was saved and is not here", in_quotes(name), text));
        settled_.push_back(name);
    }
    for (const auto& [name, array] : saved_.arrays)
        if (!asked_.contains(name) && !is_settled(name))
            left_over.push_back(
                fmt::format("{} {} was saved and is not here", in_quotes(name), shape_text(array)));
    for (const auto& [key, text] : saved_.metadata)
        for (const std::string_view prefix : {text_prefix, bytes_prefix})
            if (key.starts_with(prefix) && !asked_.contains(key) &&
                !is_settled(std::string_view(key).substr(prefix.size())))
                left_over.push_back(fmt::format("the text {} was saved and is not here",
                                                in_quotes(std::string_view(key).substr(prefix.size()))));
    differences_.insert(differences_.end(), left_over.begin(), left_over.end());
    return differences_;
}

template const Tensor<float>* Comparison::tensor<float>(const std::string&, const Shape&);
template const Tensor<double>* Comparison::tensor<double>(const std::string&, const Shape&);
template const ArrayOf<float>* Comparison::numbers<float>(const std::string&);
template const ArrayOf<double>* Comparison::numbers<double>(const std::string&);
template const ArrayOf<std::int64_t>* Comparison::numbers<std::int64_t>(const std::string&);
template const ArrayOf<std::uint64_t>* Comparison::numbers<std::uint64_t>(const std::string&);
template std::optional<float> Comparison::number<float>(const std::string&);
template std::optional<double> Comparison::number<double>(const std::string&);
template std::optional<std::int64_t> Comparison::number<std::int64_t>(const std::string&);
template std::optional<std::uint64_t> Comparison::number<std::uint64_t>(const std::string&);
template bool Comparison::has<std::int64_t>(const std::string&) const;
template bool Comparison::has<std::uint64_t>(const std::string&) const;

}  // namespace tapeloop::nn::detail
