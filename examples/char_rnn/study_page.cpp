#include "study_page.hpp"

#include "../program/streams.hpp"

#include <fmt/format.h>
#include <autograd/ops/index.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/page/write_study.hpp>
#include <nn/losses/losses.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace char_rnn {
namespace {

using namespace tapeloop;

/// The largest state whose Jacobians are computed; those of larger ones take longer than all else here.
constexpr std::size_t largest_state = 256;

std::size_t state_size(const Recording& recording) {
    std::size_t size = 0;
    for (const Var<float>& part : recording.states.front()) size += part.shape().back();
    return size;
}

/// Returns nothing where the memory for it is missing: the page is worth having without.
std::optional<JacobianSpectrum> spectrum_of(const Recording& recording) {
    program::print("\nSpectra of the {} Jacobians from state to state and of their products, {} by {} ...\n",
                   recording.states.size() - 1, state_size(recording), state_size(recording));
    try {
        // The page shows the radii of steps alone.
        return jacobian_lens(recording.states).spectrum(0, {.product_radii = false});
    } catch (const std::bad_alloc&) {
        program::print("There is not enough memory for them; the page goes without.\n");
        return std::nullopt;
    }
}

/// The characters that the first row of a batch reads, one a step; the Jacobians are of that row, too.
std::vector<std::string> characters_read(const Stretch& stretch, const Vocabulary& vocabulary) {
    std::vector<std::string> read;
    for (std::size_t t = 0; t < stretch.steps; ++t) {
        const auto id = static_cast<std::size_t>(stretch.characters[t * stretch.batch]);
        read.push_back(encode_utf8(std::u32string(1, vocabulary.character(id))));
    }
    return read;
}

/// What a study records of a batch: a loss for each time step, and their sum.
struct Studied {
    Recording recording;
    Var<float> losses;
    Var<float> J;
};
Studied studied(const LanguageModel& model, const Stretch& stretch, const Vocabulary& vocabulary) {
    Recording recording = model.record(one_hot<float>(characters_of(stretch), vocabulary.size()));
    const Var<float> losses = nn::softmax_cross_entropy(recording.logits, targets_of(stretch),
                                                        {.reduction = nn::Reduction::none, .ignore = {}}) /
                              stretch.batch;
    return {std::move(recording), losses, sum(losses).named("J")};
}

}  // namespace

StudyPage::StudyPage(const LanguageModel& model, IdSpan training, const Vocabulary& vocabulary,
                     const Options& options, const program::OutputFile& page)
    : model_(model), training_(training), vocabulary_(vocabulary), options_(options), page_(page) {}

Stretch StudyPage::first_batch() const {
    // Rows beyond a few show nothing new, and make a large page.
    const std::size_t batch = std::min<std::size_t>(options_.batch, 8);
    const std::size_t steps = std::min<std::size_t>(options_.steps, 64);
    return training_lanes(training_, batch, steps, 0).stretch(0);
}

void StudyPage::record(std::size_t step) {
    if (recorded_ == step) return;
    recorded_ = step;
    try {
        const Tape<float> tape({.fuse = false});
        const Studied now = studied(model_, first_batch(), vocabulary_);
        // The names of the gates are known once the model has recorded something.
        if (film_.frame_count() == 0) film_ = StudyRecorder({.every = 1, .gates = now.recording.gates});
        film_.record(step, now.J);
    } catch (const std::bad_alloc&) {
        // The training goes on, and the film without this frame.
    }
}

void StudyPage::write() const {
    const Stretch stretch = first_batch();
    Tape<float> tape({.fuse = false});
    const Studied now = studied(model_, stretch, vocabulary_);

    StudyOptions study{.title = fmt::format("{}, {} units, reads {}", options_.cell, options_.hidden,
                                            options_.file.filename().string()),
                       .gates = now.recording.gates,
                       .steps = characters_read(stretch, vocabulary_),
                       .film = film_};
    study.largest_bytes = 8'000'000;
    study.ledgers.push_back(gradient_ledger(now.losses, *now.recording.recurrent));
    // A single step has no Jacobian from state to state.
    if (now.recording.states.size() > 1 && state_size(now.recording) <= largest_state)
        study.spectrum = spectrum_of(now.recording);
    program::print("Writing the page ...\n");
    const Gradients<float> gradients = gradient(now.J, every_node(tape));
    page_.write([&](const std::filesystem::path& path) { write_study(tape, gradients, path, study); });
}

}  // namespace char_rnn
