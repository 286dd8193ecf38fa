#include <fmt/format.h>
#include <autograd/derivatives.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace detail {

namespace {

void require_shape(std::string_view name, std::string_view what, const Shape& given, const Shape& due) {
    if (given != due)
        throw std::invalid_argument(
            fmt::format("{}: the {} is {}; it must be {}", name, what, given.text(), due.text()));
}

Shape joined(std::string_view name, const Shape& front, const Shape& back) {
    if (front.rank() + back.rank() > Shape::max_rank)
        throw std::invalid_argument(fmt::format("{}: of {} by {} it would have more than {} axes", name,
                                                front.text(), back.text(), Shape::max_rank));
    Shape shape = front;
    for (std::size_t extent : back) shape.append(extent);
    return shape;
}

/// f at x, on the tape.
template <class T>
struct Evaluated {
    Var<T> x;
    Var<T> y;
};

template <class T>
Evaluated<T> evaluate(std::string_view name, Tape<T>& tape, const UnaryFunction<T>& f, const Tensor<T>& x) {
    const Var<T> argument = input(x);
    const Var<T> y = f(argument);
    if (&y.tape() != &tape)
        throw std::logic_error(
            fmt::format("{}: f records on another tape; it must not use a Var from outside", name));
    return {argument, y};
}

template <class T>
Var<T> gradient_of_scalar(std::string_view name, const Evaluated<T>& at) {
    if (at.y.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("{}: f gives {}; it must have a single element", name, at.y.shape().text()));
    return gradient_graph(at.y, {at.x}).at(0);
}

/// Computes the Jacobian row by row: the gradient of each element of y by x.
template <class T>
void fill_rows(Tensor<T>& rows, const Var<T>& y, const Var<T>& x) {
    const std::size_t width = x.shape().size();
    GradientRoot<T> root{y, uninitialised<T>(y.shape())};
    root.cotangent.fill(T(0));
    for (std::size_t o = 0; o < y.shape().size(); ++o) {
        root.cotangent.data()[o] = T(1);
        const Gradients<T> row = gradient(std::vector<GradientRoot<T>>{root}, {x});
        std::copy_n(row.at(0).data(), width, rows.data() + o * width);
        root.cotangent.data()[o] = T(0);
    }
}

}  // namespace

template <class T>
Tensor<T> jacobian(const UnaryFunction<T>& f, const Tensor<T>& x) {
    Tape<T> tape;
    const auto at = evaluate("jacobian", tape, f, x);
    Tensor<T> rows = uninitialised<T>(joined("jacobian", at.y.shape(), at.x.shape()));
    fill_rows(rows, at.y, at.x);
    return rows;
}

template <class T>
Tensor<T> hessian(const UnaryFunction<T>& f, const Tensor<T>& x) {
    Tape<T> tape;
    const auto at = evaluate("hessian", tape, f, x);
    Tensor<T> rows = uninitialised<T>(joined("hessian", at.x.shape(), at.x.shape()));
    fill_rows(rows, gradient_of_scalar("hessian", at), at.x);
    return rows;
}

template <class T>
Tensor<T> hessian_vector_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& direction) {
    require_shape("hessian_vector_product", "direction", shape_of(direction), shape_of(x));
    Tape<T> tape;
    const auto at = evaluate("hessian_vector_product", tape, f, x);
    const Var<T> slope = gradient_of_scalar("hessian_vector_product", at);
    return gradient(std::vector<GradientRoot<T>>{{slope, direction}}, {at.x}).at(0);
}

template <class T>
Tensor<T> jacobian_vector_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& direction) {
    require_shape("jacobian_vector_product", "direction", shape_of(direction), shape_of(x));
    Tape<T> tape;
    const auto at = evaluate("jacobian_vector_product", tape, f, x);
    Tensor<T> zero = uninitialised<T>(at.y.shape());
    zero.fill(T(0));
    const Var<T> cotangent = input(zero);
    const GradientGraph<T> pulled =
        gradient_graph(std::vector<GradientGraphRoot<T>>{{at.y, cotangent}}, {at.x});
    return gradient(std::vector<GradientRoot<T>>{{pulled.at(0), direction}}, {cotangent}).at(0);
}

template <class T>
Tensor<T> vector_jacobian_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& cotangent) {
    Tape<T> tape;
    const auto at = evaluate("vector_jacobian_product", tape, f, x);
    require_shape("vector_jacobian_product", "cotangent", shape_of(cotangent), at.y.shape());
    return gradient(std::vector<GradientRoot<T>>{{at.y, cotangent}}, {at.x}).at(0);
}

template Tensor<float> jacobian(const UnaryFunction<float>&, const Tensor<float>&);
template Tensor<double> jacobian(const UnaryFunction<double>&, const Tensor<double>&);
template Tensor<float> hessian(const UnaryFunction<float>&, const Tensor<float>&);
template Tensor<double> hessian(const UnaryFunction<double>&, const Tensor<double>&);
template Tensor<float> hessian_vector_product(const UnaryFunction<float>&, const Tensor<float>&,
                                              const Tensor<float>&);
template Tensor<double> hessian_vector_product(const UnaryFunction<double>&, const Tensor<double>&,
                                               const Tensor<double>&);
template Tensor<float> jacobian_vector_product(const UnaryFunction<float>&, const Tensor<float>&,
                                               const Tensor<float>&);
template Tensor<double> jacobian_vector_product(const UnaryFunction<double>&, const Tensor<double>&,
                                                const Tensor<double>&);
template Tensor<float> vector_jacobian_product(const UnaryFunction<float>&, const Tensor<float>&,
                                               const Tensor<float>&);
template Tensor<double> vector_jacobian_product(const UnaryFunction<double>&, const Tensor<double>&,
                                                const Tensor<double>&);

}  // namespace detail

namespace {

template <class T>
Gradients<T> product_of_model(const Var<T>& J, const WrtList<T>& wrt,
                              const std::vector<Tensor<T>>& directions) {
    if (directions.size() != wrt.list().size())
        throw std::invalid_argument(fmt::format(
            "hessian_vector_product: {} directions for {} things to differentiate by; give one each",
            directions.size(), wrt.list().size()));
    for (std::size_t k = 0; k < directions.size(); ++k)
        detail::require_shape("hessian_vector_product", fmt::format("direction {}", k),
                              shape_of(directions[k]), wrt.list()[k].shape());
    const GradientGraph<T> slopes = gradient_graph(J, wrt);
    std::vector<GradientRoot<T>> roots;
    for (std::size_t k = 0; k < directions.size(); ++k) roots.push_back({slopes.at(k), directions[k]});
    return gradient(roots, wrt);
}

}  // namespace

Gradients<float> hessian_vector_product(const Var<float>& J, const WrtList<float>& wrt,
                                        const std::vector<Tensor<float>>& directions) {
    return product_of_model(J, wrt, directions);
}
Gradients<double> hessian_vector_product(const Var<double>& J, const WrtList<double>& wrt,
                                         const std::vector<Tensor<double>>& directions) {
    return product_of_model(J, wrt, directions);
}

}  // namespace tapeloop
