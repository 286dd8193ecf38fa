#pragma once

#include <autograd/tape.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

namespace tapeloop::detail {

/// This thread's tapes, the innermost last. Another thread may destroy one: its handle tells.
template <class T>
class OpenTapes {
  public:
    ~OpenTapes() { is_over_ = true; }

    /// Null after the end of the thread, when only what has static storage is left.
    static OpenTapes* of_thread() {
        static thread_local OpenTapes tapes;
        return is_over_ ? nullptr : &tapes;
    }
    /// Makes room for one more, so that what is added next does not throw.
    void make_room() {
        std::erase_if(tapes_, [](const TapeHandle<T>& tape) { return tape.get() == nullptr; });
        tapes_.reserve(tapes_.size() + 1);
    }
    void add(const TapeHandle<T>& tape) noexcept { tapes_.push_back(tape); }
    void remove(const TapeHandle<T>& tape) noexcept { std::erase(tapes_, tape); }
    /// Takes out what was added last of this tape.
    void remove_last(const TapeHandle<T>& tape) noexcept {
        const auto last = std::find(tapes_.rbegin(), tapes_.rend(), tape);
        if (last != tapes_.rend()) tapes_.erase(std::next(last).base());
    }
    Tape<T>* innermost() {
        while (!tapes_.empty()) {
            if (Tape<T>* const tape = tapes_.back().get()) return tape;
            tapes_.pop_back();
        }
        return nullptr;
    }

  private:
    static thread_local constinit bool is_over_;
    std::vector<TapeHandle<T>> tapes_;
};
template <class T>
thread_local constinit bool OpenTapes<T>::is_over_ = false;

/// Makes a tape the current one of this thread for a scope.
template <class T>
class AsCurrent {
  public:
    explicit AsCurrent(const Tape<T>& tape) : tape_(tape.handle()) {
        if (auto* const tapes = OpenTapes<T>::of_thread(); tapes != nullptr) {
            tapes->make_room();
            tapes->add(tape_);
        }
    }
    ~AsCurrent() {
        if (auto* const tapes = OpenTapes<T>::of_thread(); tapes != nullptr) tapes->remove_last(tape_);
    }
    AsCurrent(const AsCurrent&) = delete;
    AsCurrent& operator=(const AsCurrent&) = delete;

  private:
    TapeHandle<T> tape_;
};

}  // namespace tapeloop::detail
