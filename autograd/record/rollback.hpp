#pragma once

#include <autograd/tape.hpp>

namespace tapeloop::detail {

/// Takes back what its scope recorded on a tape, unless it is kept: nodes, and the memory, operations and
/// labels that came with them. After an exception the tape is as before.
template <class T>
class Rollback {
  public:
    explicit Rollback(Tape<T>& tape) : tape_(tape.handle()), mark_(tape.mark()) {}
    ~Rollback() {
        if (is_kept_) return;
        if (Tape<T>* const tape = tape_.get()) tape->roll_back(mark_);
    }
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;

    void keep() { is_kept_ = true; }
    /// Keeps what was recorded for a result that is returned: `return rollback.keep(result);`
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
