#pragma once

#include <autograd/kernels/array.hpp>
#include <autograd/kernels/no_truth.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

/// The types that hold numbers, and what each is for:
///
/// - `Tensor<T>` owns its elements and has nothing to do with a tape: data that comes in, values and
/// gradients
///   that go out. All of xtensor works on it.
/// - `Var<T>` is a handle on a node of a tape: what models compute with. It is immutable.
/// - `Parameter<T>` is a named `Tensor` that is trained; used beside `Var`s it enters the tape as a leaf.
/// - `Operand<T>` is only ever a function's parameter. It takes any of these, a number or an expression, and
///   the caller's line.
/// - `Array<T>` is what a rule or the value of a `custom` gets: elements that lie elsewhere, often on the
/// tape,
///   with the functions of `Var`, computed at once and recorded nowhere. A `Buffer<T>` is one that the code
///   which computes it may still write.
namespace tapeloop {

template <class T>
class Tape;
template <class T>
class Var;
template <class T>
class Parameter;
template <class T>
class Operand;

/// The place of a node on its tape, counted from 0 in the order in which they were computed.
using NodeIndex = std::uint32_t;
/// The place in the user's source where an operation was called.
using CallSite = std::source_location;

namespace detail {

/// The operators of `Var` and `Parameter`, found by argument-dependent lookup. At least one argument is one
/// of those; the other may also be a number, a `Tensor` or an xtensor expression. Broadcasting by NumPy's
/// rules.
template <class T>
struct Operators {
    friend Var<T> operator+(const Operand<T>& a, const Operand<T>& b) { return add(a, b); }
    friend Var<T> operator-(const Operand<T>& a, const Operand<T>& b) { return subtract(a, b); }
    friend Var<T> operator*(const Operand<T>& a, const Operand<T>& b) { return multiply(a, b); }
    friend Var<T> operator/(const Operand<T>& a, const Operand<T>& b) { return divide(a, b); }
    friend Var<T> operator-(const Operand<T>& x) { return negate(x); }
    // The handle then refers to the new node; other handles on the old one, and its value, stay as they are.
    friend Var<T>& operator+=(Var<T>& a, const Operand<T>& b) { return a = add({a, b.site()}, b); }
    friend Var<T>& operator-=(Var<T>& a, const Operand<T>& b) { return a = subtract({a, b.site()}, b); }
    friend Var<T>& operator*=(Var<T>& a, const Operand<T>& b) { return a = multiply({a, b.site()}, b); }
    friend Var<T>& operator/=(Var<T>& a, const Operand<T>& b) { return a = divide({a, b.site()}, b); }
    friend Var<T> operator<(const Operand<T>& a, const Operand<T>& b) { return less(a, b); }
    friend Var<T> operator<=(const Operand<T>& a, const Operand<T>& b) { return less_equal(a, b); }
    friend Var<T> operator>(const Operand<T>& a, const Operand<T>& b) { return less(b, a); }
    friend Var<T> operator>=(const Operand<T>& a, const Operand<T>& b) { return less_equal(b, a); }
};

/// The place of a live tape. Slots are never freed, so a handle on a tape that is gone can still be told,
/// also by another thread than the one that uses the slot now.
template <class T>
struct TapeSlot {
    std::atomic<Tape<T>*> tape = nullptr;
    /// The stamp of nodes and `Var`s: another one for each tape, and after nodes were taken back.
    std::atomic<std::uint32_t> stamp = 0;
    /// The stamp that its tape began with; 0 without a tape.
    std::atomic<std::uint32_t> opened = 0;
};

/// Refers to a tape that may go first.
template <class T>
class TapeHandle {
  public:
    TapeHandle() = default;
    /// Refers to the tape that is in the slot now.
    explicit TapeHandle(TapeSlot<T>& slot) : slot_(&slot), opened_(slot.opened) {}

    /// Null when the tape is gone.
    Tape<T>* get() const {
        return slot_ != nullptr && slot_->opened == opened_ ? slot_->tape.load() : nullptr;
    }
    friend bool operator==(const TapeHandle&, const TapeHandle&) = default;

  private:
    TapeSlot<T>* slot_ = nullptr;
    std::uint32_t opened_ = 0;
};

}  // namespace detail

/// A handle on a node of a tape: immutable, 16 bytes, copied freely. Using one whose tape is gone throws
/// `std::logic_error`.
template <class T>
class Var : public detail::Operators<T> {
  public:
    using value_type = T;

    /// Refers to nothing; any use throws.
    Var() = default;
    /// Refers to a node, as `Tape::var` makes it.
    Var(detail::TapeSlot<T>& slot, std::uint32_t stamp, NodeIndex index)
        : slot_(&slot), stamp_(stamp), index_(index) {}

    /// A copy: recording moves the nodes.
    Shape shape() const;
    /// A copy of the value; it outlives the tape.
    Tensor<T> value(const CallSite& site = CallSite::current()) const;
    /// The value of a tensor with a single element. Throws `std::invalid_argument` for any other.
    T item(const CallSite& site = CallSite::current()) const;
    /// A look at the value where it lies, valid as long as the tape.
    Array<T> array(const CallSite& site = CallSite::current()) const;

    /// Gives the node a name of the user's, for error texts and pictures.
    Var named(std::string name) const;

    /// The tape it was recorded on. Throws `std::logic_error` when that is gone.
    Tape<T>& tape() const;
    /// Returns the node's place on its tape.
    NodeIndex index() const { return index_; }
    /// Returns whether both mean the same node of the same tape.
    bool is(const Var& other) const {
        return slot_ == other.slot_ && stamp_ == other.stamp_ && index_ == other.index_;
    }

    /// A `Var` has no truth, which this says when it is asked for.
    template <std::same_as<bool> B>
    explicit operator B() const {
        return detail::refuse_truth<B>();
    }

  private:
    [[noreturn]] void fail() const;

    detail::TapeSlot<T>* slot_ = nullptr;
    std::uint32_t stamp_ = 0;
    NodeIndex index_ = 0;
};

namespace detail {

template <class E>
concept TensorExpression = xt::is_xexpression<std::remove_cvref_t<E>>::value;

/// The element type of an expression. To xtensor `Tensor<float> * 0.5` is one of `double`, because the number
/// is; here it is what its tensors are.
template <class E>
struct ExpressionValueOf : std::type_identity<typename E::value_type> {};
template <class C>
struct ExpressionValueOf<xt::xscalar<C>> : std::type_identity<void> {};
template <class F, class... C>
struct ExpressionValueOf<xt::xfunction<F, C...>> {
    using Own = typename xt::xfunction<F, C...>::value_type;
    template <class E, class V>
    static constexpr bool is = std::same_as<typename ExpressionValueOf<std::remove_cvref_t<E>>::type, V>;
    /// True if part of the expression is of `double` for the sake of a number.
    template <class E>
    static constexpr bool is_widened = !is<E, typename std::remove_cvref_t<E>::value_type>;
    static constexpr bool is_float = std::same_as<Own, double> && (is_widened<C> || ...) &&
                                     (is<C, float> || ...) && !(is<C, double> || ...);
    using type = std::conditional_t<is_float, float, Own>;
};
template <class E>
using ExpressionValue = typename ExpressionValueOf<std::remove_cvref_t<E>>::type;

}  // namespace detail

/// An argument of an operation: a `Var`, a `Parameter`, a number, a `Tensor` or any xtensor expression, all
/// by implicit conversion, which also notes the caller's source line. Nothing is recorded until the operation
/// has checked its arguments. Only ever a function's parameter: it refers to what it was made from.
template <class T>
class Operand {
  public:
    /// Takes a `Var`.
    Operand(const Var<T>& var, CallSite site = CallSite::current())
        : var_(var), shape_(var.shape()), site_(site) {}
    /// Takes a parameter, which enters the tape once.
    Operand(const Parameter<T>& parameter, CallSite site = CallSite::current());
    // No other type: what would be converted for it is gone when the operation looks at it.
    /// Takes a tensor, as a constant.
    template <std::same_as<Tensor<T>> E>
    Operand(const E& tensor, CallSite site = CallSite::current())
        : tensor_(&tensor), shape_(shape_of(tensor)), site_(site) {}
    /// Takes a number, as a constant without axes.
    template <class S>
    requires std::is_arithmetic_v<S> Operand(S scalar, CallSite site = CallSite::current())
        : scalar_(static_cast<T>(scalar)), site_(site) {}
    /// Takes an xtensor expression of T or of integers, as a constant.
    template <detail::TensorExpression E>
    requires(!std::same_as<E, Tensor<T>> &&
             (std::same_as<detail::ExpressionValue<E>, T> || std::integral<detail::ExpressionValue<E>>))
        Operand(const E& expression, CallSite site = CallSite::current())
        : owned_(std::make_unique<Tensor<T>>(expression)),
          tensor_(owned_.get()),
          shape_(shape_of(*tensor_)),
          site_(site) {}

    Operand(const Operand&) = delete;
    Operand& operator=(const Operand&) = delete;

    /// Returns the shape of the value.
    const Shape& shape() const { return shape_; }
    /// Returns the caller's place in the source.
    const CallSite& site() const { return site_; }
    /// The elements where they lie.
    const T* data() const;
    /// The tape of a `Var`; null for everything else.
    Tape<T>* tape() const { return var_.has_value() ? &var_->tape() : nullptr; }
    /// The node that stands for it on `tape`, recorded now if it is not there yet.
    NodeIndex enter(Tape<T>& tape) const;

  private:
    std::optional<Var<T>> var_;
    const Parameter<T>* parameter_ = nullptr;
    std::unique_ptr<Tensor<T>> owned_;
    const Tensor<T>* tensor_ = nullptr;
    T scalar_ = 0;
    Shape shape_;
    CallSite site_;
};

/// A list of operands, for `concatenate` and its like: `{a, b, c}` or a `std::vector<Var<T>>`.
template <class T>
class Operands {
  public:
    /// Takes a list in braces.
    Operands(std::initializer_list<Var<T>> list, CallSite site = CallSite::current())
        : vars_(list), site_(site) {}
    /// Takes a vector.
    Operands(std::vector<Var<T>> list, CallSite site = CallSite::current())
        : vars_(std::move(list)), site_(site) {}

    /// Returns the operands in order.
    const std::vector<Var<T>>& vars() const { return vars_; }
    /// Returns the caller's place in the source.
    const CallSite& site() const { return site_; }

  private:
    std::vector<Var<T>> vars_;
    CallSite site_;
};

extern template class Var<float>;
extern template class Var<double>;

}  // namespace tapeloop

namespace tapeloop::detail {
template <class E>
struct TrackedValueOf : std::type_identity<void> {};
template <class T>
struct TrackedValueOf<Var<T>> : std::type_identity<T> {};
template <class T>
struct TrackedValueOf<Parameter<T>> : std::type_identity<T> {};
/// `float` or `double` for a `Var` or `Parameter`, `void` for everything else.
template <class E>
using TrackedValue = typename TrackedValueOf<E>::type;
template <class E>
inline constexpr bool is_tracked = !std::is_void_v<TrackedValue<E>>;

template <class E>
concept Container = requires(const E& e) {
    e.begin() != e.end();
};
/// A type that is no operand beside a `Var<T>`, though somebody may think so.
template <class T, class E>
concept OfAnotherType =
    !std::is_void_v<T> && (Container<E> || is_tracked<E>)&&!std::constructible_from<Operand<T>, const E&>;
template <class A, class B>
concept OfTwoTypes = OfAnotherType<TrackedValue<A>, B> || OfAnotherType<TrackedValue<B>, A>;

/// The result that such a pair would have given, had it fitted.
template <class A, class B>
using RefusedResult = Var<std::conditional_t<is_tracked<A>, TrackedValue<A>, TrackedValue<B>>>;
}  // namespace tapeloop::detail

namespace tapeloop {

namespace detail {

// Refused, with a sentence where there would be pages of candidates.
template <class A, class B>
RefusedResult<A, B> refuse_operands() {
    static_assert(never<A, B>,
                  "beside a Var stands a number, a Tensor or an xtensor expression of its type: "
                  "xt::cast<float>(x) and xt::cast<double>(x) convert, and xt::adapt(x) takes a std::vector");
    return {};
}

}  // namespace detail

#define TAPELOOP_REFUSED(op)          \
    template <class A, class B>       \
    requires detail::OfTwoTypes<A, B> \
    auto operator op(const A&, const B&) { return detail::refuse_operands<A, B>(); }
TAPELOOP_REFUSED(+)
TAPELOOP_REFUSED(-)
TAPELOOP_REFUSED(*)
TAPELOOP_REFUSED(/)
TAPELOOP_REFUSED(<)
TAPELOOP_REFUSED(<=)
TAPELOOP_REFUSED(>)
TAPELOOP_REFUSED(>=)
#undef TAPELOOP_REFUSED

}  // namespace tapeloop

// xtensor's operators and functions take anything beside an expression of theirs; where a Var or a Parameter
// takes part they have to step aside for the ones above.
namespace xt::detail {
template <class F, class A, class B>
requires(tapeloop::detail::is_tracked<std::decay_t<A>> ||
         tapeloop::detail::is_tracked<std::decay_t<B>>) struct xfunction_type<F, A, B> {
};
template <class F, class A, class B, class C>
requires(tapeloop::detail::is_tracked<std::decay_t<A>> || tapeloop::detail::is_tracked<std::decay_t<B>> ||
         tapeloop::detail::is_tracked<std::decay_t<C>>) struct xfunction_type<F, A, B, C> {
};
}  // namespace xt::detail
