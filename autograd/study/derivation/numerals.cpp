#include <fmt/format.h>
#include <autograd/kernels/norm.hpp>
#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/numerals.hpp>

#include <algorithm>
#include <cctype>

namespace tapeloop::detail {
namespace {

std::string superscript(std::string_view number) {
    constexpr std::string_view digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string result;
    for (char c : number)
        if (c != '+') result += c == '-' ? std::string_view("⁻") : digits[static_cast<std::size_t>(c - '0')];
    return result;
}

bool is_function(std::string_view word) {
    constexpr std::string_view functions[] = {"exp", "log", "sin", "cos", "tanh",
                                              "max", "min", "sum", "sign"};
    return std::find(std::begin(functions), std::end(functions), word) != std::end(functions);
}

/// Writes a formula's numbers, piece by piece.
class Evaluation {
  public:
    Evaluation(std::string_view formula, const std::map<std::string, std::string, std::less<>>& numbers,
               bool all_single)
        : pieces_(pieces_of(formula)), numbers_(numbers), all_single_(all_single) {}

    std::string text() {
        for (place_ = 0; place_ < pieces_.size(); ++place_)
            if (!write(pieces_[place_])) return {};
        return result_;
    }

  private:
    /// Writes a piece and returns whether it could be written.
    bool write(std::string_view piece) {
        const auto found = numbers_.find(piece);
        if (found != numbers_.end()) {
            write_operand(in_parentheses_if_needed(found->second));
        } else if (is_letter(piece.front())) {
            if (!is_function(piece) || next() != "(") return false;
            write_operand(std::string(piece));
            is_operand_ = false;
        } else if (piece == "σ" && next() == "(") {
            write_operand(std::string(piece));
            is_operand_ = false;
        } else if (piece == "(") {
            write_operand("(");
            is_operand_ = false;
        } else if (piece == "⊙") {
            result_ += all_single_ ? "·" : "⊙";
            is_operand_ = false;
        } else if (piece == "ᵀ") {
            if (result_.ends_with("]")) result_ += piece;  // a number is its own transpose
        } else if (piece == " ") {
            result_ += piece;
        } else {
            return write_sign(piece);
        }
        return true;
    }

    bool write_sign(std::string_view piece) {
        constexpr std::string_view signs = "+-/^),²|√0123456789";
        if (signs.find(piece) == std::string_view::npos) return false;  // Σ, and letters without a number
        const bool is_digit = std::isdigit(static_cast<unsigned char>(piece.front())) != 0;
        result_ += piece;
        is_operand_ = is_digit || piece == ")" || piece == "²";
        return true;
    }

    void write_operand(const std::string& operand) {
        if (is_operand_) result_ += result_.back() == ' ' ? "· " : " · ";
        result_ += operand;
        is_operand_ = true;
    }

    std::string in_parentheses_if_needed(const std::string& number) const {
        const bool is_negative = number.front() == '-';
        const bool is_power = number.find("·") != std::string::npos;
        const std::size_t last = result_.find_last_not_of(' ');
        const bool is_behind_sign = last != std::string::npos && result_[last] != '(';
        const bool binds = next() == "²" || next() == "^" || next() == "/";
        return (is_negative && (is_behind_sign || binds)) || (is_power && binds) ? "(" + number + ")"
                                                                                 : number;
    }

    std::string_view next() const {
        return place_ + 1 < pieces_.size() ? pieces_[place_ + 1] : std::string_view();
    }

    std::vector<std::string_view> pieces_;
    const std::map<std::string, std::string, std::less<>>& numbers_;
    bool all_single_;
    std::size_t place_ = 0;
    std::string result_;
    bool is_operand_ = false;
};

}  // namespace

std::string numeral(double number, int digits) {
    std::string text = fmt::format("{:.{}g}", number, digits);
    const std::size_t e = text.find('e');
    if (e == std::string::npos) return text;
    const std::string mantissa = text.substr(0, e);
    return fmt::format("{}·10{}", mantissa, superscript(std::to_string(std::stoi(text.substr(e + 1)))));
}

bool is_printed(const Tensor<double>& x, const NumeralOptions& options) {
    return x.size() == 1 || (x.size() != 0 && x.dimension() <= 2 && x.size() <= options.printed_elements);
}

std::string numeral(const Tensor<double>& x, const NumeralOptions& options) {
    if (x.size() == 1) return numeral(*x.data(), options.digits);
    if (!is_printed(x, options))
        return fmt::format("{} of norm {}", shape_of(x).text(), numeral(norm_of(x), options.digits));
    const std::size_t columns = x.shape().back();
    std::string text = "[";
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (i != 0) text += i % columns == 0 ? "; " : " ";
        text += numeral(x.data()[i], options.digits);
    }
    return text + "]";
}

std::string joined(const std::vector<std::string>& terms) {
    std::string sum;
    for (const std::string& term : terms) {
        if (sum.empty())
            sum = term;
        else
            sum += term.starts_with("-") ? " - " + term.substr(1) : " + " + term;
    }
    return sum;
}

std::string evaluated(std::string_view formula,
                      const std::map<std::string, std::string, std::less<>>& numbers, bool all_single) {
    return Evaluation(formula, numbers, all_single).text();
}

}  // namespace tapeloop::detail
