#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nn/files/safetensors_header.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace tapeloop::nn::detail {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, StoredType>, 13> safetensors_types{{
    {"BOOL", StoredType::boolean},
    {"U8", StoredType::u8},
    {"I8", StoredType::i8},
    {"U16", StoredType::u16},
    {"I16", StoredType::i16},
    {"F16", StoredType::f16},
    {"BF16", StoredType::bf16},
    {"U32", StoredType::u32},
    {"I32", StoredType::i32},
    {"F32", StoredType::f32},
    {"F64", StoredType::f64},
    {"I64", StoredType::i64},
    {"U64", StoredType::u64},
}};

/// What an entry says, as far as it has been read.
struct Fields {
    std::optional<std::string> dtype;
    std::optional<std::vector<std::size_t>> shape;
    std::optional<std::vector<std::size_t>> offsets;
};

StoredType type_named(const Place& place, const std::string& name) {
    for (const auto& [known, type] : safetensors_types)
        if (known == name) return type;
    place.refuse(
        fmt::format("dtype {} is not one that can be read, which are BOOL, U8, I8, U16, I16, F16, "
                    "BF16, U32, I32, F32, F64, I64 and U64",
                    in_quotes(name)));
}

SafetensorsEntry entry_of(const Place& place, const Fields& fields) {
    if (!fields.dtype) place.refuse("it has no dtype");
    if (!fields.shape) place.refuse("it has no shape");
    if (!fields.offsets) place.refuse("it has no data_offsets");
    SafetensorsEntry entry;
    entry.array.type = type_named(place, *fields.dtype);
    entry.array.shape = require_shape(place, *fields.shape);
    if (fields.offsets->size() != 2)
        place.refuse(fmt::format("data_offsets are {}; there must be two, begin and end", *fields.offsets));
    entry.begin = (*fields.offsets)[0];
    entry.end = (*fields.offsets)[1];
    if (entry.end < entry.begin)
        place.refuse(
            fmt::format("data_offsets are [{}, {}]; they must not decrease", entry.begin, entry.end));
    if (entry.end - entry.begin != bytes_of(entry.array))
        place.refuse(fmt::format("{} of {} takes {} bytes, and data_offsets [{}, {}] are {}",
                                 entry.array.shape.text(), *fields.dtype, bytes_of(entry.array), entry.begin,
                                 entry.end, entry.end - entry.begin));
    return entry;
}

/// Takes the header piece by piece, so that nothing is built of what is not allowed, and a name that comes
/// twice is seen.
class HeaderReader : public nlohmann::json_sax<Json> {
  public:
    explicit HeaderReader(const Place& place) : place_(place) {}
    SafetensorsHeader take() { return std::move(header_); }

    bool start_object(std::size_t) override {
        if (in_ == In::nothing) return enter(In::header);
        if (in_ != In::header) refuse_value("an object");
        if (key_ == safetensors_metadata) return enter(In::metadata);
        fields_ = {};
        return enter(In::entry);
    }
    bool end_object() override {
        if (in_ == In::entry) header_.entries[name_] = entry_of(place_.in_array(name_), fields_);
        return enter(in_ == In::header ? In::nothing : In::header);
    }
    bool start_array(std::size_t) override {
        if (in_ != In::entry || key_ == "dtype") refuse_value("an array");
        return enter(In::numbers);
    }
    bool end_array() override { return enter(In::entry); }

    bool key(std::string& key) override {
        key_ = key;
        if (in_ == In::header)
            start_entry();
        else if (in_ == In::metadata)
            require(header_.metadata.try_emplace(key).second,
                    [&] { return fmt::format("its __metadata__ has {} twice", in_quotes(key_)); });
        else
            start_field();
        return true;
    }
    bool string(std::string& value) override {
        if (in_ == In::metadata)
            header_.metadata[key_] = std::move(value);
        else if (in_ == In::entry && key_ == "dtype")
            fields_.dtype = std::move(value);
        else
            refuse_value(in_quotes(value));
        return true;
    }
    bool number_unsigned(std::uint64_t value) override {
        if (in_ != In::numbers) refuse_value(fmt::format("{}", value));
        std::vector<std::size_t>& numbers = key_ == "shape" ? *fields_.shape : *fields_.offsets;
        if (numbers.size() == Shape::max_rank)
            place_.in_array(name_).refuse(fmt::format("{} has more than {} numbers", key_, Shape::max_rank));
        numbers.push_back(value);
        return true;
    }
    bool number_integer(std::int64_t value) override { refuse_value(fmt::format("{}", value)); }
    bool number_float(double, const std::string& text) override { refuse_value(text); }
    bool null() override { refuse_value("null"); }
    bool boolean(bool value) override { refuse_value(value ? "true" : "false"); }
    bool binary(Json::binary_t&) override { refuse_value("binary"); }

    bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
        // Without the library's number of it.
        const std::string_view what = error.what();
        const std::size_t bracket = what.find("] ");
        const std::string_view words = bracket == std::string_view::npos ? what : what.substr(bracket + 2);
        constexpr std::size_t longest = 300;
        place_.refuse(fmt::format("its header is not JSON: {}{}", words.substr(0, longest),
                                  words.size() > longest ? "..." : ""));
    }

  private:
    enum class In { nothing, header, metadata, entry, numbers };

    bool enter(In next) {
        in_ = next;
        return true;
    }

    template <class Text>
    void require(bool holds, const Text& text) const {
        if (!holds) place_.refuse(text());
    }

    void start_entry() {
        name_ = key_;
        const bool is_new = name_ == safetensors_metadata ? !std::exchange(has_metadata_, true)
                                                          : header_.entries.try_emplace(name_).second;
        require(is_new, [&] { return fmt::format("its header has the name {} twice", in_quotes(name_)); });
    }

    void start_field() {
        const auto start = [&](auto& field) {
            if (field) place_.in_array(name_).refuse(fmt::format("it has {} twice", key_));
            field.emplace();
        };
        if (key_ == "dtype")
            start(fields_.dtype);
        else if (key_ == "shape")
            start(fields_.shape);
        else if (key_ == "data_offsets")
            start(fields_.offsets);
        else
            place_.in_array(name_).refuse(
                fmt::format("it has a {}, which is none of dtype, shape and data_offsets", in_quotes(key_)));
    }

    [[noreturn]] void refuse_value(std::string_view value) const {
        switch (in_) {
            case In::metadata:
                place_.refuse(
                    fmt::format("__metadata__ has {} for {}; it must be a text", value, in_quotes(key_)));
            case In::header:
                place_.refuse(
                    fmt::format("its header has {} for {}; it must be an object", value, in_quotes(key_)));
            case In::numbers:
                place_.in_array(name_).refuse(
                    fmt::format("{} has {} in it; it must be of integers from 0 to 2^64 - 1", key_, value));
            default:
                place_.in_array(name_).refuse(fmt::format("{} is {}; it must be {}", key_, value,
                                                          key_ == "dtype" ? "a text" : "an array"));
        }
    }

    const Place& place_;
    SafetensorsHeader header_;
    In in_ = In::nothing;
    std::string key_;
    std::string name_;
    Fields fields_;
    bool has_metadata_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(const Place& place, std::string_view text) {
    if (text.empty() || text.front() != '{')
        place.refuse(
            fmt::format("its header begins with {}; it must with '{{'", in_quotes(text.substr(0, 1))));
    if (const std::size_t valid = valid_utf8_length(text); valid != text.size())
        place.refuse(fmt::format("its header is not UTF-8, from byte {} on", valid));
    // To the JSON library a zero is the end, whatever follows.
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
        place.refuse(fmt::format("its header has a zero, at byte {}, and is no text", zero));
    HeaderReader reader(place);
    Json::sax_parse(text.begin(), text.end(), &reader);
    return reader.take();
}

}  // namespace tapeloop::nn::detail
