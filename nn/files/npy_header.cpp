#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nn/files/npy_format.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace tapeloop::nn::detail {
namespace {

/// The types by kind and bytes, as NumPy writes them.
constexpr std::array<std::pair<std::string_view, StoredType>, 12> npy_types{{
    {"b1", StoredType::boolean},
    {"u1", StoredType::u8},
    {"i1", StoredType::i8},
    {"u2", StoredType::u16},
    {"i2", StoredType::i16},
    {"f2", StoredType::f16},
    {"u4", StoredType::u32},
    {"i4", StoredType::i32},
    {"f4", StoredType::f32},
    {"f8", StoredType::f64},
    {"i8", StoredType::i64},
    {"u8", StoredType::u64},
}};

/// Reads as much of Python as a header has: a dictionary of texts, truth values and tuples of integers.
class LiteralReader {
  public:
    LiteralReader(const Place& place, std::string_view text) : place_(place), text_(text) {}

    /// Whether the text goes on with this, which is then passed.
    bool take(std::string_view token) {
        skip_space();
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }
    void expect(std::string_view token) {
        if (!take(token)) refuse(fmt::format("'{}'", token));
    }
    void expect_end() {
        skip_space();
        if (at_ != text_.size()) refuse("the end");
    }

    std::string_view text() {
        const char quote = take("'") ? '\'' : '"';
        if (quote == '"' && !take("\"")) refuse("a text");
        const std::size_t end = text_.find(quote, at_);
        if (end == std::string_view::npos) refuse("a text that ends");
        const std::string_view found = text_.substr(at_, end - at_);
        if (found.find('\\') != std::string_view::npos) refuse("a text without '\\'");
        at_ = end + 1;
        return found;
    }

    bool truth() {
        if (take("True")) return true;
        if (!take("False")) refuse("True or False");
        return false;
    }

    std::vector<std::size_t> integers() {
        std::vector<std::size_t> all;
        expect("(");
        while (!take(")")) {
            if (all.size() == Shape::max_rank)
                place_.refuse(fmt::format("its shape has more than {} axes", Shape::max_rank));
            all.push_back(integer());
            if (take(",")) continue;
            if (all.size() == 1) refuse("',', without which this is no tuple");
            expect(")");
            break;
        }
        return all;
    }

    [[noreturn]] void refuse(std::string_view expected) const {
        place_.refuse(fmt::format("its header should go on with {} at byte {}, and does with {}", expected,
                                  at_, in_quotes(text_.substr(at_, 20))));
    }

  private:
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    std::size_t integer() {
        skip_space();
        std::size_t value = 0;
        const char* const begin = text_.data() + at_;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
        if (error != std::errc()) refuse("an integer from 0 to 2^64 - 1");
        at_ += static_cast<std::size_t>(end - begin);
        take("L");  // as Python 2 wrote long ones
        return value;
    }

    const Place& place_;
    std::string_view text_;
    std::size_t at_ = 0;
};

void set_type(const Place& place, StoredArray& array, std::string_view descr) {
    const char order = descr.empty() ? ' ' : descr.front();
    const std::string_view kind = descr.substr(descr.empty() ? 0 : 1);
    if (descr == "O" || kind.starts_with('O'))
        place.refuse(fmt::format("descr is {}: it holds Python objects, which are programs and not read",
                                 in_quotes(descr)));
    for (const auto& [known, type] : npy_types) {
        const bool has_order = order == '<' || order == '>' || (order == '|' && bytes_of(type) == 1);
        if (kind != known || !has_order) continue;
        array.type = type;
        array.is_big_endian = order == '>';
        return;
    }
    place.refuse(
        fmt::format("descr is {}; it must be <, > or | and b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4 "
                    "or f8",
                    in_quotes(descr)));
}

/// Reads the value that belongs to a key, one after the other in any order.
class FieldReader {
  public:
    FieldReader(const Place& place, LiteralReader& literal) : place_(place), literal_(literal) {}

    void read(std::string_view key) {
        if (key == "descr") {
            start(has_descr_, key);
            if (literal_.take("[") || literal_.take("("))
                place_.refuse(
                    "descr is a list: it holds records, which are not read; write each field alone");
            set_type(place_, array_, literal_.text());
        } else if (key == "fortran_order") {
            start(has_order_, key);
            array_.is_column_major = literal_.truth();
        } else if (key == "shape") {
            start(has_shape_, key);
            array_.shape = require_shape(place_, literal_.integers());
        } else {
            place_.refuse(fmt::format("its header has a {}, which is none of descr, fortran_order and shape",
                                      in_quotes(key)));
        }
    }

    StoredArray finish() const {
        const char* const missing = !has_descr_   ? "descr"
                                    : !has_order_ ? "fortran_order"
                                    : !has_shape_ ? "shape"
                                                  : nullptr;
        if (missing != nullptr) place_.refuse(fmt::format("its header has no {}", missing));
        return array_;
    }

  private:
    void start(bool& has, std::string_view key) const {
        if (std::exchange(has, true)) place_.refuse(fmt::format("its header has {} twice", key));
    }

    const Place& place_;
    LiteralReader& literal_;
    StoredArray array_;
    bool has_descr_ = false;
    bool has_order_ = false;
    bool has_shape_ = false;
};

std::string_view descr_of(ElementType type) {
    switch (type) {
        case ElementType::f32:
            return "<f4";
        case ElementType::f64:
            return "<f8";
        case ElementType::i64:
            return "<i8";
        case ElementType::u64:
            break;
    }
    return "<u8";
}

}  // namespace

StoredArray parse_npy_header(const Place& place, std::string_view text) {
    LiteralReader literal(place, text);
    FieldReader fields(place, literal);
    literal.expect("{");
    while (!literal.take("}")) {
        const std::string_view key = literal.text();
        literal.expect(":");
        fields.read(key);
        if (literal.take(",")) continue;
        literal.expect("}");
        break;
    }
    literal.expect_end();
    return fields.finish();
}

std::string npy_header(const ArrayView& array) {
    constexpr std::size_t before = 10;  // magic, version and length
    const std::string shape =
        fmt::format("({}{})", fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
    std::string text =
        fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr_of(array.type), shape);
    // The elements begin at a multiple of 64, behind the end of a line.
    text.resize((before + text.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
    text += '\n';
    std::string header = "\x93NUMPY";
    header += {'\1', '\0', static_cast<char>(text.size() & 0xFFU), static_cast<char>(text.size() >> 8)};
    return header + text;
}

}  // namespace tapeloop::nn::detail
