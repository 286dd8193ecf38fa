#pragma once

#include <autograd/gradient.hpp>

#include <functional>
#include <optional>

namespace tapeloop::optim::detail {

/// A parameter that is trained, and the running quantities that an optimizer keeps for it.
template <class T>
struct Slot {
    std::string path;
    ParameterReference<T> parameter;
    Shape shape;                     ///< that it had when it was listed
    std::vector<Tensor<T>> running;  ///< each of the parameter's shape, 0 at first
};

/// The quantity that an optimizer squares, of the gradient g of a parameter p: g + decay p. The square has to
/// be finite, also when it is added to the first of the running quantities, where it is `summed`.
template <class T>
struct Squared {
    T decay = 0;
    bool summed = false;
};

/// The base of the optimizers: the parameters, each once, and the check of the gradients.
template <class T>
class Slots {
  public:
    /// A parameter that is listed twice (two layers share it) is updated once.
    Slots(const ParameterList<T>& parameters, std::size_t running_count);

    /// Throws unless every parameter is still what was listed: `std::logic_error` when one was destroyed or
    /// moved into another, `std::invalid_argument` when one was replaced by one of another shape. The text
    /// opens with `operation`.
    void require_unchanged(std::string_view operation) const;

    /// Calls `update` for each parameter. Throws `std::invalid_argument`, before the first call, when a
    /// gradient was not asked for, has a NaN or an infinity in it, or has a square that is not finite where
    /// it is `squared`; and as `require_unchanged` does.
    void update(std::string_view operation, const Gradients<T>& gradients,
                const std::optional<Squared<T>>& squared,
                const std::function<void(Slot<T>&, const Tensor<T>&)>& update);

    std::vector<Slot<T>>& list() { return slots_; }
    const std::vector<Slot<T>>& list() const { return slots_; }

  private:
    std::vector<Slot<T>> slots_;
};

extern template class Slots<float>;
extern template class Slots<double>;

}  // namespace tapeloop::optim::detail
