#include <tests/expect.hpp>

#include <autograd/kernels/strided.hpp>
#include <autograd/shape.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("shape: extents, size and text") {
    CHECK(Shape{}.size() == 1);
    CHECK(Shape{}.text() == "[]");
    CHECK(Shape{3, 4}.text() == "[3, 4]");
    CHECK(Shape{3, 0, 4}.size() == 0);
    CHECK(Shape{100'000, 100'000}.size() == 10'000'000'000);
    CHECK(Shape{2, 3}.with(1, 7) == Shape{2, 7});
    CHECK(Shape{2, 3} != Shape{2, 3, 1});
    CHECK(Shape{1, 3} != Shape{3, 1});
    CHECK(Shape{2, 3, 4}.as_matrix() == Shape{6, 4});
    CHECK(Shape{2, 3, 0}.as_matrix() == Shape{6, 0});
    CHECK(Shape{4}.as_matrix() == Shape{1, 4});
    CHECK(Shape::of(std::vector<int>{2, 3}) == Shape{2, 3});
    CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), std::invalid_argument);
    CHECK_THROWS_AS((Shape{std::size_t(1) << 32}), std::invalid_argument);
}

TEST_CASE("shape: broadcasting by NumPy's rule") {
    CHECK(tapeloop::detail::broadcast("op", {}, {2, 3}) == Shape{2, 3});
    CHECK(tapeloop::detail::broadcast("op", {3}, {2, 1}) == Shape{2, 3});
    CHECK(tapeloop::detail::broadcast("op", {5, 1, 5}, {5, 5, 1}) == Shape{5, 5, 5});
    CHECK(tapeloop::detail::broadcast("op", {4, 0}, {4, 1}) == Shape{4, 0});
    CHECK(tapeloop::detail::broadcast("op", {1}, {0}) == Shape{0});
    CHECK(text_of<std::invalid_argument>([] {
              tapeloop::detail::broadcast("op", {3, 4}, {3});
          }) == "op: a is [3, 4] and b is [3]; aligned at the last axis, extents must be equal or 1");
    CHECK_THROWS_AS(tapeloop::detail::broadcast("op", {2}, {0}), std::invalid_argument);
    CHECK(tapeloop::detail::broadcasts_to({3, 1}, {2, 3, 4}));
    CHECK(tapeloop::detail::broadcasts_to({}, {}));
    CHECK(tapeloop::detail::broadcasts_to({1}, {0}));
    CHECK(!tapeloop::detail::broadcasts_to({2, 3}, {3}));
    CHECK(!tapeloop::detail::broadcasts_to({0}, {1}));
    CHECK(!tapeloop::detail::broadcasts_to({1, 3}, {3}));
}

TEST_CASE("shape: axes count from both ends") {
    CHECK(tapeloop::detail::normalised_axis("op", 0, 3) == 0);
    CHECK(tapeloop::detail::normalised_axis("op", -1, 3) == 2);
    CHECK(tapeloop::detail::normalised_axis("op", -3, 3) == 0);
    CHECK_THROWS_AS(tapeloop::detail::normalised_axis("op", 3, 3), std::invalid_argument);
    CHECK_THROWS_AS(tapeloop::detail::normalised_axis("op", -4, 3), std::invalid_argument);
    CHECK_THROWS_AS(tapeloop::detail::normalised_axis("op", 0, 0), std::invalid_argument);
}

TEST_CASE("views: what permutations, slices and flips of one another read") {
    Random random("views");
    for (int trial = 0; trial < 200; ++trial) {
        CAPTURE(trial);
        const Shape shape{1 + random.below(4), 1 + random.below(12), 1 + random.below(20)};
        const Tensor<double> x = random.tensor(shape);
        // The view, and beside it which position of x each of its positions is.
        tapeloop::detail::View view = tapeloop::detail::View::of(shape);
        std::function<Position(Position)> origin = [](Position p) { return p; };
        for (int step = 0; step < 3; ++step) {
            const std::size_t axis = random.below(3);
            const std::function<Position(Position)> before = origin;
            const std::size_t extent = view.shape[axis];
            if (random.below(3) == 0) {
                view = view.flipped(axis);
                origin = [=](Position p) {
                    p[axis] = extent - 1 - p[axis];
                    return before(p);
                };
            } else if (random.below(2) == 0) {
                const std::size_t begin = random.below(extent);
                const std::size_t by = 1 + random.below(3);
                view = view.sliced(axis, begin, (extent - begin + by - 1) / by, by);
                origin = [=](Position p) {
                    p[axis] = begin + p[axis] * by;
                    return before(p);
                };
            } else {
                const std::size_t axes[] = {axis, (axis + 1) % 3, (axis + 2) % 3};
                view = view.permuted(axes);
                origin = [=](const Position& p) {
                    Position q(3);
                    for (std::size_t i = 0; i < 3; ++i) q[(axis + i) % 3] = p[i];
                    return before(q);
                };
            }
        }
        const Tensor<double> expected =
            generate(view.shape, [&](const Position& p) { return at(x, origin(p)); });
        Tensor<double> actual = filled(view.shape, 5);
        tapeloop::detail::transfer<double>(view, x.data(), tapeloop::detail::View::of(view.shape),
                                           {actual.data(), false});
        check_same_bits(actual, expected);
        tapeloop::detail::transfer<double>(view, x.data(), tapeloop::detail::View::of(view.shape),
                                           {actual.data(), true});
        check_same_bits(actual, expected + expected);
        // Back to where it came from; the rest stays.
        Tensor<double> back = filled(shape, 0);
        tapeloop::detail::transfer<double>(tapeloop::detail::View::of(view.shape), expected.data(), view,
                                           {back.data(), false});
        Tensor<double> again = filled(view.shape, 0);
        tapeloop::detail::transfer<double>(view, back.data(), tapeloop::detail::View::of(view.shape),
                                           {again.data(), false});
        check_same_bits(again, expected);
        if (view.is_contiguous())
            check_same_bits(
                tensor(view.shape, {x.data() + view.offset, x.data() + view.offset + view.shape.size()}),
                expected);
    }
}
