#include "words.hpp"

#include <algorithm>
#include <sstream>

namespace lab {

Words words_of(const std::string& sentence) {
    std::istringstream stream(sentence);
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

std::string sentence_of(const Words& words) {
    std::string sentence;
    for (const std::string& word : words) sentence += (sentence.empty() ? "" : " ") + word;
    return sentence;
}

void Vocabulary::add(const Words& words) {
    for (const std::string& word : words)
        if (tokens_.emplace(word, static_cast<std::ptrdiff_t>(words_.size())).second) words_.push_back(word);
}

Tokens Vocabulary::tokens(const Words& words) const {
    Tokens tokens;
    for (const std::string& word : words) tokens.push_back(token(word));
    return tokens;
}

Words Vocabulary::words(const Tokens& tokens) const {
    Words words;
    for (const std::ptrdiff_t token : tokens) words.push_back(words_.at(static_cast<std::size_t>(token)));
    return words;
}

Padded padded(const std::vector<Tokens>& rows) {
    std::size_t longest = 0;
    for (const Tokens& row : rows) longest = std::max(longest, row.size());
    Padded result{tapeloop::nn::Targets::from_shape({longest, rows.size()}), {}};
    result.tokens.fill(padding_token);
    for (std::size_t b = 0; b < rows.size(); ++b) {
        for (std::size_t t = 0; t < rows[b].size(); ++t) result.tokens(t, b) = rows[b][t];
        result.lengths.push_back(rows[b].size());
    }
    return result;
}

WordErrors errors_of(const std::vector<Words>& written, const std::vector<Words>& right) {
    double words = 0;
    double wrong_words = 0;
    double wrong_sentences = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
        for (std::size_t t = 0; t < right[i].size(); ++t)
            wrong_words += t >= written[i].size() || written[i][t] != right[i][t];
        words += static_cast<double>(right[i].size());
        wrong_sentences += written[i] != right[i];
    }
    return {wrong_words / words, wrong_sentences / static_cast<double>(right.size())};
}

}  // namespace lab
