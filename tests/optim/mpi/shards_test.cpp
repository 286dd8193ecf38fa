#include <doctest/doctest.h>
#include <nn/generator.hpp>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/shard.hpp>
#include <optim/mpi/shards.hpp>
#include <optim/mpi/shuffled.hpp>

#include <algorithm>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>

namespace {

using namespace tapeloop;
using optim::detail::Part;

std::string text_of_tree(const Part& node, const std::vector<Part>& given) {
    return optim::detail::sum_of(
        node,
        [&](const Part& one) {
            return one.size() == 1 || std::find(given.begin(), given.end(), one) != given.end();
        },
        [](const Part& one) {
            return one.size() == 1 ? std::to_string(one.first)
                                   : std::to_string(one.first) + ".." + std::to_string(one.last - 1);
        },
        [](const std::string& left, const std::string& right) { return "(" + left + "+" + right + ")"; });
}

}  // namespace

TEST_CASE("shards: parts are next to each other, cover all, and differ by one at most") {
    for (const std::size_t size : {0U, 1U, 5U, 8U, 33U})
        for (const std::size_t parts : {1U, 2U, 3U, 8U}) {
            std::size_t next = 0;
            for (std::size_t i = 0; i < parts; ++i) {
                const Part part = optim::detail::part_of(size, i, parts);
                CHECK(part.first == next);
                CHECK(part.size() - size / parts <= 1);
                next = part.last;
            }
            CHECK(next == size);
        }
}

TEST_CASE("shards: the tree is a matter of their number") {
    CHECK(text_of_tree({0, 8}, {}) == "(((0+1)+(2+3))+((4+5)+(6+7)))");
    CHECK(text_of_tree({0, 6}, {}) == "(((0+1)+(2+3))+(4+5))");
    CHECK(text_of_tree({0, 3}, {}) == "((0+1)+2)");
    CHECK(text_of_tree({0, 1}, {}) == "0");
}

TEST_CASE("shards: what each rank sums of its own are nodes of the tree, whatever the number of ranks") {
    for (std::size_t shards = 1; shards <= 20; ++shards)
        for (std::size_t ranks = 1; ranks <= shards; ++ranks) {
            CAPTURE(shards);
            CAPTURE(ranks);
            std::size_t next = 0;
            std::set<std::pair<std::size_t, std::size_t>> met;  // the nodes on the way down
            optim::detail::sum_of(
                Part{0, shards},
                [&](const Part& node) {
                    return met.insert({node.first, node.last}), node.size() == 1;
                },
                [](const Part&) { return 0; }, [](int, int) { return 0; });
            for (std::size_t rank = 0; rank < ranks; ++rank) {
                const Part own = optim::detail::part_of(shards, rank, ranks);
                for (const Part& node : optim::detail::largest_nodes(own, {0, shards})) {
                    CHECK(node.first == next);
                    CHECK(met.count({node.first, node.last}) == 1);
                    next = node.last;
                }
                CHECK(next == own.last);
            }
        }
    const auto of_three = optim::detail::largest_nodes({2, 5}, {0, 8});
    CHECK(of_three == std::vector<Part>{{2, 4}, {4, 5}});
}

TEST_CASE("shards: each gets its part of a list that has an element for each row of the batch") {
    nn::Generator generator(1);
    const optim::Shard shard{1, 2, 5, 6, generator};
    const std::vector<int> rows{0, 1, 2, 3, 4, 5};
    CHECK(shard.rows() == 3);
    CHECK(std::ranges::equal(shard.of(rows), std::vector{2, 3, 4}));
    CHECK_THROWS_WITH_AS(
        shard.of(std::span(rows).first(5)),
        "Shard::of: the list has 5 elements and the batch 6 rows; there must be one for each",
        std::invalid_argument);
}

TEST_CASE("shuffled: every row once, in an order that follows from seed and epoch") {
    const auto order = optim::shuffled(100, 1, 0);
    auto sorted = order;
    std::ranges::sort(sorted);
    std::vector<std::size_t> rows(100);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    CHECK(sorted == rows);
    CHECK(order != rows);
    CHECK(order == optim::shuffled(100, 1, 0));
    CHECK(order != optim::shuffled(100, 1, 1));
    CHECK(order != optim::shuffled(100, 2, 0));
    CHECK(optim::shuffled(100, 1, 2) != optim::shuffled(100, 2, 1));
    CHECK(optim::shuffled(0, 1, 0).empty());
}

TEST_CASE("fingerprint: every bit counts, and so does the length") {
    std::vector<std::byte> bytes(37, std::byte{0});
    const auto of = [&] {
        optim::detail::Fingerprint fingerprint;
        fingerprint.add(bytes);
        return fingerprint.value();
    };
    std::set<std::uint64_t> met{of()};
    for (std::byte& byte : bytes)
        for (int bit = 0; bit < 8; ++bit) {
            byte = std::byte{1} << bit;
            CHECK(met.insert(of()).second);
            byte = std::byte{0};
        }
    bytes.resize(48);
    CHECK(met.insert(of()).second);
    CHECK(optim::detail::fingerprint_of_program() != 0);
}
