#pragma once

#include <nn/losses/classes.hpp>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

/// Sentences as numbers: words get a place in a vocabulary, and sentences of different lengths one tensor.
namespace lab {

using Words = std::vector<std::string>;
using Tokens = std::vector<std::ptrdiff_t>;

/// The tokens that the vocabulary of a written language begins with.
inline constexpr std::ptrdiff_t padding_token = 0;
inline constexpr std::ptrdiff_t start_token = 1;
inline constexpr std::ptrdiff_t end_token = 2;
inline Words special_words() { return {"<padding>", "<start>", "<end>"}; }

/// The words of a sentence, which spaces separate.
Words words_of(const std::string& sentence);
std::string sentence_of(const Words& words);

/// Words numbered in the order in which they came.
class Vocabulary {
  public:
    explicit Vocabulary(const Words& first = {}) { add(first); }

    void add(const Words& words);
    std::size_t size() const { return words_.size(); }
    /// Throws `std::out_of_range` for a word that is not in it.
    std::ptrdiff_t token(const std::string& word) const { return tokens_.at(word); }
    Tokens tokens(const Words& words) const;
    Words words(const Tokens& tokens) const;

  private:
    Words words_;
    std::unordered_map<std::string, std::ptrdiff_t> tokens_;
};

/// B rows of different lengths, time first, filled up with the padding.
struct Padded {
    tapeloop::nn::Targets tokens;  ///< [T, B]
    std::vector<std::size_t> lengths;
};
Padded padded(const std::vector<Tokens>& rows);

struct WordErrors {
    double words;      ///< share of wrong or missing words, place by place
    double sentences;  ///< share of those with a mistake
};
WordErrors errors_of(const std::vector<Words>& written, const std::vector<Words>& right);

}  // namespace lab
