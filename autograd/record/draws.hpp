#pragma once

#include <autograd/tape.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <vector>

namespace tapeloop::detail {

/// What a computation draws, kept so that it draws the same when it is computed again.
template <class T>
class Draws {
  public:
    /// `around` are those of a computation that this one is part of; null if there is none.
    explicit Draws(Draws* around) : around_(around) {}

    /// Returns those of a computation whose values are of no matter: it draws nothing, and all is 0.
    static Draws nothing() {
        Draws draws(nullptr);
        draws.is_tried_ = true;
        return draws;
    }

    /// Fills y by `draw`, or as it was filled before.
    void fill(std::span<T> y, const std::function<void(std::span<T>)>& draw) {
        if (is_tried_) return std::fill(y.begin(), y.end(), T(0));
        if (repeats_) {
            if (next_ == kept_.size() || kept_[next_].size() != y.size())
                throw std::logic_error(
                    "recomputed: the function draws other values when it is computed again; what it draws "
                    "must not depend on anything that changes");
            std::copy_n(kept_[next_++].data(), y.size(), y.data());
            return;
        }
        if (around_ != nullptr)
            around_->fill(y, draw);
        else
            draw(y);
        kept_.emplace_back(y.begin(), y.end());
    }
    /// From now on the same is drawn again.
    void repeat() {
        repeats_ = true;
        next_ = 0;
        around_ = nullptr;  // it may be gone
    }
    /// From now on all is drawn anew.
    void renew() {
        repeats_ = false;
        kept_.clear();
    }
    bool repeats() const { return repeats_; }

  private:
    Draws* around_;
    bool repeats_ = false;
    bool is_tried_ = false;
    std::size_t next_ = 0;
    std::vector<std::vector<T>> kept_;
};

/// A scope in which a tape draws through `draws`.
template <class T>
class DrawingThrough {
  public:
    DrawingThrough(Tape<T>& tape, Draws<T>& draws) : tape_(tape), before_(tape.draws()) {
        tape.set_draws(&draws);
    }
    ~DrawingThrough() { tape_.set_draws(before_); }
    DrawingThrough(const DrawingThrough&) = delete;
    DrawingThrough& operator=(const DrawingThrough&) = delete;

  private:
    Tape<T>& tape_;
    Draws<T>* before_;
};

}  // namespace tapeloop::detail
