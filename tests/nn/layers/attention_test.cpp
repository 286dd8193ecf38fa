#include <tests/nn/layers/against_loops.hpp>

#include <nn/generator.hpp>
#include <nn/layers/attention.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t S = 4;
constexpr std::size_t B = 3;
constexpr std::size_t K = 2;
constexpr std::size_t V = 5;

using Lengths = std::vector<std::size_t>;
/// The score of the query in row b at time step t and the key of row b at time step s.
using Score = std::function<double(std::size_t t, std::size_t b, std::size_t s)>;

/// Context and weights by their definition, with the query's time axis.
Tensors in_loops(const Score& score, std::size_t time_steps, const Tensor<double>& values,
                 const Lengths& lengths) {
    const Tensor<double> weights = generate({time_steps, B, S}, [&](const Position& i) {
        if (i[2] >= lengths[i[1]]) return 0.0;
        double total = 0;
        for (std::size_t s = 0; s < lengths[i[1]]; ++s) total += std::exp(score(i[0], i[1], s));
        return std::exp(score(i[0], i[1], i[2])) / total;
    });
    const Tensor<double> context = generate({time_steps, B, values.shape()[2]}, [&](const Position& i) {
        double total = 0;
        for (std::size_t s = 0; s < lengths[i[1]]; ++s)
            total += at(weights, {i[0], i[1], s}) * at(values, {s, i[1], i[2]});
        return total;
    });
    return {context, weights};
}

Tensor<double> without_time(Tensor<double> x) {
    x.reshape({x.shape()[1], x.shape()[2]});
    return x;
}

Score additive_score(const Tensor<double>& query, const Tensor<double>& keys, const Tensor<double>& W,
                     const Tensor<double>& U, const Tensor<double>& v) {
    return [&](std::size_t t, std::size_t b, std::size_t s) {
        double score = 0;
        for (std::size_t a = 0; a < v.shape()[0]; ++a) {
            double sum = 0;
            for (std::size_t q = 0; q < W.shape()[0]; ++q) sum += at(query, {t, b, q}) * at(W, {q, a});
            for (std::size_t k = 0; k < K; ++k) sum += at(keys, {s, b, k}) * at(U, {k, a});
            score += std::tanh(sum) * at(v, {a, 0});
        }
        return score;
    };
}

Score dot_score(const Tensor<double>& query, const Tensor<double>& keys, double factor) {
    return [&, factor](std::size_t t, std::size_t b, std::size_t s) {
        double score = 0;
        for (std::size_t k = 0; k < K; ++k) score += at(query, {t, b, k}) * at(keys, {s, b, k});
        return score * factor;
    };
}

const std::vector<Lengths> all_lengths{{}, {4, 1, 3}, {2, 0, 4}};

Lengths counted(const Lengths& lengths) { return lengths.empty() ? Lengths(B, S) : lengths; }

/// An attention of query x[0] to keys x[1] and values x[2], the query with and without time.
template <class Attention>
void check_attention(Attention& attention, const Tensors& parameters, std::size_t query_size,
                     const std::function<Score(const Tensors&)>& score) {
    Random random("attention");
    for (const Lengths& lengths : all_lengths) {
        CAPTURE(lengths.size());
        Tensors arguments{random.tensor({3, B, query_size}), random.tensor({S, B, K}),
                          random.tensor({S, B, V})};
        arguments.insert(arguments.end(), parameters.begin(), parameters.end());
        const auto graph = [&](const std::vector<Var<double>>& x) {
            const auto attended = attention(x[0], attention.prepare(x[1], x[2], lengths));
            return std::vector{attended.context, attended.weights};
        };
        const auto loops = [&](const Tensors& x) {
            return in_loops(score(x), x[0].shape()[0], x[2], counted(lengths));
        };
        check_against_loops(graph, loops, arguments, attention.parameters());

        // A single query.
        arguments[0] = random.tensor({B, query_size});
        check_against_loops(
            graph,
            [&](const Tensors& x) {
                Tensors timed = x;
                timed[0].reshape({1, B, query_size});
                const Tensors result = in_loops(score(timed), 1, x[2], counted(lengths));
                return Tensors{without_time(result[0]), without_time(result[1])};
            },
            arguments, attention.parameters());
    }
}

/// That NaN behind the ends changes nothing, and gets no gradient.
template <class Attention>
void check_spoiled(Attention& attention) {
    Random random("spoiled");
    const Lengths lengths{2, 0, 4};
    const Tensor<double> source = random.tensor({S, B, K});
    const Tensor<double> query = random.tensor({B, K});
    const Tensor<double> cotangent = random.tensor({B, K});
    const auto run = [&](const Tensor<double>& keys) {
        const Tape<double> tape;
        const Var<double> k = input(keys);
        const Var<double> q = input(query);
        WrtList<double> wrt(attention.parameters());
        wrt.add(k).add(q);
        const auto attended = attention(q, attention.prepare(k, lengths));
        Tensors all{attended.context.value(), attended.weights.value()};
        for (const auto& g : gradient(std::vector<GradientRoot<double>>{{attended.context, cotangent}}, wrt))
            all.push_back(g);
        return all;
    };
    const Tensors clean = run(source);
    const Tensors with_nan = run(spoiled(source, lengths));
    for (std::size_t i = 0; i < clean.size(); ++i) check_same_bits(with_nan[i], clean[i]);
    // The row without time steps: context, weights and the query's gradient.
    check_same_bits(part_of(clean[0], 0, 1, 1), filled({1, K}, 0));
    check_same_bits(part_of(clean[1], 0, 1, 1), filled({1, S}, 0));
    check_same_bits(part_of(clean.back(), 0, 1, 1), filled({1, K}, 0));
}

}  // namespace

TEST_CASE("attention: additive values and gradients of both orders are those of plain loops") {
    Random random("additive");
    const Tensors parameters{random.tensor({3, 4}), random.tensor({K, 4}), random.tensor({4, 1}, -2, 2)};
    nn::AdditiveAttention<double> attention(parameters[0], parameters[1], parameters[2]);
    check_attention(attention, parameters, 3,
                    [](const Tensors& x) { return additive_score(x[0], x[1], x[3], x[4], x[5]); });
}

TEST_CASE("attention: dot-product values and gradients of both orders are those of plain loops") {
    for (bool scaled : {false, true}) {
        nn::DotAttention<double> attention({.scaled = scaled});
        check_attention(attention, {}, K, [&](const Tensors& x) {
            return dot_score(x[0], x[1], scaled ? 1 / std::sqrt(double(K)) : 1);
        });
    }
}

TEST_CASE("attention: NaN behind the end of a row has no influence, a row of length 0 gives zeros") {
    nn::Generator generator(5);
    nn::AdditiveAttention<double> additive(K, K, 3, generator);
    check_spoiled(additive);
    nn::DotAttention<double> dot;
    check_spoiled(dot);
}

TEST_CASE("attention: a source that is keys and values at once") {
    Random random("at once");
    nn::Generator generator(5);
    const nn::AdditiveAttention<double> attention(3, K, 4, generator);
    const Tape<double> tape;
    const Var<double> source = input(random.tensor({S, B, K}));
    const Var<double> query = input(random.tensor({B, 3}));
    const auto once = attention(query, attention.prepare(source, {4, 1, 2}));
    const auto twice = attention(query, attention.prepare(source, source, {4, 1, 2}));
    check_same_bits(once.context.value(), twice.context.value());
    check_same_bits(once.weights.value(), twice.weights.value());
}

TEST_CASE("attention: the product with the keys is computed once for all queries") {
    nn::Generator generator(5);
    const nn::AdditiveAttention<double> attention(3, K, 4, generator);
    const auto products = [&](std::size_t queries) {
        Tape<double> tape;
        const auto memory = attention.prepare(filled({S, B, K}, 0.1));
        for (std::size_t i = 0; i < queries; ++i) attention(filled({B, 3}, 0.2), memory);
        std::size_t count = 0;
        for (NodeIndex node = 0; node < tape.size(); ++node)
            if (tape.describe(node).starts_with("matmul")) ++count;
        return count;
    };
    CHECK(products(0) == 1);
    CHECK(products(5) == 1 + 3 * 5);  // q W, tanh(..) v, weights times values
}

TEST_CASE("attention: no time steps, no queries, no rows, float") {
    nn::Generator generator(5);
    nn::AdditiveAttention<float> additive(3, 2, 4, generator);
    const nn::DotAttention<float> dot;
    const Tape<float> tape;
    const auto zeros = [](const Shape& shape) { return rounded<float>(filled(shape, 0)); };
    const auto empty = additive(zeros({2, 3}), additive.prepare(zeros({0, 2, 2})));
    check_same_bits(as_double(empty.context.value()), filled({2, 2}, 0));
    CHECK(empty.weights.shape() == Shape{2, 0});
    CHECK(gradient(sum(empty.context), {additive.v}).at(0).size() == 4);
    const auto none = dot(zeros({0, 2, 2}), dot.prepare(zeros({3, 2, 2})));
    CHECK(none.context.shape() == Shape{0, 2, 2});
    CHECK(none.weights.shape() == Shape{0, 2, 3});
    CHECK(dot(zeros({0, 2}), dot.prepare(zeros({3, 0, 2}))).weights.shape() == Shape{0, 3});
    const auto even = dot(zeros({1, 2}), dot.prepare(rounded<float>(tensor({2, 1, 2}, {1, 2, 3, 4}))));
    check_close(as_double(even.context.value()), tensor({1, 2}, {2, 3}), 1e-6);
}

TEST_CASE("attention: errors, before anything is recorded") {
    nn::Generator generator(5);
    nn::AdditiveAttention<double> additive(3, K, 4, generator);
    const nn::DotAttention<double> dot;
    CHECK(additive.parameters()[0].path == "W");
    const Tape<double> tape;
    const auto refused = [](auto&& make) { return text_of<std::invalid_argument>([&] { make(); }); };
    CHECK(contains(refused([&] {
                       dot.prepare(filled({S, B}, 1));
                   }),
                   "attention: keys are [4, 3] and values [4, 3]; they must be [S, B, K] and [S, B, V]"));
    CHECK(refused([&] { dot.prepare(filled({S, B, K}, 1), filled({S, 1, K}, 1), {}); }) != "");
    CHECK(contains(refused([&] {
                       dot.prepare(filled({S, B, K}, 1), Lengths{1, 2});
                   }),
                   "attention: there are 2 lengths for a batch of 3"));
    CHECK(refused([&] { dot.prepare(filled({S, B, K}, 1), Lengths{1, 2, 5}); }) != "");
    CHECK(tape.size() == 0);
    const auto memory = additive.prepare(filled({S, B, K}, 1));
    const std::size_t size = tape.size();
    CHECK(contains(refused([&] {
                       additive(filled({B, 4}, 1), memory);
                   }),
                   "attention: query is [3, 4]; for this source it must be [3, 3] or [T, 3, 3]"));
    CHECK(refused([&] { additive(filled({2, 3}, 1), memory); }) != "");
    CHECK(refused([&] { additive(filled({3}, 1), memory); }) != "");
    CHECK(contains(refused([&] {
                       dot(filled({B, K}, 1), {memory[1], memory[1], memory[2]});
                   }),
                   "attention: the memory is ([3, 4, 2], [3, 4, 2], [3, 1, 4]); it must be what `prepare`"));
    CHECK(tape.size() == size);
    CHECK(refused([&] { nn::AdditiveAttention<double>(1, 0, 2, generator); }) ==
          "AdditiveAttention: query_size is 1, key_size 0 and attention_size 2; all must be at least 1");
    CHECK(refused([&] {
              nn::AdditiveAttention<double>(filled({2, 3}, 1), filled({2, 3}, 1), filled({3}, 1));
          }) == "AdditiveAttention: W is [2, 3], U [2, 3] and v [3]; they must be [Q, A], [K, A] and [A, 1]");
}
