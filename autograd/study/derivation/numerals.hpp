#pragma once

#include <autograd/tensor.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Numbers in equations.
namespace tapeloop::detail {

struct NumeralOptions {
    std::size_t printed_elements;
    int digits;
};

/// `0.25`, `1.2·10⁻⁵`
std::string numeral(double number, int digits);

/// A single element as a number, small vectors and matrices as `[1 2; 3 4]`, all others by shape and norm:
/// `[64, 128] of norm 3.2`.
std::string numeral(const Tensor<double>& x, const NumeralOptions& options);
bool is_printed(const Tensor<double>& x, const NumeralOptions& options);

/// a + b - c of terms that may start with a minus.
std::string joined(const std::vector<std::string>& terms);

/// A formula with the numbers of its letters, multiplications written out; of numbers alone if all have one
/// element. Empty when it has words or letters that have none, which cannot be worked out from the text.
std::string evaluated(std::string_view formula,
                      const std::map<std::string, std::string, std::less<>>& numbers, bool all_single);

}  // namespace tapeloop::detail
