#pragma once

#include <autograd/record/observer.hpp>
#include <autograd/tape.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// This file plants mistakes on purpose, to tell how good checks are. A fault falsifies what the rules of an
/// operation deliver, on every tape of this thread, for as long as an `InjectedFault` lives. No code is
/// changed, and a program that injects none pays nothing.
namespace tapeloop {

/// A mistake to put into the rules of one operation, so that one sees whether a check notices it.
struct Fault {
    /// The kind of mistake.
    enum class Kind {
        flip_sign,       ///< an argument gets the negative of its cotangent
        drop,            ///< an argument gets nothing
        scale,           ///< an argument gets `factor` times its cotangent
        swap_arguments,  ///< the first two arguments get each other's; only where their shapes are equal
        transpose,  ///< an argument gets its cotangent transposed in the last two axes, if they are equal
        freeze,     ///< no argument gets anything: the state that it computes is held for constant
    };
    Kind kind = Kind::flip_sign;
    /// The operation's name, such as `matmul`; empty for all.
    std::string operation = {};
    /// The argument whose rule is falsified; none for all of them.
    std::optional<std::size_t> argument = std::nullopt;
    /// The label: only nodes are falsified whose path contains it as a whole, as in `t=3` or `encoder/t=3`;
    /// empty for all.
    std::string label = {};
    double factor = 2;
    /// The one node, of those on a tape that meet all this, counted from 0; none for all of them. It tells a
    /// single term of a sum, a single time step of an operation outside of every label.
    std::optional<std::size_t> occurrence = std::nullopt;

    /// `flip sign of matmul, argument 1, at t=3`
    std::string text() const;
};

/// Injects a fault while it lives, into tapes that are made after it. Values stay as they are.
template <class T>
class InjectedFault final : public TapeObserver<T> {
  public:
    /// Looks out for `fault` on this thread's tapes from here on.
    explicit InjectedFault(Fault fault) : fault_(std::move(fault)) {}

    /// Returns the number of nodes that it falsified.
    std::size_t nodes() const { return nodes_; }
    void appended(Tape<T>& tape, NodeIndex node) override;

  private:
    bool is_meant(const Tape<T>& tape, NodeIndex node);

    Fault fault_;
    std::size_t nodes_ = 0;
    std::map<const Tape<T>*, std::vector<NodeIndex>>
        met_;  ///< nodes of living tapes that meet the description
};

extern template class InjectedFault<float>;
extern template class InjectedFault<double>;

/// A check of yours: whether all is well. One that throws is taken for one that fails.
struct NamedCheck {
    std::string name;
    std::function<bool()> passes;
};

/// A fault and the checks that noticed it.
struct FaultTrial {
    Fault fault;
    std::size_t nodes = 0;  ///< how many nodes it falsified, in all checks
    std::vector<std::string> noticed_by;
    std::vector<std::string> missed_by;
};

/// The findings of `try_faults`: each fault, and which checks noticed it.
struct FaultReport {
    std::vector<FaultTrial> trials;

    /// Faults that were there and that no check noticed.
    std::vector<Fault> unnoticed() const;
    /// Faults that met no node: a wrong name, or an operation that no check uses.
    std::vector<Fault> unused() const;
    /// One line per fault.
    std::string text() const;
};

/// Runs every check under every fault, in `float` and `double`. Throws `std::invalid_argument` when a check
/// does not pass without a fault.
FaultReport try_faults(const std::vector<Fault>& faults, const std::vector<NamedCheck>& checks);

/// Faults of every operation that `f` records: the sign and the absence of each argument's cotangent, and
/// where shapes allow it exchanged arguments and transposed ones.
std::vector<Fault> faults_of(const std::function<void()>& f);

}  // namespace tapeloop
