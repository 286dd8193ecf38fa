#include "op_names.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

namespace tapeloop::test {

std::set<std::string> declared_operations(std::string_view header, bool is_of_operations) {
    static const std::regex function(R"(^(?=\w)[\w:<>, ]*\bVar<double>[\w:<>, ]*\s(\w+)\()");
    static const std::regex operation_template(R"(^(?=\w)[\w:<>, ]*\b(?:Var|Tensor)<T>[\w:<>, ]*\s(\w+)\()");
    static const std::regex named_auto(R"(^auto (map)\(|^Custom<.*> (custom)\()");
    static const std::regex of_var(
        R"(^    friend Var<T> (operator\S+)\((const Operand<T>& \w+)(, const Operand<T>& \w+)?\))");
    std::set<std::string> names;
    std::string text(header);
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        std::smatch match;
        if (std::regex_search(line, match, function) ||
            (is_of_operations && std::regex_search(line, match, operation_template)))
            names.insert(match[1]);
        else if (std::regex_search(line, match, named_auto))
            names.insert(match[1].matched ? match[1] : match[2]);
        else if (std::regex_search(line, match, of_var))
            names.insert(match[1].str() + (match[3].matched ? "" : " of one argument"));
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
