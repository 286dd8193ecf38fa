#pragma once

#include <autograd/parameter.hpp>
#include <nn/files/checkpoint/carried_state.hpp>
#include <nn/files/checkpoint/saved_value.hpp>
#include <nn/generator.hpp>
#include <optim/optimizer.hpp>
#include <optim/reduce_on_plateau.hpp>
#include <optim/weight_average.hpp>

#include <filesystem>

namespace tapeloop::nn {

/// All that a training needs to go on, in one file: the training that is resumed is the one that was never
/// stopped, to the bit.
///
///     nn::Checkpoint<float> checkpoint;
///     checkpoint.add("model", model.parameters());
///     checkpoint.add("adam", adam);
///     checkpoint.add("generator", generator);
///     checkpoint.add("epoch", epoch);
///     if (std::filesystem::exists(file)) checkpoint.load(file);
///     for (; epoch < epochs; ++epoch) {
///         ...
///         checkpoint.save(file);
///     }
///
/// It refers to what was added, all of which must outlive it and stay where it is; parameters it follows, as
/// a `ParameterList` does. A checkpoint fits where the same was added under the same names, whatever the
/// order. Options of the optimizer, the plateau and the average must be the same, but for the learning rate,
/// which is part of the checkpoint.
///
/// What a checkpoint cannot know of has to be added or made anew as it was: data, the options of layers, a
/// schedule (which is a function of the optimizer's steps), and every generator that is drawn from.
template <class T>
class Checkpoint {
  public:
    /// Each adds something under a name of its own, which may have parts: `train/epoch`. Throws
    /// `std::invalid_argument` for a name that is empty, not UTF-8, `__metadata__`, taken, or part of one
    /// that is taken, and for what cannot be saved as it is now.
    ///
    /// Parameters are saved under their paths, `model/lstm/U`; one that is listed twice is saved once.
    void add(const std::string& name, const ParameterList<T>& parameters);
    void add(const std::string& name, optim::Optimizer<T>& optimizer);
    void add(const std::string& name, optim::ReduceOnPlateau& plateau);
    void add(const std::string& name, optim::WeightAverage<T>& average);
    void add(const std::string& name, Generator& generator);
    /// A carried state has when it is loaded the structure and the shapes with which it was saved: a training
    /// begins with `carry(cell.initial_state(batch))`.
    template <CarriedState<T> S>
    void add(const std::string& name, S& state) {
        add(name, detail::saved_carried<T>(state));
    }
    /// Adds a value of the user's: a number of any value, a text of any bytes, or a vector of them.
    template <SavedValue V>
    void add(const std::string& name, V& value) {
        add(name, detail::saved_value(value));
    }

    /// Writes all into a file of the safetensors format, which other programs can look into: the file that
    /// was there before, or the new one, is there as a whole at any time.
    ///
    /// Throws `std::invalid_argument` when a parameter, a state, or a quantity of the optimizer or an average
    /// is not finite: the last good file is not given up for one of a training that failed. Throws
    /// `std::runtime_error` when the file cannot be written, and `std::logic_error` while the parameters hold
    /// their averages, or when one is gone.
    void save(const std::filesystem::path& file) const;
    /// Reads a file that `save` wrote, and goes on from it. Throws, and changes nothing:
    /// `std::invalid_argument` when it is no checkpoint, of another version, or has something else than was
    /// added, with all differences; `std::runtime_error` when it cannot be read; `std::logic_error` as
    /// `save`.
    void load(const std::filesystem::path& file);

    /// Returns a copy of all, for `restore`. Throws as `save`.
    NamedArrays state() const;
    /// Goes on from what `state` returned. Throws as `load`.
    void restore(const NamedArrays& saved);

  private:
    struct Item {
        std::string name;
        detail::Saved saved;
    };

    void add(const std::string& name, detail::Saved saved);
    detail::Collected collected() const;
    void restore(const NamedArrays& saved, std::string_view where);

    std::vector<Item> items_;
};

extern template class Checkpoint<float>;
extern template class Checkpoint<double>;

}  // namespace tapeloop::nn
