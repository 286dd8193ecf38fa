#include <fmt/format.h>
#include <nn/files/checkpoint/saved_value.hpp>

#include <charconv>
#include <memory>
#include <utility>

namespace tapeloop::nn::detail {
namespace {

/// The number as which a file has one of type X.
template <class X>
using InFile = std::conditional_t<std::is_floating_point_v<X>, X,
                                  std::conditional_t<std::is_signed_v<X>, std::int64_t, std::uint64_t>>;

template <class X>
std::string kind_of() {
    if constexpr (std::is_same_v<X, float>) return "float";
    if constexpr (std::is_same_v<X, double>) return "double";
    return std::is_same_v<X, bool> ? "bool" : "integer";
}

/// Notes it when a number that was saved does not fit.
template <class X, class Y>
std::optional<X> fitted(Comparison& saved, Y number) {
    bool fits = true;
    if constexpr (std::is_same_v<X, bool>)
        fits = number == 0 || number == 1;
    else if constexpr (std::is_integral_v<X>)
        fits = std::in_range<X>(number);
    if (fits) return static_cast<X>(number);
    saved.differ(
        fmt::format("{} was saved with {}, which its type here cannot hold", saved.shown(""), number));
    return std::nullopt;
}

/// Reads with `read` in the type in which X is written; an integer may have been of the other sign.
template <class X, class Read>
auto read_as(const Comparison& saved, const Read& read) {
    if constexpr (std::is_floating_point_v<X>) {
        return read(X());
    } else {
        constexpr std::uint64_t natural = 0;
        constexpr std::int64_t whole = 0;
        if (saved.has<std::uint64_t>("")) return read(natural);
        return read(whole);
    }
}

template <class X>
std::optional<X> read_number(Comparison& saved) {
    return read_as<X>(saved, [&]<class Y>(Y) -> std::optional<X> {
        const std::optional<Y> number = saved.number<Y>("");
        return number ? fitted<X>(saved, *number) : std::nullopt;
    });
}

template <class X>
std::vector<X> read_numbers(Comparison& saved) {
    return read_as<X>(saved, [&]<class Y>(Y) {
        std::vector<X> values;
        if (const ArrayOf<Y>* numbers = saved.numbers<Y>(""))
            for (const Y number : *numbers) {
                const std::optional<X> value = fitted<X>(saved, number);
                if (!value) break;
                values.push_back(*value);
            }
        return values;
    });
}

std::vector<std::string> read_texts(Comparison& saved) {
    std::vector<std::string> texts;
    const std::uint64_t count = saved.number<std::uint64_t>("size").value_or(0);
    for (std::uint64_t i = 0; i < count && saved.is_same(); ++i)
        texts.push_back(saved.text(std::to_string(i)).value_or(""));
    return texts;
}

template <class V>
Takeover exchange(V& here, V value) {
    const auto kept = std::make_shared<V>(std::move(value));
    return [&here, kept] { std::swap(here, *kept); };
}

}  // namespace

template <SavedNumber X>
Saved saved_number(X& value) {
    return {kind_of<X>(), [&value](Collected& out) { out.number("", static_cast<InFile<X>>(value)); },
            [&value](Comparison& saved) -> Takeover {
                return exchange(value, read_number<X>(saved).value_or(X()));
            }};
}

template <SavedNumber X>
Saved saved_numbers(std::vector<X>& values) {
    const auto collect = [&values](Collected& out) {
        const std::vector<InFile<X>> converted(values.begin(), values.end());
        out.numbers("", std::span<const InFile<X>>(converted));
    };
    return {"list of " + kind_of<X>(), collect,
            [&values](Comparison& saved) -> Takeover { return exchange(values, read_numbers<X>(saved)); }};
}

Saved saved_text(std::string& text) {
    return {"text", [&text](Collected& out) { out.text("", text); },
            [&text](Comparison& saved) -> Takeover { return exchange(text, saved.text("").value_or("")); }};
}

Saved saved_texts(std::vector<std::string>& texts) {
    const auto collect = [&texts](Collected& out) {
        out.number("size", std::uint64_t{texts.size()});
        for (std::size_t i = 0; i < texts.size(); ++i) out.text(std::to_string(i), texts[i]);
    };
    return {"list of text", collect,
            [&texts](Comparison& saved) -> Takeover { return exchange(texts, read_texts(saved)); }};
}

#define TAPELOOP_SAVED_NUMBER(X)        \
    template Saved saved_number<X>(X&); \
    template Saved saved_numbers<X>(std::vector<X>&);
TAPELOOP_SAVED_NUMBER(bool)
TAPELOOP_SAVED_NUMBER(float)
TAPELOOP_SAVED_NUMBER(double)
TAPELOOP_SAVED_NUMBER(signed char)
TAPELOOP_SAVED_NUMBER(unsigned char)
TAPELOOP_SAVED_NUMBER(short)
TAPELOOP_SAVED_NUMBER(unsigned short)
TAPELOOP_SAVED_NUMBER(int)
TAPELOOP_SAVED_NUMBER(unsigned)
TAPELOOP_SAVED_NUMBER(long)
TAPELOOP_SAVED_NUMBER(unsigned long)
TAPELOOP_SAVED_NUMBER(long long)
TAPELOOP_SAVED_NUMBER(unsigned long long)
#undef TAPELOOP_SAVED_NUMBER

}  // namespace tapeloop::nn::detail
