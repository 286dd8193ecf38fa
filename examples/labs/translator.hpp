#pragma once

#include "plot.hpp"
#include "words.hpp"

#include <nn/cells/gru_cell.hpp>
#include <nn/decoding/encoder_decoder.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>

#include <span>

/// Many to many, delayed: one sequence is read to its end, then another one is written.
namespace lab {

/// A sequence and what it is to become.
struct Pair {
    Words source;
    Words target;
    friend bool operator==(const Pair&, const Pair&) = default;
};

struct Translation {
    Words words;
    HeatMap attention;  ///< a row for each word that was written, a column for each word that was read
};

struct TranslatorOptions {
    std::size_t embedding = 24;
    std::size_t units = 48;  ///< of the decoder; the encoder has half as many in each direction
};

/// The model of Bahdanau, Cho and Bengio (2015): a GRU that reads in both directions, and one that writes
/// and, at every word, looks back at what was read.
class Translator {
  public:
    /// Makes a translator for sequences of the words of two vocabularies, which begin with `special_words`.
    Translator(Vocabulary source, Vocabulary target, tapeloop::nn::Generator& generator,
               const TranslatorOptions& options = {});

    tapeloop::ParameterList<float> parameters();

    /// The cross entropy per word when it writes the targets by teacher forcing.
    tapeloop::Var<float> loss(std::span<const Pair> pairs) const;

    /// Returns what it writes for each source, always taking the most likely word.
    std::vector<Words> translate(std::span<const Pair> pairs) const;
    /// Returns the translation of one source, with where it looked.
    Translation explain(const Words& source) const;

  private:
    using Reader = tapeloop::nn::Bidirectional<tapeloop::nn::GruCell<float>>;
    using Writer = tapeloop::nn::AttentionCell<tapeloop::nn::GruCell<float>>;

    Padded read(std::span<const Pair> pairs) const;
    Writer::State attend(const Padded& source) const;

    Vocabulary source_;
    Vocabulary target_;
    tapeloop::nn::Encoder<Reader> encoder_;
    tapeloop::nn::Decoder<Writer> decoder_;
};

WordErrors errors_of(const std::vector<Words>& written, std::span<const Pair> pairs);

}  // namespace lab
