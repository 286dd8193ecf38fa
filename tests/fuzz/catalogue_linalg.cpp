#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/einsum.hpp>
#include <autograd/ops/linalg.hpp>

#include <fmt/format.h>

namespace tapeloop::fuzz {
namespace {

using test::at;
using test::Position;

std::size_t extent(const Shape& shape, std::size_t from_back) { return shape[shape.rank() - from_back]; }

/// By the definition, with batches of at most the front axes of both.
Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b, Transposed transposed) {
    const Shape of_a = shape_of(a);
    const Shape of_b = shape_of(b);
    const std::size_t inner = extent(of_a, transposed.a ? 2 : 1);
    const Shape front = broadcast("product", Shape(std::vector<std::size_t>(of_a.begin(), of_a.end() - 2)),
                                  Shape(std::vector<std::size_t>(of_b.begin(), of_b.end() - 2)));
    Shape result = front;
    result.append(extent(of_a, transposed.a ? 1 : 2));
    result.append(extent(of_b, transposed.b ? 2 : 1));
    const auto element = [&](const Tensor<double>& x, const Position& p, std::size_t i, std::size_t j) {
        const Shape own = shape_of(x);
        Position here(own.rank());
        for (std::size_t axis = 0; axis + 2 < own.rank(); ++axis)
            here[axis] = own[axis] == 1 ? 0 : p[result.rank() - own.rank() + axis];
        here[own.rank() - 2] = i;
        here[own.rank() - 1] = j;
        return at(x, here);
    };
    return test::generate(result, [&](const Position& p) {
        const std::size_t i = p[p.size() - 2];
        const std::size_t j = p[p.size() - 1];
        double total = 0;
        for (std::size_t k = 0; k < inner; ++k)
            total += (transposed.a ? element(a, p, k, i) : element(a, p, i, k)) *
                     (transposed.b ? element(b, p, j, k) : element(b, p, k, j));
        return total;
    });
}

void add_matmul(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const Id first = builder.of_rank(2, 4);
    const Shape of_a = builder.shape(first);
    const Transposed transposed{bytes.chance(40), bytes.chance(40)};
    const std::size_t inner = extent(of_a, transposed.a ? 2 : 1);
    const std::size_t columns = bytes.one_of<std::size_t>({2, 1, 3, 0, 5, inner, 17});
    Shape of_b;
    for (std::size_t axis = bytes.below(of_a.rank() - 1); axis + 2 < of_a.rank(); ++axis)
        of_b.append(bytes.chance(30) ? 1 : of_a[axis]);
    of_b.append(transposed.b ? columns : inner);
    of_b.append(transposed.b ? inner : columns);
    const Id second = bytes.chance(10)  ? first
                      : bytes.chance(5) ? builder.of_rank(2, 4)
                                        : builder.of_shape(of_b);
    builder.add(call(
        fmt::format("matmul($0, $1, {{{}, {}}})", transposed.a, transposed.b), {first, second},
        [transposed](const auto& x) { return matmul(x[0], x[1], transposed); }, smooth,
        [transposed](const Tensors& x) { return Tensors{product(x[0], x[1], transposed)}; }));
}

void add_affine(Builder& builder) {
    const Id argument = builder.of_rank(1, 4);
    const std::size_t columns = builder.bytes().one_of<std::size_t>({2, 1, 3, 0, 5, 17});
    const Id W = builder.of_shape({builder.shape(argument).back(), columns});
    const Id second =
        builder.beside(builder.shape(argument).with(builder.shape(argument).rank() - 1, columns));
    builder.add(call(
        "affine($0, $1, $2)", {argument, W, second}, [](const auto& x) { return affine(x[0], x[1], x[2]); },
        smooth));
}

void add_dot(Builder& builder) {
    const Id first = builder.of_rank(1, 1);
    const Id second = builder.of_shape(builder.shape(first));
    builder.add(call(
        "dot($0, $1)", {first, second}, [](const auto& x) { return dot(x[0], x[1]); }, smooth,
        [](const Tensors& x) { return Tensors{test::filled({}, test::inner({x[0]}, {x[1]}))}; }));
}

void add_outer(Builder& builder) {
    const Id first = builder.of_rank(1, 1);
    const Id second = builder.bytes().chance(20) ? first : builder.of_rank(1, 1);
    builder.add(call(
        "outer($0, $1)", {first, second}, [](const auto& x) { return outer(x[0], x[1]); }, smooth,
        [](const Tensors& x) {
            return Tensors{test::generate({x[0].size(), x[1].size()}, [&](const Position& p) {
                return x[0].data()[p[0]] * x[1].data()[p[1]];
            })};
        }));
}

/// An equation with as many arguments as it has commas.
struct Equation {
    const char* text;
    std::vector<std::string> axes;
};

const std::vector<Equation>& equations() {
    static const std::vector<Equation> all{
        {"ij->ji", {"ij"}},
        {"ii->i", {"ii"}},
        {"ij->", {"ij"}},
        {"iji->j", {"iji"}},
        {"ij,jk->ik", {"ij", "jk"}},
        {"bi,ij->bj", {"bi", "ij"}},
        {"bhi,hij->bhj", {"bhi", "hij"}},
        {"bij,bj->bi", {"bij", "bj"}},
        {"i,j->ij", {"i", "j"}},
        {"i,i->", {"i", "i"}},
        {"ij,ij->i", {"ij", "ij"}},
        {"ij,k->kij", {"ij", "k"}},
        {"ii,jj->ij", {"ii", "jj"}},
        {"...i,ij->...j", {"abi", "ij"}},
        {"ba", {"ba"}},
        {"ij,jk", {"ij", "jk"}},
        {"bi,kij,bj->bk", {"bi", "kij", "bj"}},
        {"i,ij,j->", {"i", "ij", "j"}},
        {"ij,jk,kl->il", {"ij", "jk", "kl"}},
    };
    return all;
}

template <class X>
auto einsum_of(std::string_view text, const X& x) {
    if (x.size() == 1) return einsum(text, x[0]);
    if (x.size() == 2) return einsum(text, x[0], x[1]);
    return einsum(text, x[0], x[1], x[2]);
}

void add_einsum(Builder& builder) {
    Bytes& bytes = builder.bytes();
    const Equation& equation = bytes.one_of(equations());
    std::array<std::size_t, 26> extents{};
    for (std::size_t& extent : extents) extent = bytes.one_of<std::size_t>({2, 1, 3, 0, 2, 4});
    std::vector<Id> arguments;
    std::string text = fmt::format("einsum(\"{}\"", equation.text);
    for (const std::string& axes : equation.axes) {
        Shape shape;
        for (char letter : axes) shape.append(extents[static_cast<std::size_t>(letter - 'a')]);
        text += fmt::format(", ${}", arguments.size());
        arguments.push_back(builder.of_shape(shape));
    }
    builder.add(call(
        text + ")", std::move(arguments),
        [text = equation.text](const auto& x) { return einsum_of(text, x); }, smooth));
}

}  // namespace

std::vector<Entry> linalg_entries() {
    return {{"matmul", add_matmul}, {"affine", add_affine}, {"dot", add_dot},
            {"outer", add_outer},   {"einsum", add_einsum}, {"matmul", add_matmul}};
}

}  // namespace tapeloop::fuzz
