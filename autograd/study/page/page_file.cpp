#include <autograd/study/page/page.hpp>
#include <autograd/study/page/page_file.hpp>

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <random>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

std::string escaped_text(std::string_view text) {
    std::string escaped;
    for (char character : text) {
        if (character == '&')
            escaped += "&amp;";
        else if (character == '<')
            escaped += "&lt;";
        else
            escaped += character;
    }
    return escaped;
}

/// The page with its marks, `{{title}}` and others, filled in.
void fill_page(std::ostream& out, const std::map<std::string_view, std::string_view>& marks) {
    std::string_view rest = page();
    for (std::size_t mark = rest.find("{{"); mark != std::string_view::npos; mark = rest.find("{{")) {
        const std::string_view name = rest.substr(mark + 2, rest.find("}}", mark) - mark - 2);
        out << rest.substr(0, mark);
        if (const auto mark_of = marks.find(name); mark_of != marks.end()) {
            out << mark_of->second;
            rest.remove_prefix(mark + name.size() + 4);
        } else {
            out << "{{";
            rest.remove_prefix(mark + 2);
        }
    }
    out << rest;
}

[[noreturn]] void fail_to_write(std::string_view function, const std::filesystem::path& path,
                                std::string_view reason) {
    throw std::invalid_argument(fmt::format("{}: {} cannot be written: {}", function, path.string(), reason));
}

}  // namespace

void require_folder(std::string_view function, const std::filesystem::path& path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (!std::filesystem::is_directory(folder))
        fail_to_write(function, path, fmt::format("there is no folder {}", folder.string()));
}

void require_language(std::string_view function, std::string_view language) {
    if (!language.empty() && language != "en" && language != "ko")
        throw std::invalid_argument(fmt::format(
            R"({}: language is "{}"; it must be "en", "ko", or empty for that of the page's reader)",
            function, language));
}

std::string escaped_json(const nlohmann::json& json) {
    // Inside of a script element nothing may look like a tag. In JSON a `<` only stands in strings.
    // Names and files may hold any bytes; what is no UTF-8 is replaced.
    const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string escaped;
    escaped.reserve(text.size());
    for (char character : text) {
        if (character == '<')
            escaped += "\\u003c";
        else
            escaped += character;
    }
    return escaped;
}

void write_page(std::string_view function, const std::filesystem::path& path, std::string_view title,
                std::string_view language, std::string_view data, std::string_view more) {
    // A name that nobody else has, be it another program that writes the same page.
    std::random_device random;
    const std::filesystem::path beside =
        path.parent_path() / fmt::format(".{:08x}{:08x}.partial", random(), random());
    std::error_code error;
    {
        std::ofstream out(beside, std::ios::binary);
        const std::string escaped_title = escaped_text(title);
        fill_page(out,
                  {{"title", escaped_title}, {"language", language}, {"study", data}, {"playground", more}});
        out.close();
        if (!out) error = std::make_error_code(std::errc::io_error);
    }
    if (!error) std::filesystem::rename(beside, path, error);
    if (!error) return;
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    fail_to_write(function, path, error.message());
}

}  // namespace tapeloop::detail
