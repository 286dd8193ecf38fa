#include <autograd/study/play/transcript.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

constexpr std::string_view first_line = "tapeloop transcript 1";

/// Names and labels may hold what separates words here.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isalnum(byte) != 0 || character == '_' || character == '/' || character == '=')
            result += character;
        else
            result += fmt::format("%{:02x}", byte);
    }
    return result;
}

[[noreturn]] void fail(std::string_view text) {
    throw std::invalid_argument(fmt::format("transcript: \"{}\" cannot be read", text.substr(0, 80)));
}

template <class N>
N integer_of(std::string_view text) {
    N number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) fail(text);
    return number;
}

double double_of(std::string_view text) {
    const std::string terminated(text);
    char* end = nullptr;
    const double number = std::strtod(terminated.c_str(), &end);
    if (terminated.empty() || end != terminated.c_str() + terminated.size()) fail(text);
    return number;
}

std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        unsigned byte = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16).ec != std::errc())
            fail(text);
        result += static_cast<char>(byte);
        i += 2;
    }
    return result;
}

/// The parts between separators; none of an empty text.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

template <class Make>
auto list_of(std::string_view text, char separator, const Make& make) {
    std::vector<decltype(make(text))> list;
    for (const std::string_view part : parts_of(text, separator)) list.push_back(make(part));
    return list;
}

/// `axis:i-1`, the type in front of the value.
std::string attribute_text(const OnnxAttribute& attribute) {
    struct Text {
        std::string operator()(std::int64_t value) const { return fmt::format("i{}", value); }
        std::string operator()(double value) const { return fmt::format("d{}", value); }
        std::string operator()(const std::string& value) const { return "s" + escaped(value); }
        std::string operator()(const std::vector<std::int64_t>& value) const {
            return fmt::format("I{}", fmt::join(value, ","));
        }
        std::string operator()(const std::vector<double>&) const {
            fail("a list of numbers as an attribute");
        }
        std::string operator()(const std::vector<std::string>&) const {
            fail("a list of texts as an attribute");
        }
    };
    return fmt::format("{}:{}", attribute.name, std::visit(Text{}, attribute.value));
}

OnnxAttribute attribute_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) fail(text);
    const std::string_view name = text.substr(0, colon);
    const std::string_view value = text.substr(colon + 2);
    switch (text[colon + 1]) {
        case 'i':
            return {name, OnnxAttribute::Value(integer_of<std::int64_t>(value))};
        case 'd':
            return {name, double_of(value)};
        case 's':
            return {name, OnnxAttribute::Value(unescaped(value))};
        case 'I':
            return {name, OnnxAttribute::Value(list_of(value, ',', integer_of<std::int64_t>))};
        default:
            fail(text);
    }
}

/// What a line says, by the letter in front of each part; a part that says nothing is left out.
std::string line_text(const TranscriptLine& line) {
    std::string text = line.node.has_value() ? fmt::format("{}", *line.node) : "-";
    text += fmt::format(" {}", line.op);
    if (!line.inputs.empty()) {
        std::vector<std::string> inputs;
        for (const std::optional<std::size_t>& input : line.inputs)
            inputs.push_back(input.has_value() ? fmt::format("{}", *input) : "-");
        text += fmt::format(" <{}", fmt::join(inputs, ","));
    }
    for (const OnnxAttribute& attribute : line.attributes) text += " ." + attribute_text(attribute);
    if (!line.name.empty()) text += " \"" + escaped(line.name);
    if (line.shape.rank() > 0)
        text += fmt::format(" [{}",
                            fmt::join(std::vector<std::uint32_t>(line.shape.begin(), line.shape.end()), ","));
    if (!line.elements.empty()) text += fmt::format(" #{}", fmt::join(line.elements, ","));
    if (!line.integers.empty()) text += fmt::format(" :{}", fmt::join(line.integers, ","));
    return text;
}

TranscriptLine line_of(std::string_view text, std::size_t place) {
    const std::vector<std::string_view> words = parts_of(text, ' ');
    if (words.size() < 2) fail(text);
    TranscriptLine line{.op = std::string(words[1])};
    if (words[0] != "-") line.node = integer_of<NodeIndex>(words[0]);
    const auto input_of = [&](std::string_view word) {
        if (word == "-") return std::optional<std::size_t>();
        const auto input = integer_of<std::size_t>(word);
        if (input >= place) fail(text);
        return std::optional(input);
    };
    for (std::size_t k = 2; k < words.size(); ++k) {
        if (words[k].empty()) fail(text);
        const std::string_view rest = words[k].substr(1);
        switch (words[k].front()) {
            case '<':
                line.inputs = list_of(rest, ',', input_of);
                break;
            case '.':
                line.attributes.push_back(attribute_of(rest));
                break;
            case '"':
                line.name = unescaped(rest);
                break;
            case '[':
                line.shape = Shape::of(list_of(rest, ',', integer_of<std::size_t>));
                break;
            case '#':
                line.elements = list_of(rest, ',', double_of);
                break;
            case ':':
                line.integers = list_of(rest, ',', integer_of<std::int64_t>);
                break;
            default:
                fail(text);
        }
    }
    return line;
}

}  // namespace

std::string Transcript::text() const {
    std::string text = fmt::format("{}\nloss {}\n", first_line, loss);
    if (!ledgers.empty())
        text += fmt::format("ledgers {}\nlosses {}\n", fmt::join(ledgers, ","), fmt::join(losses, ","));
    if (!states.empty()) {
        std::vector<std::string> parts;
        for (const std::vector<NodeIndex>& state : states)
            parts.push_back(fmt::format("{}", fmt::join(state, ",")));
        text += fmt::format("states {}\nrow {}\n", fmt::join(parts, ";"), row);
    }
    std::vector<std::string> names;
    for (const std::string& gate : gates) names.push_back(escaped(gate));
    if (!names.empty()) text += fmt::format("gates {}\n", fmt::join(names, ","));
    std::string_view label;
    for (const TranscriptLine& line : lines) {
        if (line.label != label) text += fmt::format("label {}\n", escaped(line.label));
        label = line.label;
        text += line_text(line) + "\n";
    }
    return text;
}

Transcript Transcript::read(std::string_view text) {
    Transcript made;
    std::string label;
    const std::vector<std::string_view> all = parts_of(text, '\n');
    if (all.empty() || all.front() != first_line) fail(text);
    for (const std::string_view line : std::span(all).subspan(1)) {
        const std::size_t space = std::min(line.find(' '), line.size());
        const std::string_view key = line.substr(0, space);
        const std::string_view rest = line.substr(std::min(space + 1, line.size()));
        if (key == "loss") {
            made.loss = integer_of<NodeIndex>(rest);
        } else if (key == "ledgers") {
            made.ledgers = list_of(rest, ',', integer_of<NodeIndex>);
        } else if (key == "losses") {
            made.losses = list_of(rest, ',', integer_of<NodeIndex>);
        } else if (key == "states") {
            made.states = list_of(
                rest, ';', [](std::string_view part) { return list_of(part, ',', integer_of<NodeIndex>); });
        } else if (key == "row") {
            made.row = integer_of<std::size_t>(rest);
        } else if (key == "gates") {
            made.gates = list_of(rest, ',', unescaped);
        } else if (key == "label") {
            label = unescaped(rest);
        } else {
            made.lines.push_back(line_of(line, made.lines.size()));
            made.lines.back().label = label;
        }
    }
    return made;
}

}  // namespace tapeloop::detail
