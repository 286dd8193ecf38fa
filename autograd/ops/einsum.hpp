#pragma once

#include <autograd/var.hpp>

#include <string_view>

namespace tapeloop {

/// Einstein's summation, as NumPy's einsum: a letter names an axis, axes of one name run together, and those
/// that the result lacks are summed over.
///
///     einsum("bi,ij->bj", x, W)         a product of matrices
///     einsum("bhi,hij->bhj", h, W)      one product for each head
///     einsum("bij,bj->bi", A, v)        a matrix and a vector for each row of the batch
///     einsum("bi,kij,bj->bk", x, W, y)  a bilinear layer
///     einsum("...ii->...i", A)          diagonals
///
/// Without `->` the result has the letters that occur once, in alphabetical order. `...` stands for any
/// number of axes, aligned at the last one and broadcasting; without `->` they come first. Blanks mean
/// nothing. It is made of transposes, `reshape`, `multiply`, `sum` and `matmul`; three arguments are taken
/// from left to right. Throws `std::invalid_argument` before anything is recorded when the equation cannot be
/// read, or when arguments do not have its axes or not one extent for each letter.
Var<float> einsum(std::string_view equation, const Operand<float>& a);
Var<double> einsum(std::string_view equation, const Operand<double>& a);
Var<float> einsum(std::string_view equation, const Operand<float>& a, const Operand<float>& b);
Var<double> einsum(std::string_view equation, const Operand<double>& a, const Operand<double>& b);
Var<float> einsum(std::string_view equation, const Operand<float>& a, const Operand<float>& b,
                  const Operand<float>& c);
Var<double> einsum(std::string_view equation, const Operand<double>& a, const Operand<double>& b,
                   const Operand<double>& c);

}  // namespace tapeloop
