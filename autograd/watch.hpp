#pragma once

#include <autograd/tape.hpp>

#include <stdexcept>
#include <string>
#include <vector>

/// Stopping at the first NaN or infinity. `Tape<T> tape({.watch = true});` watches all that is recorded and
/// differentiated on a tape, `Watch<T> watch;` what happens in a scope.
///
/// What is looked at: every value that is recorded, and every cotangent that a rule delivers. A NaN stops at
/// once, one that was given included; an infinity where none of the operation's arguments has one, so that a
/// mask of -inf can be given on purpose.
namespace tapeloop {

/// The range of a tensor's elements, and which of them are not finite.
struct ValueRange {
    std::string name;  ///< which tensor: `argument 0 (parameter 'W')`
    Shape shape;
    double min = 0;  ///< of the finite elements; 0 if there are none
    double max = 0;
    std::size_t nan = 0;
    std::size_t infinite = 0;

    /// `[3, 4], -0.5 to 2, 1 NaN, 2 infinite`
    std::string text() const;
};

/// Thrown where the first NaN or infinity appears. The text says all that the members hold.
class NonFinite : public std::runtime_error {
  public:
    /// The members of the error.
    struct Details {
        bool forward = true;    ///< in a value; else in a cotangent
        std::string operation;  ///< whose value or rule it is
        std::string label;      ///< its label path, time step included: `layer0/t=3`
        std::string file;       ///< where the user called it
        std::uint32_t line = 0;
        ValueRange result;               ///< the tensor that is not finite
        std::vector<ValueRange> inputs;  ///< what it was computed from
    };

    /// Makes the error, its text from the details; `context` stands behind it.
    explicit NonFinite(Details details, const std::string& context = "");
    /// Returns what the text says, member by member.
    const Details& details() const { return details_; }

    /// Returns the same finding, made while the rules of `node` were being recorded.
    NonFinite while_differentiating(const std::string& node) const;

  private:
    Details details_;
};

/// Watches the current tape in its scope.
template <class T>
class Watch {
  public:
    Watch() : tape_(Tape<T>::current()), before_(tape_.options().watch) { tape_.set_watch(true); }
    ~Watch() { tape_.set_watch(before_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

  private:
    Tape<T>& tape_;
    bool before_;
};

}  // namespace tapeloop
