#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

using namespace detail;

namespace {

[[noreturn]] void fail(std::string_view name, const Shape& a, const Shape& b, std::string_view rule) {
    throw std::invalid_argument(fmt::format("{}: a is {} and b is {}; {}", name, a.text(), b.text(), rule));
}

Shape batch_of(const Shape& shape) {
    Shape batch;
    for (std::size_t i = 0; i + 2 < shape.rank(); ++i) batch.append(shape[i]);
    return batch;
}

/// The last two axes exchanged.
OnnxValue onnx_transposed(const OnnxValue& x) {
    std::vector<std::int64_t> axes;
    for (std::size_t i = 0; i < x.shape().rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    std::swap(axes[axes.size() - 2], axes[axes.size() - 1]);
    return onnx_node("Transpose", {x}, {{"perm", axes}});
}

template <class T>
Array<T> as_matrix(const Array<T>& x) {
    return x.as_matrix();
}
template <class T>
Var<T> as_matrix(const Var<T>& x) {
    return x.shape().rank() == 2 ? x : reshape(x, x.shape().as_matrix());
}

struct Matmul {
    static constexpr std::string_view name = "matmul";
    Transposed transposed;

    const Description& description() const {
        static constexpr Description neither{
            .equation = "y = a b", .rules = {{"a", "g bᵀ"}, {"b", "aᵀ g"}}, .kind = OperationKind::product};
        static constexpr Description of_a{
            .equation = "y = aᵀ b", .rules = {{"a", "b gᵀ"}, {"b", "a g"}}, .kind = OperationKind::product};
        static constexpr Description of_b{
            .equation = "y = a bᵀ", .rules = {{"a", "g b"}, {"b", "gᵀ a"}}, .kind = OperationKind::product};
        static constexpr Description both{.equation = "y = aᵀ bᵀ",
                                          .rules = {{"a", "bᵀ gᵀ"}, {"b", "gᵀ aᵀ"}},
                                          .kind = OperationKind::product};
        if (transposed.a) return transposed.b ? both : of_a;
        return transposed.b ? of_b : neither;
    }
    std::string arguments() const {
        if (!transposed.a && !transposed.b) return {};
        return transposed.a && transposed.b ? "both transposed"
                                            : fmt::format("{} transposed", transposed.a ? "a" : "b");
    }
    OnnxValue onnx(const OnnxValue& a, const OnnxValue& b) const {
        return onnx_node("MatMul",
                         {transposed.a ? onnx_transposed(a) : a, transposed.b ? onnx_transposed(b) : b});
    }
    Shape shape(const Shape& a, const Shape& b) const {
        if (a.rank() < 2 || b.rank() < 2)
            fail(name, a, b, "both must have at least two axes; for vectors there are dot and outer");
        const std::size_t rows = a[a.rank() - (transposed.a ? 1 : 2)];
        const std::size_t inner_a = a[a.rank() - (transposed.a ? 2 : 1)];
        const std::size_t inner_b = b[b.rank() - (transposed.b ? 1 : 2)];
        const std::size_t columns = b[b.rank() - (transposed.b ? 2 : 1)];
        if (inner_a != inner_b)
            fail(name, a, b,
                 fmt::format("a's {} ({}) must equal b's {} ({})", transposed.a ? "rows" : "columns", inner_a,
                             transposed.b ? "columns" : "rows", inner_b));
        Shape result = broadcast(name, batch_of(a), batch_of(b));
        result.append(rows);
        result.append(columns);
        return result;
    }

    template <class T>
    void value(const Buffer<T>& y, Tape<T>& tape, const Array<T>& a, const Array<T>& b) const {
        tape.products().compute({a, b, transposed}, y.shape(), {y.data(), false});
    }
    template <class T>
    void repeat(Steps<T>& steps, const Buffer<T>& y, const Array<T>& a, const Array<T>& b) const {
        steps.product(steps.tape().products(), {a, b, transposed}, y.shape(), {y.data(), false});
    }

    auto rules() const {
        return std::tuple{
            [t = transposed](const auto& g, const auto&, const auto&, const auto& b) {
                return t.a ? matmul(b, g, {t.b, true}) : matmul(g, b, {false, !t.b});
            },
            [t = transposed](const auto& g, const auto&, const auto& a, const auto& b) {
                if (b.shape().rank() == 2 && a.shape().rank() > 2 && !t.a) {
                    // One weight for all batches: their rows are one long matrix.
                    const auto rows = as_matrix(a);
                    const auto g_rows = as_matrix(g);
                    return t.b ? matmul(g_rows, rows, {true, false}) : matmul(rows, g_rows, {true, false});
                }
                return t.b ? matmul(g, a, {true, t.a}) : matmul(a, g, {!t.a, false});
            }};
    }
};

struct Affine {
    static constexpr std::string_view name = "affine";
    static constexpr Description description{.equation = "y = x W + b",
                                             .rules = {{"x", "g Wᵀ"}, {"W", "xᵀ g"}, {"b", "g"}},
                                             .kind = OperationKind::product};
    static OnnxValue onnx(const OnnxValue& x, const OnnxValue& W, const OnnxValue& b) {
        return onnx_node("Add", {onnx_node("MatMul", {x, W}), b});
    }

    static Shape shape(const Shape& x, const Shape& W, const Shape& b) {
        if (x.rank() < 1 || W.rank() != 2 || x.back() != W[0])
            throw std::invalid_argument(fmt::format(
                "affine: x is {} and W is {}; W must be a matrix with as many rows as x has columns",
                x.text(), W.text()));
        const Shape result = x.with(x.rank() - 1, W[1]);
        if (!broadcasts_to(b, result))
            throw std::invalid_argument(fmt::format("affine: b is {} and x W is {}; b must broadcast to it",
                                                    b.text(), result.text()));
        return result;
    }

    template <class T>
    static void value(const Buffer<T>& y, Tape<T>& tape, const Array<T>& x, const Array<T>& W,
                      const Array<T>& b) {
        if (b.shape() == y.shape())
            std::copy_n(b.data(), b.size(), y.data());
        else
            broadcast_into(b, y.shape(), {y.data(), false});
        tape.products().compute({x.as_matrix(), W, {}}, y.as_matrix().shape(), {y.data(), true});
    }
    template <class T>
    static void repeat(Steps<T>& steps, const Buffer<T>& y, const Array<T>& x, const Array<T>& W,
                       const Array<T>& b) {
        if (b.shape() == y.shape())
            steps.copy(b.data(), y.data(), b.size());
        else
            steps.add([b, y] { broadcast_into(b, y.shape(), {y.data(), false}); });
        steps.product(steps.tape().products(), {x.as_matrix(), W, {}}, y.as_matrix().shape(),
                      {y.data(), true});
    }

    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto& W, const auto&) {
                // A vector becomes a row; other axes stay, so that the result has x's.
                return matmul(g.shape().rank() == 1 ? as_matrix(g) : g, W, {false, true});
            },
            [](const auto& g, const auto&, const auto& x, const auto&, const auto&) {
                return matmul(as_matrix(x), as_matrix(g), {true, false});
            },
            [](const auto& g, const auto&, const auto&, const auto&, const auto&) { return g; }};
    }
};

struct Dot {
    static constexpr std::string_view name = "dot";
    static constexpr Description description{.equation = "y = a · b",
                                             .rules = {{"a", "g b"}, {"b", "g a"}},
                                             .kind = OperationKind::product,
                                             .letter = "z"};
    static constexpr std::string_view onnx = "MatMul";

    static Shape shape(const Shape& a, const Shape& b) {
        if (a.rank() != 1 || a != b) fail(name, a, b, "both must be vectors of the same length");
        return {};
    }
    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& a, const Array<T>& b) {
        gemm<T>({}, 1, 1, a.size(), a.data(), a.size(), b.data(), 1, T(0), y.data(), 1);
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto& b) { return g * b; },
                          [](const auto& g, const auto&, const auto& a, const auto&) { return g * a; }};
    }
};

struct Outer {
    static constexpr std::string_view name = "outer";
    static constexpr Description description{.equation = "y = a bᵀ",
                                             .rules = {{"a", "g b"}, {"b", "gᵀ a"}},
                                             .kind = OperationKind::product,
                                             .letter = "z"};
    static OnnxValue onnx(const OnnxValue& a, const OnnxValue& b) {
        return onnx_node("Mul", {onnx_node("Unsqueeze", {a, OnnxValue::integers({1})}), b});
    }

    static Shape shape(const Shape& a, const Shape& b) {
        if (a.rank() != 1 || b.rank() != 1) fail(name, a, b, "both must be vectors");
        return {a[0], b[0]};
    }
    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& a, const Array<T>& b) {
        gemm<T>({}, a.size(), b.size(), 1, a.data(), 1, b.data(), b.size(), T(0), y.data(), b.size());
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto& b) { return sum(g * b, -1); },
            [](const auto& g, const auto&, const auto& a, const auto&) {
                return sum(g * reshape(a, {a.shape().size(), 1}), 0);
            }};
    }
};

}  // namespace

Var<float> matmul(const Operand<float>& a, const Operand<float>& b, Transposed transposed) {
    return apply(Matmul{transposed}, a, b);
}
Var<double> matmul(const Operand<double>& a, const Operand<double>& b, Transposed transposed) {
    return apply(Matmul{transposed}, a, b);
}
Var<float> affine(const Operand<float>& x, const Operand<float>& W, const Operand<float>& b) {
    return apply(Affine{}, x, W, b);
}
Var<double> affine(const Operand<double>& x, const Operand<double>& W, const Operand<double>& b) {
    return apply(Affine{}, x, W, b);
}
Var<float> dot(const Operand<float>& a, const Operand<float>& b) { return apply(Dot{}, a, b); }
Var<double> dot(const Operand<double>& a, const Operand<double>& b) { return apply(Dot{}, a, b); }
Var<float> outer(const Operand<float>& a, const Operand<float>& b) { return apply(Outer{}, a, b); }
Var<double> outer(const Operand<double>& a, const Operand<double>& b) { return apply(Outer{}, a, b); }

}  // namespace tapeloop
