#pragma once

#include <autograd/tape.hpp>

namespace tapeloop::nn::detail {

/// Takes back what its scope recorded, on the current tape and on `other`, unless it is cancelled: after an
/// exception the tapes are as before.
template <class T>
class Rollback {
  public:
    explicit Rollback(Tape<T>* other = nullptr)
        : tape_(Tape<T>::current()),
          size_(tape_.size()),
          other_(other),
          other_size_(other == nullptr ? 0 : other->size()) {}
    ~Rollback() {
        if (is_cancelled_) return;
        tape_.truncate(size_);
        if (other_ != nullptr) other_->truncate(other_size_);
    }
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;

    void cancel() { is_cancelled_ = true; }

  private:
    Tape<T>& tape_;
    std::size_t size_;
    Tape<T>* other_;
    std::size_t other_size_;
    bool is_cancelled_ = false;
};

}  // namespace tapeloop::nn::detail
