#pragma once

#include <autograd/tape.hpp>

namespace tapeloop::detail {

/// Takes back what its scope recorded on a tape, unless it is kept: nodes, and the memory, operations and
/// labels that came with them. After an exception the tape is as before.
template <class T>
class Attempt {
  public:
    explicit Attempt(Tape<T>& tape) : tape_(tape.handle()), mark_(tape.mark()) {}
    ~Attempt() {
        if (is_kept_) return;
        if (Tape<T>* const tape = tape_.get()) tape->roll_back(mark_);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    void keep() { is_kept_ = true; }
    /// For what is returned: `return attempt.keep(result);`
    template <class R>
    R keep(R result) {
        is_kept_ = true;
        return result;
    }

  private:
    TapeHandle<T> tape_;
    typename Tape<T>::Mark mark_;
    bool is_kept_ = false;
};

}  // namespace tapeloop::detail
