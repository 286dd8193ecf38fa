#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>

#include <pthread.h>

#include <cmath>
#include <exception>
#include <functional>
#include <thread>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Runs `work` on a stack of 256 KB, where anything that recurses over a long tape overflows.
void on_a_small_stack(const std::function<void()>& work) {
    struct Job {
        const std::function<void()>& work;
        std::exception_ptr error;
    } job{work, nullptr};
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
    pthread_t thread{};
    const auto run = [](void* argument) -> void* {
        auto* own = static_cast<Job*>(argument);
        try {
            own->work();
        } catch (...) {
            own->error = std::current_exception();
        }
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
    pthread_attr_destroy(&attributes);
    pthread_join(thread, nullptr);
    if (job.error) std::rethrow_exception(job.error);
}

}  // namespace

TEST_CASE("deep: a chain of 1,000,000 nodes differentiates and frees on a small stack") {
    double slope = 0;
    std::size_t nodes = 0;
    on_a_small_stack([&] {
        Tape<double> tape;
        const Var<double> x = input(vector({0.5, -0.5}));
        Var<double> y = x;
        for (int i = 0; i < 1'000'000; ++i) y = -y;
        slope = gradient(std::vector<GradientRoot<double>>{{y, vector({3, 4})}}, {x})[x][1];
        nodes = tape.size();
    });
    CHECK(slope == 4);
    CHECK(nodes == 1'000'001);
}

TEST_CASE("deep: a chain of 150,000 nodes gives a recorded gradient on a small stack") {
    double second = 0;
    on_a_small_stack([&] {
        constexpr double shrink = 1 - 1e-6;
        Tape<double> tape;
        const Var<double> x = input(vector({0.5}));
        Var<double> y = x * x;
        const Var<double> factor = input(filled({}, shrink));
        for (int i = 0; i < 150'000; ++i) y = y * factor;
        const Var<double> first = gradient_graph(y, {x})[x];
        second = gradient(first, {x})[x][0];
    });
    CHECK(second == doctest::Approx(2 * std::pow(1 - 1e-6, 150'000)).epsilon(1e-9));
}

TEST_CASE("deep: skip connections over 100,000 nodes") {
    on_a_small_stack([] {
        Tape<double> tape;
        const Var<double> x = input(vector({0.25}));
        Var<double> y = x;
        for (int i = 0; i < 50'000; ++i) y = y * 0.5 + x;
        // y tends to 2 x
        check_close(gradient(y, {x})[x], vector({2}));
    });
}

TEST_CASE("deep: a long recurrence of fused cells, its weights' products put off") {
    on_a_small_stack([] {
        Parameter<float> W("W", Tensor<float>(0.1f * xt::eye<float>(4)));
        Tape<float> tape;
        Var<float> h = input(Tensor<float>(xt::ones<float>({1, 4})));
        for (int t = 0; t < 30'000; ++t) h = map([](auto a) { return tanh(a) + 0.5; }, matmul(h, W));
        const Tensor<float> g = gradient(sum(h), {W})[W];
        CHECK(std::isfinite(g(0, 0)));
        CHECK(g(0, 0) == g(3, 3));
    });
}

TEST_CASE("threads: two differentiate the same parameters at once") {
    Random random("threads");
    Parameter<double> U("U", random.tensor({8, 16}));
    Parameter<double> W("W", random.tensor({16, 16}, -0.3, 0.3));
    const auto work = [&](std::uint64_t seed) {
        Random own(seed);
        Tape<double> tape;
        const LabelScope<double> label("worker");
        Var<double> h = input(filled({4, 16}, 0));
        for (int t = 0; t < 30; ++t) h = tanh(matmul(input(own.tensor({4, 8})), U) + matmul(h, W));
        const auto g = gradient(mean(square(h)), {U, W});
        return std::pair{g[U], g[W]};
    };
    const auto first = work(1);
    const auto second = work(2);
    const auto differs = [&](std::uint64_t seed, const auto& expected, bool& result) {
        try {
            for (int i = 0; i < 40; ++i) {
                const auto actual = work(seed);
                result = result || actual.first != expected.first || actual.second != expected.second;
            }
        } catch (const std::exception&) {
            result = true;
        }
    };
    bool one_differs = false;
    bool other_differs = false;
    std::thread one([&] { differs(1, first, one_differs); });
    std::thread other([&] { differs(2, second, other_differs); });
    one.join();
    other.join();
    CHECK(!one_differs);
    CHECK(!other_differs);
}
