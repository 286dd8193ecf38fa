#include <autograd/study/derivation/formula.hpp>

namespace tapeloop::detail {
namespace {

/// The bytes of the character at the front, in UTF-8.
std::size_t bytes_of(char front) {
    const auto byte = static_cast<unsigned char>(front);
    if (byte < 0xC0) return 1;
    return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The longest piece at the front that may be a name: a word with its subscripts, or any one character.
std::string_view front_piece(std::string_view text) {
    constexpr std::string_view subscripts = "ᵢₖ₁₂";
    std::size_t size = bytes_of(text.front());
    while (size < text.size() && detail::is_letter(text.front()) && detail::is_letter(text[size])) ++size;
    while (size < text.size() && bytes_of(text[size]) == 3 &&
           subscripts.find(text.substr(size, 3)) != std::string_view::npos)
        size += 3;
    return text.substr(0, size);
}

/// Returns whether what stands behind binds to the name in front of it more tightly than that holds together.
bool binds(std::string_view behind) {
    return behind == " /" || behind == "/" || behind == "^" || behind == "²" || behind == "ᵀ";
}

std::string in_parentheses_if_needed(const std::string& name, std::string_view behind) {
    const bool is_expression = name.find_first_of(" /^") != std::string::npos;
    return is_expression && binds(behind) ? "(" + name + ")" : name;
}

}  // namespace

std::vector<std::string_view> pieces_of(std::string_view formula) {
    std::vector<std::string_view> pieces;
    while (!formula.empty()) {
        pieces.push_back(front_piece(formula));
        formula.remove_prefix(pieces.back().size());
    }
    return pieces;
}

std::string renamed(std::string_view formula, const std::map<std::string, std::string, std::less<>>& names) {
    const std::vector<std::string_view> pieces = pieces_of(formula);
    std::string result;
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        const auto found = names.find(pieces[k]);
        std::string behind(k + 1 < pieces.size() ? pieces[k + 1] : "");
        if (behind == " " && k + 2 < pieces.size()) behind += pieces[k + 2];
        result +=
            found == names.end() ? std::string(pieces[k]) : in_parentheses_if_needed(found->second, behind);
    }
    return result;
}

}  // namespace tapeloop::detail
