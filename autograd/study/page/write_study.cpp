#include <autograd/study/page/compact.hpp>
#include <autograd/study/page/page.hpp>
#include <autograd/study/page/page_file.hpp>
#include <autograd/study/page/study_json.hpp>
#include <autograd/study/page/write_study.hpp>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
void write(Tape<T>& tape, const Gradients<T>& gradients, const std::filesystem::path& path,
           const StudyOptions& options) {
    tape.require_unchanged_parameters();
    require_language("write_study", options.language);
    require_folder("write_study", path);
    write_page("write_study", path, options.title, options.language,
               escaped_json(compacted(study_json(tape, gradients, options))),
               options.playground.has_value() ? playground() : std::string_view());
}

}  // namespace

void write_study(Tape<float>& tape, const Gradients<float>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options) {
    write(tape, gradients, path, options);
}
void write_study(Tape<double>& tape, const Gradients<double>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options) {
    write(tape, gradients, path, options);
}

}  // namespace tapeloop
