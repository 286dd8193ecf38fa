#include <fmt/format.h>
#include <autograd/tape.hpp>

#include <stdexcept>

namespace tapeloop {

template <class T>
void Var<T>::fail() const {
    if (slot_ == nullptr) throw std::logic_error("var: empty; it was never given a value");
    if (slot_->tape == nullptr || stamp_ < slot_->opened)
        throw std::logic_error("var: its tape is gone; read value() while the tape is in scope");
    throw std::logic_error("var: its node was taken back after an error");
}

template <class T>
Shape Var<T>::shape() const {
    return tape().node(index_).shape;
}

template <class T>
Array<T> Var<T>::array(const CallSite& site) const {
    const Tape<T>& own = tape();
    own.note_read(index_, site);
    return own.array(index_);
}

template <class T>
Tensor<T> Var<T>::value(const CallSite& site) const {
    return array(site).tensor();
}

template <class T>
T Var<T>::item(const CallSite& site) const {
    const Array<T> value = array(site);
    if (value.size() != 1)
        throw std::invalid_argument(
            fmt::format("item: the value is {}; only a single element can be read so", value.shape().text()));
    return *value.data();
}

template <class T>
Var<T> Var<T>::named(std::string name) const {
    tape().set_name(index_, std::move(name));
    return *this;
}

template <class T>
Operand<T>::Operand(const Parameter<T>& parameter, CallSite site)
    : parameter_(&parameter), shape_(parameter.shape()), site_(site) {}

template <class T>
const T* Operand<T>::data() const {
    if (var_.has_value()) return var_->array(site_).data();
    if (parameter_ != nullptr) return parameter_->value().data();
    return tensor_ != nullptr ? tensor_->data() : &scalar_;
}

template <class T>
NodeIndex Operand<T>::enter(Tape<T>& tape) const {
    if (var_.has_value()) return var_->index();
    if (parameter_ != nullptr) return tape.leaf(*parameter_, site_);
    return tape.constant(shape_, data(), site_);
}

template class Var<float>;
template class Var<double>;
template class Operand<float>;
template class Operand<double>;

}  // namespace tapeloop
