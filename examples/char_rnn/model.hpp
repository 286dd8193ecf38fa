#pragma once

#include "batches.hpp"

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/program.hpp>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/layers/linear.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace char_rnn {

using tapeloop::Indices;
using tapeloop::Parameter;
using tapeloop::ParameterList;
using tapeloop::Var;

/// Reads a text in stretches, each from the state that the one before has left; no gradient passes from one
/// to the other, which makes it truncated BPTT.
class Reader {
  public:
    virtual ~Reader() = default;
    /// The logits of what comes after each of `characters` [T, B], on the current tape: [T, B, vocabulary].
    virtual Var<float> read(const Indices& characters) = 0;
    /// Goes to the end of what was read last, as it is now.
    virtual void move_on() = 0;
    /// Has a program of what was read last begin where it is.
    virtual void set_start(tapeloop::Program<float>& program) = 0;
    /// Begins anew with a text of so many lanes.
    virtual void begin(std::size_t lanes) = 0;
    /// Adds its state to a checkpoint under a name, once it has begun.
    virtual void add_to(tapeloop::nn::Checkpoint<float>& checkpoint, const std::string& name) = 0;
};

/// The nodes that a model leaves on the current tape when it is recorded for study.
struct Recording {
    Var<float> logits;                  ///< [T, B, vocabulary]
    tapeloop::States<float> states;     ///< after each time step
    const Parameter<float>* recurrent;  ///< the weight W from state to state
    std::vector<std::string> gates;     ///< of the packed weights; empty when the cell has none
};

/// A recurrent cell with an output layer behind it, for any cell.
class LanguageModel {
  public:
    virtual ~LanguageModel() = default;
    virtual ParameterList<float> parameters() = 0;
    /// One who begins to read, in the cell's initial state.
    virtual std::unique_ptr<Reader> reader() const = 0;
    /// Reads characters that are given one-hot, [T, B, vocabulary], from the initial state, for study: every
    /// step projects its own input.
    virtual Recording record(const tapeloop::Tensor<float>& x) const = 0;
};

/// A cell whose `project` was done by somebody else: it has none, so `unroll` hands its input on as it is.
template <class Cell>
struct Projected {
    const Cell& cell;
    auto initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    auto step(const auto& projected, const auto& state) const { return cell.step(projected, state); }
};

/// `Cell` has the input weights U [vocabulary, G], their bias b [G] and the recurrent weights W as members,
/// as all cells of the library.
template <class Cell>
class RecurrentModel : public LanguageModel {
  public:
    RecurrentModel(Cell cell, tapeloop::nn::Linear<float> output)
        : cell_(std::move(cell)), output_(std::move(output)) {}

    ParameterList<float> parameters() override {
        ParameterList<float> list;
        list.add("cell", cell_.parameters());
        list.add("output", output_.parameters());
        return list;
    }
    std::unique_ptr<Reader> reader() const override { return std::make_unique<CellReader>(*this); }
    Recording record(const tapeloop::Tensor<float>& x) const override {
        Recording recording{{}, {}, &cell_.W, {}};
        if constexpr (requires { cell_.gate_names(); })
            for (const std::string_view gate : cell_.gate_names()) recording.gates.emplace_back(gate);
        const auto result = tapeloop::nn::unroll(cell_, input(x).named("x"), {.hoist = false, .trace = true});
        recording.states = tapeloop::nn::states(result.trace);
        const tapeloop::LabelScope<float> label("output");
        recording.logits = output_(result.outputs);
        return recording;
    }

  private:
    class CellReader : public Reader {
      public:
        explicit CellReader(const RecurrentModel& model) : model_(model) {}

        // With x one-hot, x U is a row of U: no product is needed.
        Var<float> read(const Indices& characters) override {
            const Var<float> projected = gather_rows(model_.cell_.U, characters) + model_.cell_.b;
            const Projected<Cell> cell{model_.cell_};
            start_ = carried_ ? tapeloop::nn::resume(*carried_) : cell.initial_state(characters.shape()[1]);
            const auto result = tapeloop::nn::unroll(cell, projected, start_);
            end_ = result.state;
            return model_.output_(result.outputs);
        }
        void move_on() override { carried_ = tapeloop::nn::carry(end_); }
        void set_start(tapeloop::Program<float>& program) override {
            tapeloop::nn::for_each_part(
                [&](const Var<float>& start, const tapeloop::Tensor<float>& value) {
                    program.set(start, value);
                },
                start_, carried_.value());
        }
        void begin(std::size_t lanes) override {
            const tapeloop::Tape<float> tape;
            carried_ = tapeloop::nn::carry(model_.cell_.initial_state(lanes));
        }
        void add_to(tapeloop::nn::Checkpoint<float>& checkpoint, const std::string& name) override {
            checkpoint.add(name, carried_.value());
        }

      private:
        const RecurrentModel& model_;
        tapeloop::nn::StateOf<Cell> start_;  // of what was read last
        tapeloop::nn::StateOf<Cell> end_;
        std::optional<tapeloop::nn::Carried<tapeloop::nn::StateOf<Cell>>> carried_;
    };

    Cell cell_;
    tapeloop::nn::Linear<float> output_;
};

}  // namespace char_rnn
