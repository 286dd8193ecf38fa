#include <fmt/format.h>
#include <autograd/parameter.hpp>

#include <set>
#include <stdexcept>

namespace tapeloop {

template <class T>
Parameter<T>::Parameter(std::string name, Tensor<T> value)
    : storage_(std::make_shared<Storage>()), place_(std::make_shared<Place>()) {
    place_->name = name;
    place_->holder = this;
    storage_->name = std::move(name);
    storage_->shape = shape_of(value);
    storage_->value = std::move(value);
}

template <class T>
Parameter<T>::Parameter(Parameter&& other) noexcept : storage_(std::move(other.storage_)) {
    place_ = other.place_;  // shared: whoever refers to the other one finds this one
    if (storage_ != nullptr) place_->holder = this;
}

template <class T>
Parameter<T>& Parameter<T>::operator=(Parameter&& other) noexcept {
    if (this == &other) return *this;
    if (storage_ != nullptr) {
        place_->holder = nullptr;
        storage_->is_replaced = true;
        if (other.storage_ != nullptr) place_->successor = other.place_;
    }
    storage_ = std::move(other.storage_);
    place_ = other.place_;
    if (storage_ != nullptr) place_->holder = this;
    return *this;
}

template <class T>
Parameter<T>::~Parameter() {
    if (storage_ != nullptr) place_->holder = nullptr;
}

template <class T>
void Parameter<T>::throw_moved_from() const {
    throw std::logic_error(
        fmt::format("parameter '{}': it was moved from; use the one that it was moved to", place_->name));
}

template <class T>
void Parameter<T>::assign(const Tensor<T>& value) {
    const Shape shape = shape_of(value);
    if (shape != this->shape())
        throw std::invalid_argument(fmt::format("assign: parameter '{}' is {} and the new value is {}",
                                                name(), this->shape().text(), shape.text()));
    std::copy_n(value.data(), value.size(), update().data());
}

template <class T>
ParameterReference<T>::ParameterReference(Parameter<T>& parameter) : place_(parameter.place_) {
    parameter.storage();  // which throws when it was moved from
}

template <class T>
Parameter<T>* ParameterReference<T>::find() const noexcept {
    const auto* place = place_.get();
    while (place->holder == nullptr && place->successor != nullptr) place = place->successor.get();
    return place->holder;
}

template <class T>
void ParameterReference<T>::throw_gone() const {
    throw std::logic_error(fmt::format(
        "parameter '{}': it was destroyed after it was listed; list the parameters that are there",
        place_->name));
}

template <class T>
std::size_t ParameterList<T>::value_count() const {
    std::set<const Parameter<T>*> counted;
    std::size_t count = 0;
    for (const Entry& entry : entries_)
        if (counted.insert(entry.parameter).second) count += entry.parameter->value().size();
    return count;
}

template class Parameter<float>;
template class Parameter<double>;
template class ParameterReference<float>;
template class ParameterReference<double>;
template class ParameterList<float>;
template class ParameterList<double>;

}  // namespace tapeloop
