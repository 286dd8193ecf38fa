#include <fmt/format.h>
#include <nn/files/weights/fit.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <tuple>

namespace tapeloop::nn::detail {

namespace {

/// From here on a number of `double` is infinite as a `float`: half a step beyond the largest one.
constexpr double beyond_float = 0x1.ffffffp127;

constexpr std::size_t most_listed = 20;

/// Names in a row, and how many more there are.
std::string list_of(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), most_listed);
    std::string text =
        fmt::format("{}", fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "));
    if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
    return text;
}

/// What an array holds of which parameters, and where.
template <class T>
auto content_of(const OutsideArray<T>& array) {
    std::vector<
        std::tuple<const Parameter<T>*, std::size_t, std::size_t, std::size_t, std::size_t, bool, bool>>
        content;
    for (const auto& [part, place] : array.pieces())
        content.emplace_back(part.parameter.get(), part.first, part.width, place.row, place.column,
                             place.transposed, place.is_second);
    return content;
}

template <class T>
std::vector<std::size_t> first_alike(const Naming<T>& naming) {
    std::map<decltype(content_of(naming[0])), std::size_t> known;
    std::vector<std::size_t> firsts;
    for (std::size_t k = 0; k < naming.size(); ++k)
        firsts.push_back(known.emplace(content_of(naming[k]), k).first->second);
    return firsts;
}

Shape shape_of_any(const AnyArray& array) {
    return std::visit([](const auto& tensor) { return Shape::of(tensor.shape()); }, array);
}

/// What is wrong with the elements of an array, or nothing.
template <class T>
std::string fault_of(const AnyArray& array) {
    if (std::holds_alternative<Tensor<float>>(array)) return "";
    const auto* doubles = std::get_if<Tensor<double>>(&array);
    if (doubles == nullptr) return "holds integers; parameters are floating-point numbers";
    if (std::same_as<T, double>) return "";
    for (const double value : *doubles)
        if (std::isfinite(value) && std::abs(value) >= beyond_float)
            return fmt::format("holds {}, which is beyond the range of float", value);
    return "";
}

bool is_same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool are_equal(const AnyArray& a, const AnyArray& b) {
    return std::visit(
        [](const auto& x, const auto& y) {
            return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](auto one, auto other) {
                return is_same(static_cast<double>(one), static_cast<double>(other));
            });
        },
        a, b);
}

/// All that keeps the arrays of a file from being the parameters.
template <class T>
class Faults {
  public:
    Faults(const NamedArrays& given, const Naming<T>& naming, LoadOptions options, const Fit& found)
        : given_(given), naming_(naming), options_(options), found_(found) {
        note_missing();
        if (!options.left_over) note_left_over();
        for (std::size_t k = 0; k < naming.size(); ++k)
            if (found.arrays[k] != nullptr) note_differences(k);
    }

    /// The faults, each in a line.
    std::string text() const {
        std::string text;
        if (!missing_.empty()) text += "\n  missing: " + list_of(missing_);
        if (!left_over_.empty()) text += "\n  left over: " + list_of(left_over_);
        const std::size_t shown = std::min(differing_.size(), most_listed);
        for (std::size_t k = 0; k < shown; ++k) text += "\n  " + differing_[k];
        if (shown < differing_.size())
            text += fmt::format("\n  and {} more that differ", differing_.size() - shown);
        return text;
    }

  private:
    /// Whether one of the names of a parameter is there, which is enough.
    bool has_other_name(std::size_t k) const {
        for (std::size_t other = 0; other < naming_.size(); ++other)
            if (found_.same_as[other] == found_.same_as[k] && found_.arrays[other] != nullptr) return true;
        return false;
    }

    void note_missing() {
        for (std::size_t k = 0; k < naming_.size(); ++k) {
            if (found_.arrays[k] != nullptr || (naming_[k].is_bias() && options_.without_biases)) continue;
            if (!has_other_name(k)) missing_.push_back(naming_[k].name());
        }
    }

    void note_left_over() {
        std::set<std::string_view> asked;
        for (const OutsideArray<T>& array : naming_) asked.insert(array.name());
        for (const auto& [name, array] : given_.arrays)
            if (!asked.contains(name)) left_over_.push_back(name);
    }

    void note_differences(std::size_t k) {
        const AnyArray& array = *found_.arrays[k];
        const std::string& name = naming_[k].name();
        const Shape shape = shape_of_any(array);
        if (shape != naming_[k].shape())
            return differing_.push_back(
                fmt::format("`{}` is {}; it must be {}", name, shape.text(), naming_[k].shape().text()));
        if (const std::string fault = fault_of<T>(array); !fault.empty())
            return differing_.push_back(fmt::format("`{}` {}", name, fault));
        const std::size_t other = present_.emplace(found_.same_as[k], k).first->second;
        if (other != k && !are_equal(array, *found_.arrays[other]))
            differing_.push_back(fmt::format("`{}` differs from `{}`; they are one parameter here", name,
                                             naming_[other].name()));
    }

    const NamedArrays& given_;
    const Naming<T>& naming_;
    LoadOptions options_;
    const Fit& found_;
    std::map<std::size_t, std::size_t> present_;  ///< the first array that is there, by `same_as`
    std::vector<std::string> missing_;
    std::vector<std::string> left_over_;
    std::vector<std::string> differing_;
};

}  // namespace

template <class T>
Fit require_fit(const NamedArrays& given, const Naming<T>& naming, LoadOptions options,
                std::string_view where) {
    Fit found{{}, first_alike(naming)};
    for (const OutsideArray<T>& array : naming) {
        const auto there = given.arrays.find(array.name());
        found.arrays.push_back(there == given.arrays.end() ? nullptr : &there->second);
    }
    const std::string faults = Faults<T>(given, naming, options, found).text();
    if (!faults.empty())
        throw std::invalid_argument(fmt::format("load: {} not fit the parameters:{}", where, faults));
    return found;
}

template <class T>
void require_whole_parameters(std::string_view operation, const Naming<T>& naming) {
    const std::vector<std::size_t> firsts = first_alike(naming);
    std::map<const Parameter<T>*, std::vector<std::size_t>> counts;
    for (std::size_t k = 0; k < naming.size(); ++k)
        for (const auto& [part, place] : naming[k].pieces()) {
            const Parameter<T>& parameter = *part.parameter;
            const std::size_t columns = parameter.shape().rank() == 0 ? 1 : parameter.shape().back();
            std::vector<std::size_t>& count = counts[&parameter];
            count.resize(columns, 0);
            if (firsts[k] != k || place.is_second) continue;
            for (std::size_t j = part.first; j < part.first + part.width; ++j) ++count[j];
        }
    for (const auto& [parameter, count] : counts) {
        const auto wrong = std::find_if(count.begin(), count.end(), [](std::size_t n) { return n != 1; });
        if (wrong == count.end()) continue;
        throw std::invalid_argument(fmt::format(
            "{}: column {} of parameter `{}`, which is {}, is in {} arrays of the naming; it must "
            "be in one",
            operation, wrong - count.begin(), parameter->name(), parameter->shape().text(), *wrong));
    }
}

template Fit require_fit(const NamedArrays&, const Naming<float>&, LoadOptions, std::string_view);
template Fit require_fit(const NamedArrays&, const Naming<double>&, LoadOptions, std::string_view);
template void require_whole_parameters(std::string_view, const Naming<float>&);
template void require_whole_parameters(std::string_view, const Naming<double>&);

}  // namespace tapeloop::nn::detail
