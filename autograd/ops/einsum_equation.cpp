#include <fmt/format.h>
#include <fmt/ranges.h>
#include <autograd/ops/einsum_equation.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

constexpr std::string_view dots = "...";

/// Reads one equation, with all that its errors have to say.
class Reader {
  public:
    Reader(std::string_view text, std::span<const Shape> shapes) : text_(text), shapes_(shapes) {}

    EinsumEquation read() {
        std::string plain(text_);
        std::erase(plain, ' ');
        const std::size_t arrow = plain.find("->");
        const std::vector<std::string> terms = split(plain.substr(0, arrow));
        if (terms.size() != shapes_.size())
            fail(fmt::format("it is about {} argument{}, and {} {} given", terms.size(),
                             terms.size() == 1 ? "" : "s", shapes_.size(),
                             shapes_.size() == 1 ? "is" : "are"));
        EinsumEquation equation;
        for (std::size_t k = 0; k < terms.size(); ++k) equation.arguments.push_back(of_argument(terms[k], k));
        note_extents(equation);
        equation.result = arrow == std::string::npos ? implied_result(equation.arguments)
                                                     : of_result(plain.substr(arrow + 2), equation.arguments);
        check_ranks(equation);
        return equation;
    }

  private:
    [[noreturn]] void fail(const std::string& rule) const {
        std::string shapes;
        for (const Shape& shape : shapes_) shapes += (shapes.empty() ? "" : ", ") + shape.text();
        throw std::invalid_argument(fmt::format("einsum: \"{}\" of {}; {}", text_, shapes, rule));
    }

    static std::vector<std::string> split(const std::string& terms) {
        std::vector<std::string> all(1);
        for (char letter : terms)
            if (letter == ',')
                all.emplace_back();
            else
                all.back() += letter;
        return all;
    }

    static Labels axes_of_dots(std::size_t count) {
        Labels labels;
        while (count-- > 0) labels += static_cast<char>('0' + count);
        return labels;
    }

    /// The labels of a term in which `...` stands for `dotted` axes.
    Labels labels_of(const std::string& term, std::size_t dotted) const {
        Labels labels = term;
        if (const std::size_t at = labels.find(dots); at != Labels::npos)
            labels.replace(at, dots.size(), axes_of_dots(dotted));
        for (const char label : labels)
            if (std::isalpha(static_cast<unsigned char>(label)) == 0 &&
                (std::isdigit(static_cast<unsigned char>(label)) == 0 || has(term, label)))
                fail(fmt::format("'{}' does not name an axis; letters do, and one ... for any number of them",
                                 term));
        return labels;
    }

    Labels of_argument(const std::string& term, std::size_t k) {
        const bool has_dots = term.find(dots) != std::string::npos;
        const std::size_t named = term.size() - (has_dots ? dots.size() : 0);
        const std::size_t rank = shapes_[k].rank();
        Labels labels = labels_of(term, has_dots && rank > named ? rank - named : 0);
        if (labels.size() != rank)
            fail(fmt::format("'{}' names {}{} axes and argument {} has {}", term, has_dots ? "at least " : "",
                             named, k, rank));
        if (has_dots) dotted_ = std::max(dotted_, rank - named);
        return labels;
    }

    void note_extents(EinsumEquation& equation) const {
        std::array<bool, 128> known{};
        for (std::size_t k = 0; k < shapes_.size(); ++k)
            for (std::size_t i = 0; i < shapes_[k].rank(); ++i) {
                const char label = equation.arguments[k][i];
                const auto index = static_cast<unsigned char>(label);
                const std::size_t extent = shapes_[k][i];
                const bool is_letter = std::isalpha(index) != 0;
                std::size_t& noted = equation.extents[index];
                if (known[index] && noted != extent && (is_letter || (noted != 1 && extent != 1)))
                    fail(is_letter ? fmt::format("{} is {} and {}", label, noted, extent)
                                   : fmt::format("axes of ... are {} and {}; they must be equal or 1", noted,
                                                 extent));
                if (!known[index] || noted == 1) noted = extent;
                known[index] = true;
            }
    }

    Labels implied_result(const std::vector<Labels>& arguments) const {
        Labels all;
        for (const Labels& labels : arguments) all += labels;
        Labels once;
        for (char label : all)
            if (std::isalpha(static_cast<unsigned char>(label)) != 0 &&
                std::count(all.begin(), all.end(), label) == 1)
                once += label;
        std::sort(once.begin(), once.end());
        return axes_of_dots(dotted_) + once;
    }

    Labels of_result(const std::string& term, const std::vector<Labels>& arguments) const {
        Labels labels = labels_of(term, dotted_);
        for (char label : labels) {
            if (std::count(labels.begin(), labels.end(), label) > 1)
                fail(fmt::format("the result names {} twice", label));
            if (std::none_of(arguments.begin(), arguments.end(),
                             [&](const Labels& own) { return has(own, label); }))
                fail(fmt::format("the result names {}, which no argument has", label));
        }
        return labels;
    }

    /// Checks the number of axes of the result and of all that comes up on the way.
    void check_ranks(const EinsumEquation& equation) const {
        std::size_t most = equation.result.size();
        Labels so_far = equation.arguments[0];
        for (std::size_t k = 1; k < equation.arguments.size(); ++k) {
            const EinsumPair pair = pair_of(so_far, equation.arguments[k], kept_behind(equation, k));
            so_far = pair.kept();
            most = std::max(most, so_far.size() + (pair.multiplies_only() ? pair.inner.size() : 0));
        }
        if (most > Shape::max_rank)
            fail(fmt::format("it makes a tensor of {} axes, and {} are the most", most, Shape::max_rank));
    }

    std::string_view text_;
    std::span<const Shape> shapes_;
    std::size_t dotted_ = 0;
};

}  // namespace

EinsumEquation read_einsum(std::string_view text, std::span<const Shape> arguments) {
    return Reader(text, arguments).read();
}

EinsumPair pair_of(const Labels& a, const Labels& b, const Labels& kept) {
    EinsumPair pair;
    Labels seen;
    for (char label : a) {
        if (has(seen, label)) continue;
        seen += label;
        if (has(b, label))
            (has(kept, label) ? pair.batch : pair.inner) += label;
        else if (has(kept, label))
            pair.only_a += label;
    }
    for (char label : b)
        if (!has(a, label) && has(kept, label) && !has(pair.only_b, label)) pair.only_b += label;
    return pair;
}

Labels kept_behind(const EinsumEquation& equation, std::size_t k) {
    Labels kept = equation.result;
    for (std::size_t later = k + 1; later < equation.arguments.size(); ++later)
        kept += equation.arguments[later];
    return kept;
}

}  // namespace tapeloop::detail
