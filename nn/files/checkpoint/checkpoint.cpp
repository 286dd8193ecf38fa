#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/files/place.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace {

bool is_within(std::string_view name, std::string_view other) {
    return name == other || (name.starts_with(other) && name[other.size()] == '/');
}

void require_name(const std::string& name) {
    if (name.empty() || name == "__metadata__" || valid_utf8_length(name) != name.size())
        throw std::invalid_argument(
            fmt::format("checkpoint: {} is no name to add something under; give a text in UTF-8 that is not "
                        "empty",
                        in_quotes(name)));
}

}  // namespace

template <class T>
void Checkpoint<T>::add(const std::string& name, Saved saved) {
    require_name(name);
    for (const Item& item : items_)
        if (is_within(name, item.name) || is_within(item.name, name))
            throw std::invalid_argument(
                fmt::format("checkpoint: the name {} is taken by {}; give each its own", in_quotes(name),
                            in_quotes(item.name)));
    Collected trial;  // what could not be saved is found before the work, not after it
    trial.begin(name, saved.kind);
    saved.collect(trial);
    items_.push_back({name, std::move(saved)});
}

template <class T>
void Checkpoint<T>::add(const std::string& name, const ParameterList<T>& parameters) {
    add(name, saved_parameters(parameters));
}
template <class T>
void Checkpoint<T>::add(const std::string& name, optim::Optimizer<T>& optimizer) {
    add(name, saved_optimizer(optimizer));
}
template <class T>
void Checkpoint<T>::add(const std::string& name, optim::ReduceOnPlateau& plateau) {
    add(name, saved_plateau(plateau));
}
template <class T>
void Checkpoint<T>::add(const std::string& name, optim::WeightAverage<T>& average) {
    add(name, saved_average(average));
}
template <class T>
void Checkpoint<T>::add(const std::string& name, Generator& generator) {
    add(name, saved_generator(generator));
}

template <class T>
Collected Checkpoint<T>::collected() const {
    Collected all;
    for (const auto& [name, saved] : items_) {
        all.begin(name, saved.kind);
        saved.collect(all);
    }
    return all;
}

template <class T>
NamedArrays Checkpoint<T>::state() const {
    return collected().copied();
}

template <class T>
void Checkpoint<T>::restore(const NamedArrays& saved, std::string_view where) {
    Comparison comparison(saved, where);
    std::vector<Takeover> takeovers;
    for (const auto& [name, own] : items_)
        if (comparison.begin(name, own.kind)) takeovers.push_back(own.compare(comparison));
    if (const std::vector<std::string>& differences = comparison.finish(); !differences.empty())
        throw std::invalid_argument(
            fmt::format("{}: what was saved does not fit, and nothing was changed:\n  {}", where,
                        fmt::join(differences, "\n  ")));
    for (const Takeover& take_over : takeovers) take_over();
}

template <class T>
void Checkpoint<T>::restore(const NamedArrays& saved) {
    restore(saved, "checkpoint");
}

template class Checkpoint<float>;
template class Checkpoint<double>;

}  // namespace tapeloop::nn
