#pragma once

#include <autograd/tape.hpp>

namespace tapeloop::nn::detail {

/// Takes back what its scope recorded, on the current tape and on `other`, unless it is kept: after an
/// exception the tapes are as before.
template <class T>
class Attempt {
  public:
    explicit Attempt(Tape<T>* other = nullptr)
        : tape_(Tape<T>::current()),
          size_(tape_.size()),
          other_(other),
          other_size_(other == nullptr ? 0 : other->size()) {}
    ~Attempt() {
        if (kept_) return;
        tape_.truncate(size_);
        if (other_ != nullptr) other_->truncate(other_size_);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    void keep() { kept_ = true; }

  private:
    Tape<T>& tape_;
    std::size_t size_;
    Tape<T>* other_;
    std::size_t other_size_;
    bool kept_ = false;
};

}  // namespace tapeloop::nn::detail
