#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/einsum.hpp>

#include <map>

namespace tapeloop::test {
namespace {

/// The sum over all values of all letters, one after the other.
Tensor<double> by_loops(const Tensors& x, const std::vector<std::string>& terms, const std::string& result) {
    std::map<char, std::size_t> extents;
    for (std::size_t k = 0; k < x.size(); ++k)
        for (std::size_t i = 0; i < terms[k].size(); ++i)
            extents[terms[k][i]] = std::max(extents[terms[k][i]], x[k].shape()[i]);
    for (std::size_t k = 0; k < x.size(); ++k)
        for (std::size_t i = 0; i < terms[k].size(); ++i)
            if (x[k].shape()[i] == 0) extents[terms[k][i]] = 0;
    Shape result_shape;
    for (const char letter : result) result_shape.append(extents[letter]);
    std::string summed;
    Shape summed_shape;
    for (const auto& [letter, extent] : extents)
        if (result.find(letter) == std::string::npos) {
            summed += letter;
            summed_shape.append(extent);
        }
    return generate(result_shape, [&](const Position& outer) {
        double total = 0;
        generate(summed_shape, [&](const Position& inner) {
            double product = 1;
            for (std::size_t k = 0; k < x.size(); ++k) {
                Position there;
                for (std::size_t i = 0; i < terms[k].size(); ++i) {
                    const std::size_t at_result = result.find(terms[k][i]);
                    const std::size_t place =
                        at_result != std::string::npos ? outer[at_result] : inner[summed.find(terms[k][i])];
                    there.push_back(x[k].shape()[i] == 1 ? 0 : place);
                }
                product *= at(x[k], there);
            }
            total += product;
            return 0.0;
        });
        return total;
    });
}

/// `call` on as many arguments as there are terms; the terms and the result with a letter for every axis.
template <std::size_t n>
Row einsum_row(const std::string& equation, const std::vector<std::string>& terms, const std::string& result,
               std::vector<std::vector<Shape>> samples, CallSite site = CallSite::current()) {
    return row(
               "einsum",
               [=](const auto& x) {
                   if constexpr (n == 1)
                       return einsum(equation, x[0]);
                   else if constexpr (n == 2)
                       return einsum(equation, x[0], x[1]);
                   else
                       return einsum(equation, x[0], x[1], x[2]);
               },
               [=](const Tensors& x) { return by_loops(x, terms, result); }, site)
        .of(std::move(samples));
}

void add_of_one(std::vector<Row>& rows) {
    rows.push_back(einsum_row<1>("ij->ji", {"ij"}, "ji", {{{2, 3}}, {{0, 3}}}));
    rows.push_back(einsum_row<1>("ij", {"ij"}, "ij", {{{2, 3}}}));
    rows.push_back(einsum_row<1>("ba", {"ba"}, "ab", {{{2, 3}}}));
    rows.push_back(einsum_row<1>("ij->i", {"ij"}, "i", {{{2, 3}}, {{2, 0}}}));
    rows.push_back(einsum_row<1>("ij->", {"ij"}, "", {{{2, 3}}}));
    rows.push_back(einsum_row<1>("ii", {"ii"}, "", {{{3, 3}}, {{1, 1}}, {{0, 0}}}));
    rows.push_back(einsum_row<1>("ii->i", {"ii"}, "i", {{{3, 3}}, {{1, 1}}, {{0, 0}}}));
    rows.push_back(einsum_row<1>("ijik->kij", {"ijik"}, "kij", {{{3, 2, 3, 4}}}));
    rows.push_back(einsum_row<1>("iii->i", {"iii"}, "i", {{{3, 3, 3}}}));
    rows.push_back(einsum_row<1>("...ii->...i", {"xyii"}, "xyi", {{{2, 3, 4, 4}}}));
    rows.push_back(einsum_row<1>("...ij->...ji", {"xij"}, "xji", {{{2, 3, 4}}}));
    rows.push_back(einsum_row<1>("i...->...", {"ixy"}, "xy", {{{2, 3, 4}}}));
}

void add_of_two(std::vector<Row>& rows) {
    rows.push_back(einsum_row<2>("bi,ij->bj", {"bi", "ij"}, "bj",
                                 {{{2, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{2, 0}, {0, 3}}, {{0, 2}, {2, 3}}})
                       .rejects({{2, 3}, {4, 5}}, {"\"bi,ij->bj\"", "[2, 3]", "[4, 5]", "i is 3 and 4"})
                       .rejects({{2, 3, 1}, {3, 5}}, {"'bi' names 2 axes", "argument 0 has 3"}));
    rows.push_back(einsum_row<2>("bi , ij", {"bi", "ij"}, "bj", {{{2, 3}, {3, 4}}}));
    rows.push_back(einsum_row<2>("ij,bj->bi", {"ij", "bj"}, "bi", {{{3, 4}, {2, 4}}}));
    rows.push_back(einsum_row<2>("ij,bi->bj", {"ij", "bi"}, "bj", {{{3, 4}, {2, 3}}}));
    rows.push_back(einsum_row<2>("ib,ij->jb", {"ib", "ij"}, "jb", {{{3, 2}, {3, 4}}}));
    rows.push_back(
        einsum_row<2>("bij,bj->bi", {"bij", "bj"}, "bi", {{{2, 3, 4}, {2, 4}}, {{2, 0, 3}, {2, 3}}}));
    rows.push_back(einsum_row<2>("bij,bi->bj", {"bij", "bi"}, "bj", {{{2, 3, 4}, {2, 3}}}));
    rows.push_back(einsum_row<2>("bhi,bhj->bij", {"bhi", "bhj"}, "bij", {{{2, 3, 4}, {2, 3, 2}}}));
    rows.push_back(einsum_row<2>("bhi,hij->bhj", {"bhi", "hij"}, "bhj", {{{2, 3, 4}, {3, 4, 2}}}));
    rows.push_back(
        einsum_row<2>("bthd,bshd->bhts", {"bthd", "bshd"}, "bhts", {{{2, 3, 2, 2}, {2, 4, 2, 2}}}));
    rows.push_back(einsum_row<2>("bi,bj->bij", {"bi", "bj"}, "bij", {{{2, 3}, {2, 4}}, {{0, 3}, {0, 2}}}));
    rows.push_back(einsum_row<2>("bi,bi->b", {"bi", "bi"}, "b", {{{2, 3}, {2, 3}}}));
    rows.push_back(einsum_row<2>("bi,bi->bi", {"bi", "bi"}, "bi", {{{2, 3}, {2, 3}}}));
    rows.push_back(einsum_row<2>("i,i->", {"i", "i"}, "", {{{3}, {3}}, {{0}, {0}}}));
    rows.push_back(einsum_row<2>("i,j->ji", {"i", "j"}, "ji", {{{3}, {2}}}));
    rows.push_back(einsum_row<2>(",i->i", {"", "i"}, "i", {{{}, {3}}}));
    rows.push_back(einsum_row<2>("ijk,kl->jl", {"ijk", "kl"}, "jl", {{{2, 3, 4}, {4, 2}}}));
    rows.push_back(einsum_row<2>("ijkl,lkm->mij", {"ijkl", "lkm"}, "mij", {{{2, 3, 2, 4}, {4, 2, 3}}}));
    rows.push_back(einsum_row<2>("iij,j->i", {"iij", "j"}, "i", {{{3, 3, 2}, {2}}}));
    rows.push_back(einsum_row<2>("...i,ij->...j", {"xyi", "ij"}, "xyj", {{{2, 2, 3}, {3, 4}}}));
    rows.push_back(einsum_row<2>("...i,ij", {"xyi", "ij"}, "xyj", {{{2, 2, 3}, {3, 4}}}));
    rows.push_back(
        einsum_row<2>("...ij,...jk->...ik", {"xyij", "yjk"}, "xyik",
                      {{{2, 3, 2, 4}, {3, 4, 2}}, {{2, 1, 2, 4}, {3, 4, 2}}, {{2, 3, 2, 4}, {1, 4, 2}}})
            .rejects({{3, 2, 4}, {2, 4, 5}}, {"axes of ...", "3 and 2"}));
}

void add_refused(std::vector<Row>& rows) {
    const auto add = [&rows](const std::string& equation, std::vector<Shape> shapes,
                             std::vector<std::string> fragments, CallSite site = CallSite::current()) {
        rows.push_back(
            einsum_row<1>(equation, {""}, "", {}, site).rejects(std::move(shapes), std::move(fragments)));
    };
    add("ij->ik", {{2, 3}}, {"\"ij->ik\"", "[2, 3]", "the result names k, which no argument has"});
    add("ij->ii", {{2, 3}}, {"the result names i twice"});
    add("ij,jk->ik", {{2, 3}}, {"about 2 arguments, and 1 is given"});
    add("i1->i", {{2, 3}}, {"'i1' does not name an axis"});
    add("i0...", {{2, 3}}, {"does not name an axis"});
    add("i....", {{2, 3}}, {"does not name an axis"});
    add("i->j->i", {{2}}, {"does not name an axis"});
    add("ii", {{2, 3}}, {"i is 2 and 3"});
    add("...ijk", {{2, 3}}, {"at least 3 axes", "argument 0 has 2"});
    rows.push_back(einsum_row<2>("abcde,fghij", {"", ""}, "", {})
                       .rejects({{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}, {"a tensor of 10 axes", "8"}));
}

}  // namespace

std::vector<Row> einsum_rows() {
    std::vector<Row> rows;
    add_of_one(rows);
    add_of_two(rows);
    rows.push_back(einsum_row<3>("bi,kij,bj->bk", {"bi", "kij", "bj"}, "bk", {{{2, 3}, {4, 3, 2}, {2, 2}}}));
    rows.push_back(einsum_row<3>("ij,jk,kl", {"ij", "jk", "kl"}, "il", {{{2, 3}, {3, 4}, {4, 2}}}));
    rows.push_back(einsum_row<3>("b,b,b->", {"b", "b", "b"}, "", {{{3}, {3}, {3}}}));
    add_refused(rows);
    return rows;
}

}  // namespace tapeloop::test
