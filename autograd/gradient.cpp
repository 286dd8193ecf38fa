#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/gradient_sweep.hpp>
#include <autograd/record/rollback.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
Gradients<T> sweep_roots(std::vector<GradientRoot<T>> roots, const WrtList<T>& wrt) {
    GradientSweep<T> sweep(std::move(roots), wrt);
    detail::Rollback rollback(sweep.tape());  // a rule of the user's may record
    sweep.run();
    rollback.keep();
    return std::move(sweep.gradients());
}

}  // namespace

template <class T, class V>
std::size_t GradientsOf<T, V>::place_of(const Wrt<T>& wrt) const {
    for (std::size_t i = 0; i < wrt_.size(); ++i)
        if (wrt_[i] == wrt) return i;
    throw std::invalid_argument(
        wrt.parameter() != nullptr
            ? fmt::format("gradients: parameter '{}' was not asked for", wrt.parameter()->name)
            : std::string("gradients: that Var was not asked for"));
}

namespace {

template <class T>
std::string text_of(const Wrt<T>& wrt) {
    return wrt.parameter() != nullptr
               ? fmt::format("parameter '{}' {}", wrt.parameter()->name, wrt.parameter()->shape.text())
               : std::string("a Var");
}

template <class T>
void require_same_list(const Gradients<T>& own, const Gradients<T>& more) {
    if (own.size() != more.size())
        throw std::invalid_argument(
            fmt::format("gradients +=: one list asks for {} and the other for {}; they must ask for the "
                        "same, in the same "
                        "order",
                        own.size(), more.size()));
    for (std::size_t i = 0; i < own.size(); ++i) {
        const Wrt<T>& a = own.wrt()[i];
        const Wrt<T>& b = more.wrt()[i];
        if (!(a == b))
            throw std::invalid_argument(
                fmt::format("gradients +=: at place {} one list asks for {} and the other for {}{}; they "
                            "must ask for the "
                            "same, in the same order",
                            i, text_of(a), a.parameter() == b.parameter() ? "another one" : text_of(b),
                            a.parameter() == nullptr ? " (a Var is of one tape only)" : ""));
        if (shape_of(own.at(i)) != shape_of(more.at(i)))
            throw std::invalid_argument(
                fmt::format("gradients +=: at place {} ({}) one gradient is {} and the other {}", i,
                            text_of(a), shape_of(own.at(i)).text(), shape_of(more.at(i)).text()));
    }
}

}  // namespace

template <class T, class V>
GradientsOf<T, V>& GradientsOf<T, V>::operator+=(
    const GradientsOf& more) requires std::same_as<V, Tensor<T>> {
    if constexpr (std::same_as<V, Tensor<T>>) {  // clang before 16 compiles what is required away, too
        require_same_list<T>(*this, more);
        for (std::size_t i = 0; i < values_.size(); ++i) {
            T* sum = values_[i].data();
            const T* added = more.values_[i].data();
            for (std::size_t k = 0; k < values_[i].size(); ++k) sum[k] += added[k];
        }
    }
    return *this;
}

template <class T, class V>
GradientsOf<T, V>& GradientsOf<T, V>::operator*=(double factor) requires std::same_as<V, Tensor<T>> {
    if constexpr (std::same_as<V, Tensor<T>>)
        for (Tensor<T>& value : values_) {
            T* elements = value.data();
            for (std::size_t k = 0; k < value.size(); ++k) elements[k] *= static_cast<T>(factor);
        }
    return *this;
}

template <class T, class V>
double GradientsOf<T, V>::norm() const requires std::same_as<V, Tensor<T>> {
    if constexpr (std::same_as<V, Tensor<T>>) return detail::scaled_norm(*this).value();
    return 0;
}

template <class T, class V>
std::vector<bool> GradientsOf<T, V>::is_first() const {
    std::vector<bool> first(wrt_.size(), true);
    std::set<const void*> parameters;
    std::multimap<NodeIndex, std::size_t> vars;  // by index, since a list may hold every node of a tape
    for (std::size_t i = 0; i < wrt_.size(); ++i) {
        const auto* parameter = wrt_[i].parameter();
        const bool is_new = parameter == nullptr || parameters.insert(parameter).second;
        if (wrt_[i].var().is(Var<T>())) {
            first[i] = is_new;
            continue;
        }
        const auto [begin, end] = vars.equal_range(wrt_[i].var().index());
        first[i] = is_new &&
                   std::none_of(begin, end, [&](const auto& known) { return wrt_[known.second] == wrt_[i]; });
        vars.emplace(wrt_[i].var().index(), i);
    }
    return first;
}

namespace detail {

template <class T>
ScaledNorm scaled_norm(const Gradients<T>& gradients) {
    const std::vector<bool> first = gradients.is_first();
    std::vector<std::span<const T>> arrays;
    for (std::size_t i = 0; i < gradients.size(); ++i)
        if (first[i]) arrays.emplace_back(gradients.at(i).data(), gradients.at(i).size());
    return scaled_norm<T>(std::span<const std::span<const T>>(arrays));
}
template ScaledNorm scaled_norm(const Gradients<float>&);
template ScaledNorm scaled_norm(const Gradients<double>&);

}  // namespace detail

Gradients<float> gradient(const std::vector<GradientRoot<float>>& roots, const WrtList<float>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<double> gradient(const std::vector<GradientRoot<double>>& roots, const WrtList<double>& wrt) {
    return sweep_roots(roots, wrt);
}
Gradients<float> gradient(const Var<float>& J, const WrtList<float>& wrt) {
    return sweep_roots<float>({{J, detail::cotangent_of_scalar(J)}}, wrt);
}
Gradients<double> gradient(const Var<double>& J, const WrtList<double>& wrt) {
    return sweep_roots<double>({{J, detail::cotangent_of_scalar(J)}}, wrt);
}
template class GradientsOf<float, Tensor<float>>;
template class GradientsOf<double, Tensor<double>>;
template class GradientsOf<float, Var<float>>;
template class GradientsOf<double, Var<double>>;

}  // namespace tapeloop
