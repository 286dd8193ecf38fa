#include <fmt/format.h>
#include <autograd/study/page/compact.hpp>
#include <autograd/study/page/comparison.hpp>
#include <autograd/study/page/page_file.hpp>
#include <autograd/study/page/study_json.hpp>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
std::shared_ptr<const std::string> read(Tape<T>& tape, const Gradients<T>& gradients,
                                        const StudyOptions& options) {
    tape.require_unchanged_parameters();
    require_language("Study", options.language);
    StudyOptions shown = options;
    shown.playground.reset();  // of two recordings it would run neither
    return std::make_shared<const std::string>(escaped_json(compacted(study_json(tape, gradients, shown))));
}

}  // namespace

Study::Study(Tape<float>& tape, const Gradients<float>& gradients, const StudyOptions& options)
    : title_(options.title), language_(options.language), json_(read(tape, gradients, options)) {}
Study::Study(Tape<double>& tape, const Gradients<double>& gradients, const StudyOptions& options)
    : title_(options.title), language_(options.language), json_(read(tape, gradients, options)) {}

void write_comparison(const Study& first, const std::string& first_name, const Study& second,
                      const std::string& second_name, const std::filesystem::path& path) {
    require_folder("write_comparison", path);
    const std::string title = fmt::format("{} and {}", first_name, second_name);
    const std::string names = escaped_json({first_name, second_name});
    write_page(
        "write_comparison", path, title, first.language(),
        fmt::format(
            R"({{"format":"tapeloop comparison","version":1,"title":{},"names":{},"studies":[{},{}]}})",
            escaped_json(title), names, first.json(), second.json()));
}

}  // namespace tapeloop
