#pragma once

#include <autograd/tape.hpp>

namespace tapeloop::nn::detail {

/// Takes back what its scope recorded on the current tape, unless it is kept: after an exception the tape is
/// as before.
template <class T>
class Attempt {
  public:
    Attempt() : tape_(Tape<T>::current()), size_(tape_.size()) {}
    ~Attempt() {
        if (!kept_) tape_.truncate(size_);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    void keep() { kept_ = true; }

  private:
    Tape<T>& tape_;
    std::size_t size_;
    bool kept_ = false;
};

}  // namespace tapeloop::nn::detail
