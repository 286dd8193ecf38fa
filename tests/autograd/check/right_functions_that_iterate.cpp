#include <tests/autograd/check/right_functions.hpp>

#include <autograd/autograd.hpp>

// Long recurrences: contracting, expanding, chaotic, saturated.

namespace tapeloop::test {
namespace {

/// f(f(..x)), so many times.
template <class V, class F>
auto iterated(const V& x, int times, const F& f) {
    auto y = 1 * x;
    for (int i = 0; i < times; ++i) y = f(y);
    return y;
}

/// The last h of h = tanh(h W + x), so many times; W is multiplied by `scale`.
template <class V>
auto recurrent(const V& x, const V& W, int times, double scale) {
    auto h = 0 * x;
    for (int i = 0; i < times; ++i) h = tanh(matmul(h, scale * W) + x);
    return h;
}

/// An LSTM without its own inputs: [1, H] by [H, 4 H].
template <class V>
auto lstm(const V& x, const V& W, int times, double forget_bias) {
    auto h = 0 * x;
    auto c = 0 * x;
    for (int i = 0; i < times; ++i) {
        const auto a = matmul(h + x, W);
        c = sigmoid(columns(a, 0, 4) + forget_bias) * c + sigmoid(columns(a, 1, 4)) * tanh(columns(a, 2, 4));
        h = sigmoid(columns(a, 3, 4)) * tanh(c);
    }
    return h;
}

}  // namespace

std::vector<RightFunction> right_functions_that_iterate() {
    const Tensor<double> some = vector({0.3, 0.51, 0.77});
    const Tensor<double> x = Random(7).tensor({1, 3});
    const Tensor<double> W = Random(8).tensor({3, 3});
    const Tensor<double> gates = Random(9).tensor({3, 12});
    const Tensor<double> pair = vector({0.1, 0.3});
    const auto first = [](const auto& v) { return slice(v, 0, 0, 1); };
    const auto second = [](const auto& v) { return slice(v, 0, 1, 2); };
    return {
        {"logistic map, settling",
         [](const auto& v) { return iterated(v, 100, [](const auto& y) { return 2.8 * y * (1 - y); }); },
         some},
        {"logistic map, 30 steps of chaos",
         [](const auto& v) { return iterated(v, 30, [](const auto& y) { return 3.9 * y * (1 - y); }); },
         some},
        {"logistic map, 200 steps of chaos",
         [](const auto& v) { return iterated(v, 200, [](const auto& y) { return 4 * y * (1 - y); }); }, some},
        {"tent map",
         [](const auto& v) { return iterated(v, 20, [](const auto& y) { return 1.9 * minimum(y, 1 - y); }); },
         some},
        {"doubling map",
         [](const auto& v) { return iterated(v, 12, [](const auto& y) { return mod(2 * y, 1.0); }); }, some},
        {"Gauss map",
         [](const auto& v) { return iterated(v, 4, [](const auto& y) { return mod(1 / y, 1.0); }); }, some},
        {"sine map", [](const auto& v) { return iterated(v, 40, [](const auto& y) { return sin(3 * y); }); },
         some},
        {"cosine to its fixed point",
         [](const auto& v) { return iterated(v, 300, [](const auto& y) { return cos(y); }); }, some},
        {"sqrt, again and again",
         [](const auto& v) { return iterated(v, 60, [](const auto& y) { return sqrt(y); }); }, some},
        {"square, again and again",
         [](const auto& v) { return iterated(v, 9, [](const auto& y) { return square(y); }); },
         vector({0.99, 1.001, 0.5})},
        {"tanh, again and again",
         [](const auto& v) { return iterated(v, 200, [](const auto& y) { return tanh(y); }); },
         vector({1e-6, 0.3, -5})},
        {"tanh of a steep line, again and again",
         [](const auto& v) { return iterated(v, 50, [](const auto& y) { return tanh(3 * y); }); },
         vector({1e-6, 0.3, 1e-20})},
        {"growth", [](const auto& v) { return iterated(v, 500, [](const auto& y) { return 1.05 * y; }); },
         some},
        {"decay", [](const auto& v) { return iterated(v, 500, [](const auto& y) { return 0.9 * y; }); },
         some},
        {"growth and back",
         [](const auto& v) {
             return iterated(iterated(v, 80, [](const auto& y) { return 1.5 * y; }), 80,
                             [](const auto& y) { return y / 1.5; });
         },
         some},
        {"relu chain",
         [](const auto& v) { return iterated(v, 100, [](const auto& y) { return relu(1.01 * y - 0.003); }); },
         some},
        {"leaky chain",
         [](const auto& v) {
             return iterated(v, 60, [](const auto& y) { return leaky_relu(0.5 - 1.1 * y, 0.3); });
         },
         some},
        {"rounded chain",
         [](const auto& v) {
             return iterated(v, 30, [](const auto& y) { return 0.9 * y + 0.1 * round(8 * y) / 8; });
         },
         some},
        {"Newton's square root",
         [](const auto& v) {
             return iterated(v, 12, [&](const auto& y) { return (y + 2 / y) / 2 + 0 * v; });
         },
         some},
        {"Newton's square root of x",
         [](const auto& v) {
             return iterated(1 + 0 * v, 12, [&](const auto& y) { return (y + v / y) / 2; });
         },
         some},
        {"Newton's basins",
         [](const auto& v) {
             return iterated(v, 8, [](const auto& y) { return y - (y * y * y - y) / (3 * y * y - 1); });
         },
         vector({0.45, 0.3, 2})},
        {"continued fraction",
         [](const auto& v) { return iterated(v, 40, [&](const auto& y) { return 1 / (1 + y) + v; }); }, some},
        {"Kepler's equation",
         [](const auto& v) { return iterated(v, 60, [&](const auto& y) { return v + 0.9 * sin(y); }); },
         some},
        {"a tower of exp",
         [](const auto& v) { return iterated(v, 30, [](const auto& y) { return exp(0.3 * y); }); }, some},
        {"arithmetic-geometric mean",
         [](const auto& v, const auto& w) {
             auto a = 1 * v;
             auto g = 1 * w;
             for (int i = 0; i < 6; ++i) {
                 const auto next = (a + g) / 2;
                 g = sqrt(a * g);
                 a = next;
             }
             return a;
         },
         some, vector({1e-6, 1, 1e6})},
        {"Chebyshev of 25",
         [](const auto& v) {
             auto before = 1 + 0 * v;
             auto now = 1 * v;
             for (int n = 1; n < 25; ++n) {
                 const auto next = 2 * v * now - before;
                 before = now;
                 now = next;
             }
             return now;
         },
         vector({0.3, 0.999, -1})},
        {"Taylor's sine of 20",
         [](const auto& v) {
             auto term = 1 * v;
             auto total = 1 * v;
             for (int n = 1; n < 40; ++n) {
                 term = -term * v * v / (2.0 * n * (2.0 * n + 1));
                 total = total + term;
             }
             return total;
         },
         vector({20, 3, 1e-3})},
        {"Henon's map",
         [=](const auto& v) {
             return iterated(v, 25, [&](const auto& y) {
                 return concatenate({1 - 1.4 * square(first(y)) + second(y), 0.3 * first(y)}, 0);
             });
         },
         pair},
        {"a rotation of 1,000 steps",
         [=](const auto& v) {
             return iterated(v, 1000, [&](const auto& y) {
                 return concatenate({0.8 * first(y) - 0.6 * second(y), 0.6 * first(y) + 0.8 * second(y)}, 0);
             });
         },
         pair},
        {"a pendulum",
         [=](const auto& v) {
             return iterated(v, 300, [&](const auto& y) {
                 const auto speed = second(y) - 0.05 * sin(first(y));
                 return concatenate({first(y) + 0.05 * speed, speed}, 0);
             });
         },
         vector({3.1, 0})},
        {"a stiff step",
         [=](const auto& v) {
             return iterated(v, 50, [&](const auto& y) {
                 return concatenate(
                     {first(y) - 1e-3 * first(y), second(y) - 1.9 * (second(y) - sin(first(y)))}, 0);
             });
         },
         pair},
        {"a bouncing ball",
         [=](const auto& v) {
             return iterated(v, 60, [&](const auto& y) {
                 const auto place = first(y) + 0.05 * second(y);
                 return concatenate({abs(place), where(place < 0, -0.9 * second(y), second(y) - 0.5)}, 0);
             });
         },
         vector({1, 0})},
        {"Mandelbrot",
         [=](const auto& v) {
             return iterated(0 * v, 9, [&](const auto& z) {
                 return concatenate({square(first(z)) - square(second(z)), 2 * first(z) * second(z)}, 0) + v;
             });
         },
         vector({-0.1, 0.65})},
        {"a matrix to the 24th",
         [](const auto& A) { return iterated(A, 23, [&](const auto& M) { return matmul(M, A); }); }, 0.9 * W},
        {"a matrix to the 64th, by squares",
         [](const auto& A) { return iterated(A, 6, [](const auto& M) { return matmul(M, M); }); }, W},
        {"power iteration",
         [](const auto& A) {
             return iterated(slice(A, 0, 0, 1), 30, [&](const auto& v) {
                 const auto next = matmul(v, A);
                 return next / norm(next);
             });
         },
         tensor({3, 3}, {2, 1, 0, 1, 2, 1, 0, 1, 2})},
        {"Elman over 100 steps", [](const auto& v, const auto& w) { return recurrent(v, w, 100, 1); }, x, W},
        {"Elman, saturated", [](const auto& v, const auto& w) { return recurrent(30 * v, w, 100, 30); }, x,
         W},
        {"Elman, chaotic", [](const auto& v, const auto& w) { return recurrent(v, w, 40, 6); }, x, W},
        {"Elman, forgetting", [](const auto& v, const auto& w) { return recurrent(v, w, 60, 0.01); }, x, W},
        {"LSTM over 60 steps", [](const auto& v, const auto& w) { return lstm(v, w, 60, 1); }, x, gates},
        {"LSTM that keeps all", [](const auto& v, const auto& w) { return lstm(v, w, 60, 30); }, x, gates},
        {"LSTM, saturated", [](const auto& v, const auto& w) { return lstm(40 * v, w, 100, 1); }, x, gates},
        {"LSTM, chaotic", [](const auto& v, const auto& w) { return lstm(v, 12 * w, 60, 1); }, x, gates},
        {"cumsum of 2,000", [](const auto& v) { return slice(cumsum(v, 0), 0, 1990, 2000); },
         Random(10).tensor({2000})},
        {"cumprod of 200", [](const auto& v) { return slice(cumprod(1 + 0.1 * v, 0), 0, 190, 200); },
         Random(11).tensor({200})},
        {"a linear recurrence",
         [](const auto& v) { return slice(linear_recurrence(0.99 + 0.02 * v, v, sum(v)), 0, 150, 200); },
         Random(12).tensor({200})},
        {"logsumexp, chained",
         [](const auto& v) {
             return iterated(v, 50, [&](const auto& y) {
                 return v + logsumexp(stack({y, roll(y, 1, 0) - 2}), {0});
             });
         },
         some},
        {"softmax, again and again",
         [](const auto& v) { return iterated(v, 50, [](const auto& y) { return softmax(4 * y); }); }, some},
        {"a moving maximum",
         [](const auto& v) {
             return iterated(v, 20, [&](const auto& y) { return maximum(0.95 * y, roll(v, 1, 0)); });
         },
         some},
    };
}

}  // namespace tapeloop::test
