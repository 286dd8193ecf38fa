#pragma once

#include <tests/expect.hpp>
#include <tests/nn/files/naming/outside_layers.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/files/weights/transfer.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/sequence/unroll.hpp>

/// A naming against plain loops over the arrays that another library would have: what goes out computes the
/// same there, what comes in from there computes the same here, and gradients are theirs.
namespace tapeloop::test::outside {

inline constexpr std::size_t T = 4;
inline constexpr std::size_t I = 2;
inline constexpr std::size_t H = 3;

/// The names and shapes of all arrays that the other library has.
using Shapes = std::map<std::string, Shape>;

/// Its outputs for one row.
using Layer =
    std::function<std::vector<Numbers>(const nn::NamedArrays& arrays, const std::vector<Numbers>& x)>;

inline Tensor<double> sequence(const std::vector<Numbers>& rows) {
    return generate({rows.size(), 1, rows.front().size()},
                    [&](const Position& i) { return rows[i[0]][i[2]]; });
}

inline std::vector<Numbers> random_rows(Random& random, std::size_t width) {
    std::vector<Numbers> rows(T, Numbers(width));
    for (Numbers& row : rows)
        for (double& value : row) value = random.uniform(-1, 1);
    return rows;
}

inline void randomise(ParameterList<double> parameters, Random& random) {
    for (const auto& [path, parameter] : parameters) parameter->assign(random.tensor(parameter->shape()));
}

inline nn::NamedArrays random_arrays(const Shapes& shapes, Random& random) {
    nn::NamedArrays arrays;
    for (const auto& [name, shape] : shapes) arrays.arrays[name] = random.tensor(shape);
    return arrays;
}

inline Shapes shapes_of(const nn::NamedArrays& arrays) {
    Shapes shapes;
    for (const auto& [name, array] : arrays.arrays)
        shapes.emplace(name, shape_of(std::get<Tensor<double>>(array)));
    return shapes;
}

/// The derivative of (outputs times weights) by each array, by differences.
inline Tensors differences(const nn::NamedArrays& arrays, const Layer& theirs, const std::vector<Numbers>& x,
                           const Tensor<double>& weights) {
    Tensors values;
    for (const auto& [name, array] : arrays.arrays) values.push_back(std::get<Tensor<double>>(array));
    const auto objective = [&](const Tensors& moved) {
        nn::NamedArrays changed = arrays;
        auto next = moved.begin();
        for (auto& [name, array] : changed.arrays) array = *next++;
        return inner({sequence(theirs(changed, x))}, {weights});
    };
    Tensors result;
    for (std::size_t k = 0; k < values.size(); ++k) result.push_back(derivative(objective, values, k));
    return result;
}

template <class L>
void check_gradients(L& ours, const nn::Naming<double>& naming, const nn::NamedArrays& arrays,
                     const Layer& theirs, const std::vector<Numbers>& x, Random& random) {
    const Tape<double> tape;
    const Var<double> outputs = nn::unroll(ours, input(sequence(x))).outputs;
    const Tensor<double> weights = random.tensor(outputs.shape());
    const Gradients<double> gradients =
        gradient(sum(outputs * input(weights)), WrtList<double>(ours.parameters()));
    std::map<const Parameter<double>*, Tensor<double>> of_parameter;
    for (const auto& [path, parameter] : ours.parameters())
        of_parameter[parameter.get()] = gradients[*parameter];
    const auto gradient_of = [&](const Parameter<double>& p) -> const Tensor<double>& {
        return of_parameter.at(&p);
    };
    const nn::NamedArrays actual =
        nn::detail::copied(nn::detail::outgoing<double>(naming, gradient_of, nn::detail::Second::same));
    const Tensors expected = differences(arrays, theirs, x, weights);
    std::size_t k = 0;
    for (const auto& [name, array] : actual.arrays) {
        CAPTURE(name);
        check_close(std::get<Tensor<double>>(array), expected[k++], 1e-7);
    }
}

/// Checks a layer of ours whose arrays `naming` names against the other library's, which has these arrays.
template <class L>
void check_against(L& ours, const nn::Naming<double>& naming, const Shapes& shapes, const Layer& theirs,
                   std::size_t inputs = I) {
    Random random("naming");
    const std::vector<Numbers> x = random_rows(random, inputs);
    const auto outputs = [&] {
        const Tape<double> tape;
        return nn::unroll(ours, input(sequence(x))).outputs.value();
    };
    randomise(ours.parameters(), random);
    const nn::NamedArrays going_out = nn::named_arrays(naming);
    REQUIRE(shapes_of(going_out) == shapes);
    check_close(outputs(), sequence(theirs(going_out, x)));

    const nn::NamedArrays coming_in = random_arrays(shapes, random);
    nn::load(coming_in, naming);
    check_close(outputs(), sequence(theirs(coming_in, x)));
    check_gradients(ours, naming, coming_in, theirs, x, random);

    // There and back: the same model, to the last bit.
    const Tensor<double> before = outputs();
    const nn::NamedArrays back = nn::named_arrays(naming);
    randomise(ours.parameters(), random);
    nn::load(back, naming);
    check_same_bits(outputs(), before);
    check_close(sequence(theirs(back, x)), before);
}

}  // namespace tapeloop::test::outside

template <>
struct doctest::StringMaker<tapeloop::test::outside::Shapes> {
    static doctest::String convert(const tapeloop::test::outside::Shapes& shapes) {
        std::string text;
        for (const auto& [name, shape] : shapes) text += name + " " + shape.text() + "; ";
        return text.c_str();
    }
};
