#pragma once

#include <autograd/gradient.hpp>

#include <functional>

namespace tapeloop::optim {

/// A parameter that is trained, and the running quantities that an optimizer keeps for it.
template <class T>
struct Slot {
    std::string path;
    Parameter<T>* parameter;
    std::vector<Tensor<T>> running;  ///< each of the parameter's shape, 0 at first
};

/// What optimizers share: the parameters, each once, and the check of the gradients.
template <class T>
class Slots {
  public:
    /// A parameter that is listed twice (two layers share it) is updated once.
    Slots(const ParameterList<T>& parameters, std::size_t running_count);

    /// Calls `update` for each parameter. Throws `std::invalid_argument`, before the first call, when a
    /// gradient was not asked for or has a NaN or an infinity in it; the text opens with `operation`.
    void update(std::string_view operation, const Gradients<T>& gradients,
                const std::function<void(Slot<T>&, const Tensor<T>&)>& update);

    std::vector<Slot<T>>& list() { return slots_; }
    const std::vector<Slot<T>>& list() const { return slots_; }

  private:
    std::vector<Slot<T>> slots_;
};

extern template class Slots<float>;
extern template class Slots<double>;

}  // namespace tapeloop::optim
