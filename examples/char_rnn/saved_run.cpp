#include "saved_run.hpp"

#include "cells.hpp"

#include <fmt/format.h>
#include <nn/files/safetensors.hpp>

#include <new>
#include <stdexcept>
#include <utility>

namespace char_rnn {
namespace {

using tapeloop::nn::Checkpoint;
using tapeloop::nn::NamedArrays;

// FNV-1a, of 64 bits.
std::uint64_t hash_of(IdSpan text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::ptrdiff_t id : text) hash = (hash ^ static_cast<std::uint64_t>(id)) * 0x100000001b3U;
    return hash;
}

/// Returns the part of a checkpoint that was added under names that begin so.
NamedArrays part_of(const NamedArrays& saved, const std::string& name) {
    NamedArrays part;
    for (const auto& [path, array] : saved.arrays)
        if (path.starts_with(name + "/")) part.arrays.emplace(path, array);
    for (const auto& [key, text] : saved.metadata) {
        const std::size_t slash = key.find('/');
        if (slash == std::string::npos || key.compare(slash + 1, name.size(), name) == 0)
            part.metadata.emplace(key, text);
    }
    return part;
}

template <class Value>
void take_over(const Options& options, const std::string& flag, Value& own, const Value& saved) {
    if (options.given.contains(flag) && own != saved)
        throw std::invalid_argument(
            fmt::format("{} is {} and the run to go on with has {}; leave it out", flag, own, saved));
    own = saved;
}

std::string in_one_line(std::string_view text) {
    std::string line;
    for (const char character : text) {
        if (character == '\n' || (character == ' ' && line.ends_with(' '))) continue;
        line += character;
    }
    return line;
}

void require_usable(const Settings& settings) {
    constexpr std::size_t largest = 10000;
    if (find_cell(settings.cell) == nullptr)
        throw std::invalid_argument(fmt::format("it has the cell '{}', which there is not; there are {}",
                                                settings.cell, cell_names()));
    for (const std::size_t size : {settings.hidden, settings.steps, settings.batch})
        if (size == 0 || size > largest)
            throw std::invalid_argument(
                fmt::format("it has {} units, {} steps and batches of {}; each must be from 1 to {}",
                            settings.hidden, settings.steps, settings.batch, largest));
    if (decode_utf8(settings.characters).empty()) throw std::invalid_argument("it knows no characters");
}

}  // namespace

Settings Settings::of(const Options& options, const Vocabulary& vocabulary, IdSpan text, std::size_t epochs) {
    return {.cell = options.cell,
            .hidden = options.hidden,
            .steps = options.steps,
            .batch = options.batch,
            .epochs = epochs,
            .learning_rate = options.learning_rate,
            .seed = options.seed,
            .shards = options.shards,
            .characters = encode_utf8(vocabulary.characters()),
            .text_size = text.size(),
            .text_hash = hash_of(text)};
}

void Settings::add_to(Checkpoint<float>& checkpoint) {
    checkpoint.add("run/cell", cell);
    checkpoint.add("run/hidden", hidden);
    checkpoint.add("run/steps", steps);
    checkpoint.add("run/batch", batch);
    checkpoint.add("run/epochs", epochs);
    checkpoint.add("run/learning_rate", learning_rate);
    checkpoint.add("run/seed", seed);
    if (shards > 0) checkpoint.add("run/shards", shards);
    checkpoint.add("run/characters", characters);
    checkpoint.add("run/text_size", text_size);
    checkpoint.add("run/text_hash", text_hash);
}

template <class Work>
auto SavedRun::in_its_name(const Work& work) const {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        throw std::invalid_argument(
            fmt::format("{} '{}': {}", flag_, file_.string(), in_one_line(error.what())));
    }
}

SavedRun::SavedRun(std::string flag, std::filesystem::path file)
    : flag_(std::move(flag)), file_(std::move(file)) {
    in_its_name([&] {
        saved_ = tapeloop::nn::read_safetensors(file_);
        Checkpoint<float> checkpoint;
        settings_.shards = saved_.arrays.contains("run/shards") ? 1 : 0;
        settings_.add_to(checkpoint);
        checkpoint.restore(part_of(saved_, "run"));
        require_usable(settings_);
    });
}

Vocabulary SavedRun::vocabulary() const { return Vocabulary(decode_utf8(settings_.characters)); }

Options SavedRun::applied_to(Options options) const {
    in_its_name([&] {
        take_over(options, "--cell", options.cell, settings_.cell);
        take_over(options, "--hidden", options.hidden, settings_.hidden);
        take_over(options, "--steps", options.steps, settings_.steps);
        take_over(options, "--batch", options.batch, settings_.batch);
        take_over(options, "--learning-rate", options.learning_rate, settings_.learning_rate);
        if (!options.given.contains("--epochs")) options.epochs = settings_.epochs;
        take_over(options, "--seed", options.seed, settings_.seed);
        take_over(options, "--shards", options.shards, settings_.shards);
    });
    return options;
}

void SavedRun::require_text(IdSpan text) const {
    if (text.size() != settings_.text_size || hash_of(text) != settings_.text_hash)
        throw std::invalid_argument(
            fmt::format("{} '{}': the run learns another text, of {} characters; give that one", flag_,
                        file_.string(), settings_.text_size));
}

void SavedRun::restore(Checkpoint<float>& checkpoint) const {
    in_its_name([&] { checkpoint.restore(saved_); });
}

void SavedRun::restore_weights(LanguageModel& model) const {
    in_its_name([&] {
        Checkpoint<float> checkpoint;
        checkpoint.add("model", model.parameters());
        checkpoint.restore(part_of(saved_, "model"));
    });
}

}  // namespace char_rnn
