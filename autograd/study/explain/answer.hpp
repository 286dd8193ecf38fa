#pragma once

#include <autograd/study/explain/explain.hpp>

/// An explanation as it is told: what its text is made of, and the study page's answers.
namespace tapeloop::detail {

/// `the gradient of parameter 'W' vanishes: 3.2e-09 per element`
std::string sentence_of(const Explanation& explanation);

/// A line of the list of reasons.
struct AnswerRow {
    /// By how many powers of ten; minus infinity where the path ends; none where the line is no part of it.
    std::optional<double> decades;
    std::string text;
    bool is_part = false;           ///< of the long product above it
    std::optional<NodeIndex> node;  ///< the one that it is about
};

/// Returns the list, with lines for what its reasons leave of the whole: parts add up to the long product
/// above them, and all else to what the whole path does.
std::vector<AnswerRow> answer_rows(const Explanation& explanation);

/// `10^-3.2`, or `end`
std::string decades_text(double decades);

}  // namespace tapeloop::detail
