#include <tests/optim/optimizer.hpp>

#include <optim/clip_by_norm.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::clip_by_norm;

namespace {

double norm_of(const Gradients<double>& gradients) {
    double total = 0;
    for (const Tensor<double>& g : gradients)
        for (double element : g) total += element * element;
    return std::sqrt(total);
}

}  // namespace

TEST_CASE("clip_by_norm: one factor for all, from their common norm") {
    for (std::size_t size : {1U, 3U, 8U, 13U, 100U}) {
        CAPTURE(size);
        Random random("clip");
        Parameter<double> a("a", filled({size}, 0));
        Parameter<double> b("b", filled({3, 3}, 0));
        const Tensors values{random.tensor({size}, -2, 2), random.tensor({3, 3}, -2, 2)};
        Gradients<double> g({a, b}, {values[0], values[1]});
        const double before = norm_of(g);
        CHECK(clip_by_norm(g, 0.5) == doctest::Approx(before).epsilon(1e-13));
        const double factor = 0.5 / (before + 1e-6);
        for (std::size_t k = 0; k < 2; ++k)
            check_close(g.at(k), each(values[k], [&](double v) { return v * factor; }), 1e-13);
        CHECK(norm_of(g) <= 0.5);
        CHECK(norm_of(g) > 0.4999);
    }
}

TEST_CASE("clip_by_norm: what is within the norm keeps every bit") {
    Parameter<double> p("p", vector({0, 0}));
    for (double max_norm : {5.1, 1e10, infinity}) {
        Gradients<double> g({p}, {vector({3, -4})});
        CHECK(clip_by_norm(g, max_norm) == doctest::Approx(5));
        check_same_bits(g[p], vector({3, -4}));
    }
    Gradients<double> zero({p}, {vector({0, 0})});
    CHECK(clip_by_norm(zero, 0) == 0);
    check_same_bits(zero[p], vector({0, 0}));
    Gradients<double> g({p}, {vector({3, -4})});
    CHECK(clip_by_norm(g, 0) == 5);
    check_close(g[p], vector({0, 0}));
}

TEST_CASE("clip_by_norm: squares that overflow or vanish do not spoil the norm") {
    Parameter<double> p("p", vector({0, 0}));
    Gradients<double> large({p}, {vector({3e200, 4e200})});
    CHECK(clip_by_norm(large, 5) == doctest::Approx(5e200));
    check_close(large[p], vector({3, 4}), 1e-12);
    Gradients<double> small({p}, {vector({3e-200, 4e-200})});
    CHECK(clip_by_norm(small, 1) == doctest::Approx(5e-200));
    check_same_bits(small[p], vector({3e-200, 4e-200}));
    Parameter<float> q("q", rounded<float>(vector({0, 0})));
    Gradients<float> wide({q}, {rounded<float>(vector({3e30, 4e30}))});
    CHECK(clip_by_norm(wide, 1) == doctest::Approx(5e30).epsilon(1e-6));
    check_close(as_double(wide[q]), vector({0.6, 0.8}), 1e-6);
}

TEST_CASE("clip_by_norm: what is not finite, and a norm below 0, are refused, and nothing is scaled") {
    Parameter<double> a("a", vector({0, 0}));
    Parameter<double> b("b", vector({0, 0, 0}));
    for (double bad : {not_a_number, infinity}) {
        Gradients<double> g({a, b}, {vector({3, 4}), vector({1, 1, bad})});
        CHECK(text_of<std::invalid_argument>([&] {
                  clip_by_norm(g, 1);
              }).starts_with("clip_by_norm: gradient 2 of 2, which is [3], has "));
        check_same_bits(g[a], vector({3, 4}));
    }
    Gradients<double> g({a}, {vector({3, 4})});
    CHECK(text_of<std::invalid_argument>([&] { clip_by_norm(g, -1); }) ==
          "clip_by_norm: max_norm is -1; it must not be negative");
    CHECK(text_of<std::invalid_argument>([&] { clip_by_norm(g, not_a_number); }) != "");
    check_same_bits(g[a], vector({3, 4}));
}

TEST_CASE("clip_by_norm: a parameter that was asked for twice counts once") {
    Parameter<double> p("p", vector({0, 0}));
    Gradients<double> g({p, p}, {vector({3, 4}), vector({3, 4})});
    CHECK(clip_by_norm(g, 1) == doctest::Approx(5));
    for (const Tensor<double>& clipped : g) check_close(clipped, vector({0.6, 0.8}), 1e-6);
}

TEST_CASE("clip_by_norm: a norm beyond double, and a factor below what the type holds") {
    Parameter<double> p("p", vector({0, 0}));
    Gradients<double> g({p}, {vector({1.5e308, -1.5e308})});
    CHECK(clip_by_norm(g, 1) == infinity);
    check_close(g[p], vector({std::sqrt(0.5), -std::sqrt(0.5)}), 1e-12);
    Gradients<double> high({p}, {vector({1.5e308, -1.5e308})});
    clip_by_norm(high, 1e308);
    check_close(high[p], vector({std::sqrt(0.5) * 1e308, -std::sqrt(0.5) * 1e308}), 1e296);
    Gradients<double> far({p}, {vector({3e300, 4e300})});
    clip_by_norm(far, 1e-20);
    CHECK(far[p][0] == doctest::Approx(0.6e-20).epsilon(1e-12));
    Parameter<float> q("q", rounded<float>(vector({0, 0})));
    Gradients<float> narrow({q}, {rounded<float>(vector({3e20, 4e20}))});
    CHECK(clip_by_norm(narrow, 1e-22) == doctest::Approx(5e20));
    CHECK(narrow[q][0] == doctest::Approx(0.6e-22).epsilon(1e-6));
    Gradients<float> subnormal({q}, {rounded<float>(vector({1e-42, 0}))});
    CHECK(clip_by_norm(subnormal, 0) > 0);
    CHECK(subnormal[q][0] == 0);
}
