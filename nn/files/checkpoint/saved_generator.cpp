#include <fmt/format.h>
#include <nn/files/checkpoint/saved.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

void collect_state(const GeneratorState& state, Collected& out) {
    out.numbers("words", std::span<const std::uint64_t>(state.words));
    out.number("used", std::uint64_t{state.used});
    out.numbers("spare", state.spare ? std::span<const double>(&*state.spare, 1) : std::span<const double>());
}

void read_state(GeneratorState& state, Comparison& saved) {
    const auto* words = saved.numbers<std::uint64_t>("words");
    const auto used = saved.number<std::uint64_t>("used");
    const auto* spare = saved.numbers<double>("spare");
    if (words == nullptr || !used || spare == nullptr) return;
    if (words->size() != state.words.size() || spare->size() > 1)
        return saved.differ(
            fmt::format("{} was saved with {} words and {} normal numbers; {} and 0 or 1 it "
                        "must have",
                        saved.shown(""), words->size(), spare->size(), state.words.size()));
    std::copy_n(words->data(), words->size(), state.words.begin());
    state.used = static_cast<std::size_t>(*used);
    state.spare = spare->size() == 0 ? std::nullopt : std::optional(spare->data()[0]);
}

}  // namespace

Saved saved_generator(Generator& generator) {
    const auto collect = [&generator](Collected& out) { collect_state(generator.state(), out); };
    const auto compare = [&generator](Comparison& saved) -> Takeover {
        GeneratorState state;
        read_state(state, saved);
        if (!saved.is_same()) return {};
        try {
            Generator::require_valid(state);
        } catch (const std::invalid_argument& error) {
            saved.differ(fmt::format("{}: {}", saved.shown(""), error.what()));
        }
        return [&generator, state] { generator.restore(state); };
    };
    return {"generator", collect, compare};
}

}  // namespace tapeloop::nn::detail
