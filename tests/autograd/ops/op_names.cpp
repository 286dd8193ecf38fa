#include <tests/autograd/ops/op_names.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace tapeloop::test {
namespace {

bool is_word(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_'; }

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// A declaration up to its parenthesis: `std::vector<Var<double>> ` and `split`.
struct Head {
    std::string_view type;
    std::string_view name;
};

Head head_of(std::string_view line) {
    const std::string_view text = line.substr(0, std::min(line.find('('), line.size()));
    std::size_t begin = text.size();
    while (begin > 0 && is_word(text[begin - 1])) --begin;
    return {text.substr(0, begin), text.substr(begin)};
}

bool is_type(std::string_view text) {
    return !text.empty() && text.front() != ' ' && text.back() == ' ' &&
           std::all_of(text.begin(), text.end(), [](char letter) {
               return is_word(letter) || contains(":<>,. ", {&letter, 1});
           });
}

/// The name of the operator in `    friend Var<T> operator+(const Operand<T>& a, const Operand<T>& b) ...`.
std::string operator_name(std::string_view line) {
    constexpr std::string_view start = "    friend Var<T> ";
    if (!line.starts_with(start) || !contains(line, "operator")) return "";
    const std::string_view declaration = line.substr(start.size(), line.find(')') - start.size());
    const std::size_t parenthesis = declaration.find('(');
    const std::string name(declaration.substr(0, parenthesis));
    return contains(declaration, ",") ? name : name + " of one argument";
}

}  // namespace

std::set<std::string> declared_operations(std::string_view header, bool is_of_operations) {
    std::set<std::string> names;
    std::istringstream lines{std::string(header)};
    for (std::string line; std::getline(lines, line);) {
        const auto [type, name] = head_of(line);
        const bool gives_var =
            contains(type, "Var<double>") || contains(type, "Ordered<double>") ||
            (is_of_operations && (contains(type, "Var<T>") || contains(type, "Tensor<T>")));
        const bool is_template =
            (name == "map" && type == "auto ") || (name == "custom" && type.starts_with("Custom<"));
        if (is_type(type) && (gives_var || is_template)) names.emplace(name);
        if (const std::string of_var = operator_name(line); !of_var.empty()) names.insert(of_var);
    }
    return names;
}

std::set<std::string> declared_operations() {
    std::set<std::string> names;
    const std::filesystem::path engine = std::filesystem::path(TAPELOOP_SOURCE_DIR) / "autograd";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(engine)) {
        if (entry.path().extension() != ".hpp") continue;
        std::ifstream file(entry.path());
        if (!file) throw std::runtime_error("cannot read " + entry.path().string());
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        names.merge(declared_operations(text, entry.path().parent_path().filename() == "ops"));
    }
    return names;
}

}  // namespace tapeloop::test
