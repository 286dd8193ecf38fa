#pragma once

#include <autograd/study/page/write_study.hpp>

#include <memory>
#include <string>

namespace tapeloop {

/// What a study page shows of a recorded network. It outlives the tape and every change of the parameters, so
/// that a study before a training can be compared to one after it.
class Study {
  public:
    /// Reads what `write_study` writes, and throws what that throws.
    Study(Tape<float>& tape, const Gradients<float>& gradients, const StudyOptions& options = {});
    Study(Tape<double>& tape, const Gradients<double>& gradients, const StudyOptions& options = {});

    /// Returns the title of its options.
    const std::string& title() const { return title_; }
    /// Returns the language of its options.
    const std::string& language() const { return language_; }
    /// Returns its data, as the page's README says; `<` is escaped.
    const std::string& json() const { return *json_; }

  private:
    std::string title_;
    std::string language_;
    std::shared_ptr<const std::string> json_;
};

/// Writes a page that compares two studies, as one HTML file, in the language of the first: the gradients of
/// parameters and states, ledgers, Jacobians and gates of both beside each other on one scale, and their
/// difference in colour; and each study's own page, a click away. Parameters and gates are paired by their
/// names, time steps by their numbers. Where both have the same operations, the network can be coloured by
/// the ratio of its cotangents.
///
///     write_comparison(elman, "Elman", lstm, "LSTM", "comparison.html");
///
/// Throws `std::invalid_argument` when the file cannot be written; what was there before is then left as it
/// is.
void write_comparison(const Study& first, const std::string& first_name, const Study& second,
                      const std::string& second_name, const std::filesystem::path& path);

}  // namespace tapeloop
