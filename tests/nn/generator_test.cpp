#include <tests/expect.hpp>

#include <nn/generator.hpp>

#include <cmath>
#include <random>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Generator;

TEST_CASE("generator: one that is restored goes on as the one that was not left") {
    Generator generator(5);
    for (int draws = 0; draws < 700; ++draws) {
        Generator other(6);
        other.restore(generator.state());
        Generator same = generator;
        for (int n = 0; n < 5; ++n) {
            CHECK(other.normal() == same.normal());
            CHECK(other.bits() == same.bits());
        }
        generator.normal();
    }
}

TEST_CASE("generator: the numbers are those of std::mt19937_64") {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
        Generator generator(seed);
        std::mt19937_64 standard(seed);
        for (int n = 0; n < 2000; ++n) REQUIRE(generator.bits() == standard());
    }
}

TEST_CASE("generator: a state that draws do not lead to is refused, and nothing changes") {
    Generator generator(5);
    Generator same = generator;
    const auto refused = [&](const auto& change) {
        nn::GeneratorState state = Generator(6).state();
        change(state);
        return text_of<std::invalid_argument>([&] { generator.restore(state); });
    };
    CHECK(contains(refused([](auto& s) { s.words.fill(0); }), "are all 0"));
    CHECK(contains(refused([](auto& s) {
                       s.words.fill(0);
                       s.words[0] = 0x7fffffff;
                   }),
                   "are all 0"));
    CHECK(refused([](auto& s) { s.used = 313; }) == "generator: the state has used 313 of 312 words");
    CHECK(contains(refused([](auto& s) { s.spare = std::nan(""); }), "normal number is nan"));
    CHECK(generator.bits() == same.bits());
}
