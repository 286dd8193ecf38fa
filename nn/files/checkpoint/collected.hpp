#pragma once

#include <nn/files/named_arrays.hpp>

#include <deque>
#include <set>
#include <span>
#include <string_view>
#include <type_traits>

namespace tapeloop::nn::detail {

/// An array of a file with elements of type X: float, double, std::int64_t, std::uint64_t.
template <class X>
using ArrayOf = std::conditional_t<std::is_floating_point_v<X>, Tensor<X>, xt::xarray<X>>;

/// The metadata that says what a file is.
inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view version_key = "version";
inline constexpr std::string_view checkpoint_format = "tapeloop checkpoint";
inline constexpr std::string_view checkpoint_version = "1";
/// The metadata under which the kind of what was added stands, and its texts.
inline constexpr std::string_view kind_prefix = "kind/";
inline constexpr std::string_view text_prefix = "value/";
/// Texts that are not UTF-8, in hexadecimal digits.
inline constexpr std::string_view bytes_prefix = "bytes/";

/// What a checkpoint consists of: arrays, where they lie or in here, and texts. Names are those within what
/// was begun last: `lstm/U` in `model` becomes `model/lstm/U`, and an empty one `model`.
///
/// What a checkpoint could not be restored from is refused with `std::invalid_argument`: numbers that are not
/// finite, names that are not UTF-8 or that there are twice.
class Collected {
  public:
    Collected();

    /// Begins what was added under `name`.
    void begin(const std::string& name, std::string_view kind);

    /// Adds an array that stays where it is for as long as this is used.
    template <class T>
    void refer(const std::string& name, const Tensor<T>& array);
    /// Adds an array that is not needed elsewhere.
    template <class T>
    void keep(const std::string& name, Tensor<T> array);
    /// Adds numbers of any value, as an array of one axis.
    template <class X>
    void numbers(const std::string& name, std::span<const X> values);
    /// Adds a number of any value.
    template <class X>
    void number(const std::string& name, X value);
    void text(const std::string& name, const std::string& value);

    const std::vector<ArrayView>& views() const { return views_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    /// Returns arrays and texts that refer to nothing.
    NamedArrays copied() const;

  private:
    std::string full(const std::string& name) const;
    void add(ArrayView view);

    std::string begun_;
    std::deque<AnyArray> kept_;  // which stay where they are when more come
    std::vector<ArrayView> views_;
    std::set<std::string> names_;
    std::map<std::string, std::string> metadata_;
};

/// Makes an array of this shape of the elements.
template <class X>
ArrayOf<X> array_of(std::span<const std::size_t> shape, const X* elements);

}  // namespace tapeloop::nn::detail
