#include <tests/optim/optimizer.hpp>

#include <optim/clip_by_value.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::clip_by_value;

TEST_CASE("clip_by_value: every element by itself, and what is within keeps its bits") {
    Random random("clip");
    Parameter<double> a("a", filled({13}, 0));
    Parameter<double> b("b", filled({3, 3}, 0));
    const Tensors values{random.tensor({13}, -2, 2), random.tensor({3, 3}, -2, 2)};
    Gradients<double> g({a, b}, {values[0], values[1]});
    clip_by_value(g, 0.5);
    for (std::size_t k = 0; k < 2; ++k)
        check_same_bits(g.at(k), each(values[k], [](double v) { return std::min(std::max(v, -0.5), 0.5); }));
    Gradients<double> wide({a, b}, {values[0], values[1]});
    clip_by_value(wide, infinity);
    check_same_bits(wide[a], values[0]);
    clip_by_value(wide, 0);
    check_same_bits(each(wide[b], [](double v) { return std::abs(v); }), filled({3, 3}, 0));
}

TEST_CASE("clip_by_value: float, with bounds that only double can hold") {
    Parameter<float> p("p", rounded<float>(vector({0, 0, 0})));
    Gradients<float> g({p}, {rounded<float>(vector({3e38, -0.25, 7}))});
    clip_by_value(g, 1e300);
    check_close(as_double(g[p]), vector({3e38, -0.25, 7}), 1e-6);
    clip_by_value(g, 1.5);
    check_same_bits(as_double(g[p]), vector({1.5, -0.25, 1.5}));
}

TEST_CASE("clip_by_value: what is not finite, and a bound below 0, are refused, and nothing is clipped") {
    Parameter<double> a("a", vector({0, 0}));
    Parameter<double> b("b", vector({0, 0, 0}));
    for (double bad : {not_a_number, infinity}) {
        Gradients<double> g({a, b}, {vector({3, 4}), vector({1, 1, bad})});
        const std::string text = text_of<std::invalid_argument>([&] { clip_by_value(g, 1); });
        CHECK(text.starts_with("clip_by_value: gradient 2 of 2, which is [3], has "));
        CHECK(text.ends_with(" at element 2; nothing was clipped"));
        check_same_bits(g[a], vector({3, 4}));
    }
    Gradients<double> g({a}, {vector({3, 4})});
    CHECK(text_of<std::invalid_argument>([&] { clip_by_value(g, -1); }) ==
          "clip_by_value: max_value is -1; it must not be negative");
    CHECK(text_of<std::invalid_argument>([&] { clip_by_value(g, not_a_number); }) != "");
    check_same_bits(g[a], vector({3, 4}));
}
