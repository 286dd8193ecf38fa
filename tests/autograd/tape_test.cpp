#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

// AddressSanitizer takes memory of its own beside what is limited.
#if defined(__SANITIZE_ADDRESS__)
#define TAPELOOP_UNDER_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAPELOOP_UNDER_ADDRESS_SANITIZER
#endif
#endif

using namespace tapeloop;
using namespace tapeloop::test;

// A step of a recurrent network records some ten nodes, whatever its size.
static_assert(sizeof(Var<double>) == 16);
static_assert(sizeof(Shape) == 36);
static_assert(sizeof(tapeloop::detail::Node<double>) <= 96);

TEST_CASE("tape: without one nothing can be computed, and the error says which is missing") {
    CHECK(text_of<std::logic_error>([] { input(vector({1})); }) ==
          "tape: no Tape<double> in scope; construct one before computing");
    CHECK(text_of<std::logic_error>([] { input(rounded<float>(vector({1}))); }) ==
          "tape: no Tape<float> in scope; construct one before computing");
    Parameter<double> p("p", vector({1}));
    CHECK_THROWS_AS(exp(p), std::logic_error);
    CHECK_THROWS_AS(LabelScope<double>("layer"), std::logic_error);
    CHECK_THROWS_AS(Paused<double>(), std::logic_error);
    Tape<float> of_the_other_kind;
    CHECK_THROWS_AS(p + p, std::logic_error);
}

TEST_CASE("tape: nested tapes are current in turn, and each keeps its own") {
    Tape<double> outer;
    CHECK(&Tape<double>::current() == &outer);
    const Var<double> x = input(vector({2}));
    {
        Tape<double> inner;
        CHECK(&Tape<double>::current() == &inner);
        const Var<double> y = input(vector({3}));
        CHECK(&y.tape() == &inner);
        // What has Vars is recorded where they are, constants and parameters with them.
        const Parameter<double> p("p", vector({5}));
        const std::size_t inner_size = inner.size();
        const Var<double> z = x * p + vector({1}) + 2;
        CHECK(&z.tape() == &outer);
        CHECK(inner.size() == inner_size);
        check_close(gradient(z, {x, p})[p], vector({2}));
    }
    CHECK(&Tape<double>::current() == &outer);
    check_close(gradient(x * x, {x})[x], vector({4}));
}

TEST_CASE("tape: tapes may go in any order") {
    auto first = std::make_unique<Tape<double>>();
    auto second = std::make_unique<Tape<double>>();
    auto third = std::make_unique<Tape<double>>();
    second.reset();
    CHECK(&Tape<double>::current() == third.get());
    third.reset();
    CHECK(&Tape<double>::current() == first.get());
    const Var<double> x = input(vector({1}));
    first.reset();
    CHECK_THROWS_AS(static_cast<void>(x.value()), std::logic_error);
    CHECK_THROWS_AS(Tape<double>::current(), std::logic_error);
}

TEST_CASE("tape: a Var whose tape is gone says so, also when another tape has taken its place") {
    Var<double> stale;
    CHECK(text_of<std::logic_error>([&] { static_cast<void>(stale.shape()); }) ==
          "var: empty; it was never given a value");
    {
        Tape<double> tape;
        stale = input(vector({1, 2}));
    }
    const std::string gone = "var: its tape is gone; read value() while the tape is in scope";
    CHECK(text_of<std::logic_error>([&] { static_cast<void>(stale.value()); }) == gone);
    Tape<double> next;
    const Var<double> fresh = input(vector({3, 4}));
    CHECK(text_of<std::logic_error>([&] { static_cast<void>(stale.value()); }) == gone);
    CHECK_THROWS_AS(stale + fresh, std::logic_error);
    CHECK_THROWS_AS(fresh + stale, std::logic_error);
    CHECK_THROWS_AS(gradient(sum(fresh), {stale}), std::logic_error);
    CHECK_THROWS_AS(concatenate({fresh, stale}, 0), std::logic_error);
    CHECK(!stale.is(fresh));
}

TEST_CASE("tape: Vars of two tapes do not mix, and the error names the operation and the line") {
    Tape<double> one;
    const Var<double> x = input(vector({1, 2}));
    Tape<double> two;
    const Var<double> y = input(vector({3, 4}));
    const std::size_t sizes = one.size() + two.size();
    const auto line = std::to_string(CallSite::current().line() + 1);
    const std::string text = text_of<std::logic_error>([&] { x* y; });
    CHECK(text ==
          "multiply: its arguments are on different tapes; pass one's value() as a constant (tape_test.cpp:" +
              line + ")");
    CHECK_THROWS_AS(matmul(x, y), std::logic_error);
    CHECK_THROWS_AS(where(x, x, y), std::logic_error);
    CHECK_THROWS_AS(concatenate({x, y}, 0), std::logic_error);
    CHECK_THROWS_AS(stack({y, x}), std::logic_error);
    CHECK(one.size() + two.size() == sizes);
    check_close((x * y.value()).value(), vector({3, 8}));
}

TEST_CASE("tape: after an operation that threw, tape and parameters are as before") {
    Tape<double> tape;
    Parameter<double> p("p", filled({3, 4}, 1));
    const Var<double> x = input(filled({5, 2}, 2));
    const Tensor<double> constant = filled({7}, 1);
    const TapeStatistics before = tape.statistics();
    const auto check_refused = [&](auto&& f) {
        CHECK_THROWS_AS(f(), std::invalid_argument);
        CHECK(tape.size() == before.nodes);
        CHECK(tape.statistics().value_bytes == before.value_bytes);
        CHECK(tape.find(p.storage().get()) == nullptr);
    };
    check_refused([&] { return p + x; });
    check_refused([&] { return x + constant; });
    check_refused([&] { return where(p, x, 1); });
    check_refused([&] { return matmul(p, x); });
    check_refused([&] { return affine(x, p, 1); });
    check_refused([&] { return dot(p, constant); });
    check_refused([&] { return sum(p, 2); });
    check_refused([&] { return softmax(p, 2); });
    check_refused([&] { return reshape(p, {5}); });
    check_refused([&] { return transpose(p, {0, 0}); });
    check_refused([&] { return slice(p, 0, 2, 9); });
    check_refused([&] { return columns(p, 0, 3); });
    check_refused([&] { return pad(p, {{1, 1}}); });
    check_refused([&] { return broadcast_to(p, {4, 4}); });
    check_refused([&] { return split(p, 2, 0); });
    check_refused([&] { return clip(p, 2, 1); });
    check_refused([&] { return concatenate({x, x}, 2); });
    check_refused([&] { return gradient(x, {p}); });
    CHECK(p.storage()->version == 0);
    check_close(gradient(sum(p * 2), {p})[p], filled({3, 4}, 2));
}

TEST_CASE("tape: labels nest into paths, and end with their scope") {
    Tape<double> tape;
    const auto label_of = [&](const Var<double>& x) { return tape.label(x.index()); };
    const Var<double> x = input(vector({1}));
    CHECK(label_of(x).empty());
    {
        const LabelScope<double> encoder("encoder");
        CHECK(label_of(exp(x)) == "encoder");
        for (std::size_t t = 0; t < 3; ++t) {
            const LabelScope<double> step(t);
            CHECK(label_of(exp(x)) == "encoder/t=" + std::to_string(t));
            const LabelScope<double> cell("cell");
            CHECK(label_of(exp(x)) == "encoder/t=" + std::to_string(t) + "/cell");
        }
        CHECK(label_of(exp(x)) == "encoder");
        Tape<double> other;
        CHECK(other.label(input(vector({1})).index()).empty());
    }
    CHECK(label_of(exp(x)).empty());
    CHECK(tape.current_label_text().empty());
}

TEST_CASE("tape: a node tells its operation, name, line and label") {
    Tape<double> tape;
    Parameter<double> W("W", filled({2, 2}, 1));
    const LabelScope<double> encoder("encoder");
    const auto line = CallSite::current().line();
    const Var<double> y = matmul(W, W).named("scores");
    CHECK(tape.describe(y.index()) ==
          "matmul 'scores' (tape_test.cpp:" + std::to_string(line + 1) + ", encoder)");
    CHECK(tape.name(y.index()) == "scores");
    const NodeIndex leaf = *tape.find(W.storage().get());
    CHECK(tape.describe(leaf) == "parameter 'W' (tape_test.cpp:" + std::to_string(line + 1) + ", encoder)");
    CHECK(tape.inputs(y.index())[0] == leaf);
    CHECK(tape.inputs(y.index())[1] == leaf);
    CHECK(tape.node(y.index()).operation->name() == "matmul");
    CHECK(tape.name(exp(y).index()).empty());
}

TEST_CASE("tape: the line of a node is the user's, whatever the arguments are") {
    Tape<double> tape;
    Parameter<double> p("p", filled({2, 2}, 1));
    const Tensor<double> t = filled({2, 2}, 1);
    const Var<double> x = input(t);
    const auto line_of = [&](const Var<double>& v) { return tape.node(v.index()).site.line(); };
    const auto here = [](CallSite site = CallSite::current()) { return site.line(); };
    CHECK(line_of(x + 1) == here());
    CHECK(line_of(1 - x) == here());
    CHECK(line_of(x * t) == here());
    CHECK(line_of(t / x) == here());
    CHECK(line_of(xt::exp(t) + x) == here());
    CHECK(line_of(p * p) == here());
    CHECK(line_of(-p) == here());
    CHECK(line_of(tanh(p)) == here());
    CHECK(line_of(input(t)) == here());
    CHECK(line_of(sum(x, 0)) == here());
    CHECK(line_of(concatenate({x, x}, 0)) == here());
    CHECK(line_of(stack({x, x})) == here());
    CHECK(line_of(split(x, 2, 0)[1]) == here());
    CHECK(line_of(unstack(x)[1]) == here());
    CHECK(line_of(columns(x, 0, 2)) == here());
    CHECK(line_of(detach(x)) == here());
}

TEST_CASE("tape: a parameter enters once, and outlives its owner on the tape") {
    Tape<double> tape;
    std::optional<Parameter<double>> p(std::in_place, "p", vector({1, 2}));
    const std::size_t size = tape.size();
    const Var<double> y = *p * *p + *p;
    CHECK(tape.size() == size + 3);
    const Var<double> leaf = input(*p);
    CHECK(tape.size() == size + 3);
    p.reset();
    check_close(gradient(sum(y), {leaf})[leaf], vector({3, 5}));
}

TEST_CASE("tape: statistics count nodes and memory") {
    Tape<double> tape;
    CHECK(tape.statistics().nodes == 0);
    const Var<double> x = input(filled({1000}, 1));
    const std::size_t input_bytes = tape.statistics().value_bytes;
    const Var<double> y = exp(x);
    const TapeStatistics after = tape.statistics();
    CHECK(after.nodes == 2);
    CHECK(after.value_bytes - input_bytes >= 8000);
    CHECK(after.value_bytes - input_bytes <= 8064);
    CHECK(after.cotangent_bytes == 0);
    CHECK(after.peak_bytes > after.value_bytes);
    static_cast<void>(reshape(y, {10, 100}));  // in y's memory
    CHECK(tape.statistics().value_bytes - after.value_bytes < 1000);
    gradient(sum(y), {x});
    CHECK(tape.statistics().cotangent_bytes > 0);
    CHECK(tape.statistics().peak_bytes >= tape.statistics().value_bytes + tape.statistics().cotangent_bytes);
}

TEST_CASE("paused: values are computed, and enter as constants") {
    Tape<double> tape;
    Parameter<double> p("p", vector({3}));
    const Var<double> x = input(vector({2}));
    Var<double> y;
    Var<double> by_map;
    std::vector<Var<double>> parts;
    {
        const Paused<double> pause;
        y = x * x * p;
        parts = unstack(x);
        by_map = map([](auto a) { return a * a; }, x);
        {
            const Paused<double> again;
            static_cast<void>(exp(x));
        }
        CHECK(tape.inputs(exp(y).index()).empty());
    }
    check_close(y.value(), vector({12}));
    check_close(by_map.value(), vector({4}));
    CHECK(tape.inputs(y.index()).empty());
    CHECK(tape.inputs(by_map.index()).empty());
    const auto g = gradient(sum(y * x) + parts[0], {x, p, y});
    check_close(g[x], vector({12}));
    check_close(g[p], vector({0}));
    check_close(g[y], vector({2}));
    // The parameter itself is no constant once the pause is over.
    check_close(gradient(sum(p * x), {p})[p], vector({2}));
    check_close(gradient_graph(sum(y * x), {x})[x].value(), vector({12}));
}

TEST_CASE("paused: it ends when its scope is left by an exception") {
    Tape<double> tape;
    const Var<double> x = input(vector({2}));
    try {
        const Paused<double> pause;
        throw std::runtime_error("");
    } catch (const std::runtime_error&) {  // what the scope left behind is what counts
    }
    check_close(gradient(x * x, {x})[x], vector({4}));
}

TEST_CASE("detach: the value without its history, in the same memory") {
    Tape<double> tape;
    Parameter<double> p("p", vector({2, 3}));
    const Var<double> x = input(vector({5, 7}));
    const Var<double> y = p * x;
    const Var<double> constant = detach(y);
    check_same_bits(constant.value(), y.value());
    CHECK(constant.array().data() == y.array().data());
    const auto g = gradient(sum(constant * x), {p, x, constant, y});
    check_close(g[p], vector({0, 0}));
    check_close(g[x], vector({10, 21}));
    check_close(g[constant], vector({5, 7}));
    check_close(g[y], vector({0, 0}));
}

TEST_CASE("var: a value is a copy, an item a number") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2, 3}));
    Tensor<double> copy = x.value();
    copy.fill(9);
    check_same_bits(x.value(), vector({1, 2, 3}));
    CHECK(sum(x).item() == 6);
    CHECK(input(filled({1, 1, 1}, 4)).item() == 4);
    CHECK(text_of<std::invalid_argument>([&] { static_cast<void>(x.item()); }) ==
          "item: the value is [3]; only a single element can be read so");
}

TEST_CASE("input: numbers, tensors, expressions and parameters") {
    Tape<double> tape;
    Parameter<double> p("p", vector({1, 2}));
    const Tensor<double> t = vector({3, 4});
    check_same_bits(input(t).value(), t);
    check_same_bits(input(t + 1.0).value(), vector({4, 5}));
    check_same_bits(input(Operand<double>(xt::xarray<int>{1, 2, 3} * 2)).value(), vector({2, 4, 6}));
    check_same_bits(input(p).value(), p.value());
    CHECK(input(Operand<double>(2)).shape() == Shape{});
    // The tensor may change or go: what was given is what counts.
    Tensor<double> given = vector({1, 1});
    const Var<double> x = input(given);
    given.fill(5);
    check_same_bits(x.value(), vector({1, 1}));
}

TEST_CASE("operators: Vars beside numbers, tensors, expressions and parameters") {
    Tape<double> tape;
    Parameter<double> p("p", vector({2, 4}));
    const Tensor<double> t = vector({3, 5});
    const Var<double> x = input(vector({8, 16}));
    check_same_bits((x - 1).value(), vector({7, 15}));
    check_same_bits((1 - x).value(), vector({-7, -15}));
    check_same_bits((1.5f * x).value(), vector({12, 24}));
    check_same_bits((x / t).value(), (vector({8, 16}) / t));
    check_same_bits((t / x).value(), (t / vector({8, 16})));
    check_same_bits((p / x).value(), vector({0.25, 0.25}));
    check_same_bits((x / p).value(), vector({4, 4}));
    check_same_bits((p + p).value(), vector({4, 8}));
    check_same_bits((p - 1).value(), vector({1, 3}));
    check_same_bits((t * p).value(), vector({6, 20}));
    check_same_bits((xt::sqrt(xt::square(t)) + x).value(), vector({11, 21}));
    check_same_bits((x + (t + t)).value(), vector({14, 26}));
    check_same_bits((x > 10).value(), vector({0, 1}));
    check_same_bits((8 >= x).value(), vector({1, 0}));
    check_same_bits((x < t).value(), vector({0, 0}));
    check_same_bits((-p).value(), vector({-2, -4}));
    check_same_bits(where(x > 10, x, p).value(), vector({2, 16}));
    check_same_bits(maximum(p, 3).value(), vector({3, 4}));
    check_same_bits(pow(2, p).value(), vector({4, 16}));
}

TEST_CASE("tape: one of each kind at the same time") {
    Tape<double> tape;
    Tape<float> coarse;
    const Var<double> x = input(vector({0.1}));
    const Var<float> y = input(rounded<float>(vector({0.1})));
    CHECK(tape.size() == 1);
    CHECK(coarse.size() == 1);
    CHECK(gradient(x * x, {x})[x][0] == doctest::Approx(0.2));
    CHECK(gradient(y * y, {y})[y][0] == 2 * 0.1f);
}

TEST_CASE("tape: destroyed by another thread than its own, which goes on with those that are left") {
    Tape<double> outer;
    auto inner = std::make_unique<Tape<double>>();
    auto innermost = std::make_unique<Tape<double>>();
    std::thread([&] { inner.reset(); }).join();
    CHECK(&Tape<double>::current() == innermost.get());
    std::thread([&] {
        innermost.reset();
        const Tape<double> in_its_place;  // where the handles of the one that is gone point to
        CHECK(&Tape<double>::current() == &in_its_place);
    }).join();
    CHECK(&Tape<double>::current() == &outer);
    const Var<double> x = input(vector({3}));
    check_close(gradient(x * x, {x})[x], vector({6}));

    std::unique_ptr<Tape<double>> of_other;
    std::thread([&] { of_other = std::make_unique<Tape<double>>(); }).join();
    of_other.reset();
    CHECK(&Tape<double>::current() == &outer);
    std::thread([] { CHECK_THROWS_AS(Tape<double>::current(), std::logic_error); }).join();
}

TEST_CASE("tape: the only one, destroyed by another thread, leaves none") {
    auto tape = std::make_unique<Tape<double>>();
    std::thread([&] { tape.reset(); }).join();
    CHECK_THROWS_AS(Tape<double>::current(), std::logic_error);
    CHECK_THROWS_AS(input(vector({1})), std::logic_error);
    const Tape<double> next;
    CHECK(input(vector({1})).item() == 1);
}

TEST_CASE("tape: a label and a pause that outlive their tape, with another in its place or none") {
    for (const bool with_other : {false, true}) {
        auto tape = std::make_unique<Tape<double>>();
        auto label = std::make_unique<LabelScope<double>>("gone");
        auto pause = std::make_unique<Paused<double>>();
        tape.reset();
        std::optional<Tape<double>> next;
        std::optional<LabelScope<double>> own;
        if (with_other) own.emplace((next.emplace(), "own"));
        label.reset();
        pause.reset();
        if (!with_other) continue;
        CHECK(next->current_label_text() == "own");
        const Paused<double> paused;
        CHECK(!next->recording());
    }
}

#if !defined(TAPELOOP_UNDER_ADDRESS_SANITIZER)
namespace {

/// All memory that this process may still take, in pieces.
class AllMemory {
  public:
    AllMemory() {
        for (std::size_t bytes = std::size_t{1} << 26; bytes >= sizeof(Piece); bytes /= 2)
            while (void* const memory = std::malloc(bytes)) first_ = new (memory) Piece{first_};
    }
    ~AllMemory() {
        while (first_ != nullptr) std::free(std::exchange(first_, first_->next));
    }
    AllMemory(const AllMemory&) = delete;
    AllMemory& operator=(const AllMemory&) = delete;

  private:
    struct Piece {
        Piece* next;
    };
    Piece* first_ = nullptr;
};

bool leaves_the_one_before() {
    const Tape<double> before;
    try {
        const AllMemory taken;
        const Tape<double> tape;
        return false;
    } catch (const std::bad_alloc&) {
        return &Tape<double>::current() == &before;
    }
}

}  // namespace

TEST_CASE("tape: one for which there is no memory leaves the one before it current") {
    const pid_t child = fork();
    if (child == 0) {
        release_pooled_memory();  // what other tests left there would be enough
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const rlim_t most =
            (pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) + (std::size_t{8} << 20);
        const rlimit limit{most, most};
        setrlimit(RLIMIT_AS, &limit);
        _exit(leaves_the_one_before() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
#endif

TEST_CASE("tape: a small one after a huge one is small") {
    {
        Tape<double> huge;
        const Var<double> x = input(vector({1}));
        Var<double> y = x;
        for (int k = 0; k < 300'000; ++k) y = y + x;
    }
    release_pooled_memory();
    for (int k = 0; k < 2; ++k) {
        const Tape<double> small;
        CHECK(small.capacity() <= 1 << 15);
    }
}

TEST_CASE("gradient_graph: a cotangent of another tape is refused, before anything is recorded") {
    Tape<double> one;
    const Var<double> x = input(vector({2}));
    const Var<double> y = x * x;
    Tape<double> two;
    const Var<double> other = input(vector({1}));
    const auto before = one.mark();
    const auto before_two = two.mark();
    const auto text = text_of<std::logic_error>([&] {
        gradient_graph(std::vector<GradientGraphRoot<double>>{{y, other}}, {x});
    });
    CHECK(contains(text, "cotangent"));
    CHECK(contains(text, "another tape"));
    CHECK_THROWS_AS(gradient_graph(std::vector<GradientGraphRoot<double>>{{y, x}, {other, other}}, {x}),
                    std::logic_error);
    CHECK_THROWS_AS(gradient_graph(y, {other}), std::logic_error);
    CHECK_THROWS_AS(gradient(y, {other}), std::logic_error);
    CHECK_THROWS_AS(gradient_graph(std::vector<GradientGraphRoot<double>>{{y, Var<double>()}}, {x}),
                    std::logic_error);
    CHECK(one.mark() == before);
    CHECK(two.mark() == before_two);
}
