#include <fmt/format.h>
#include <autograd/gradient_sweep.hpp>
#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/program.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/steps.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
void require_unseen(const Tape<T>& tape, NodeIndex root, const ProgramOptions& options) {
    if (tape.observed())
        throw std::logic_error(
            "program: the tape is watched or observed, and runs would not be seen; record on another one");
    if (const auto& read = tape.first_read();
        read.has_value() && read->size <= root && !options.reads_are_harmless)
        throw std::logic_error(with_site(
            fmt::format("program: the value of {} was read while the computation was recorded, and what was "
                        "made of it would stay as it is; compute it by operations, or say that "
                        "reads_are_harmless",
                        tape.describe(read->node)),
            read->site, ""));
}

/// Where the values of a tape lie, should they have to go back there.
template <class T>
class PlacesBefore {
  public:
    explicit PlacesBefore(Tape<T>& tape) {
        for (NodeIndex node = 0; node < tape.size(); ++node)
            nodes_.push_back({tape.node(node).data, tape.place(node)});
    }
    void restore(Tape<T>& tape) const {
        for (NodeIndex node = 0; node < nodes_.size(); ++node) {
            tape.replace_value(node, nodes_[node].data);
            tape.place(node) = nodes_[node].place;
        }
    }

  private:
    struct Node {
        const T* data;
        T* place;
    };
    std::vector<Node> nodes_;
};

}  // namespace

template <class T>
struct Program<T>::Recording {
    TapeHandle<T> tape;
    GradientSweep<T> sweep;
    Steps<T> forward;
    Steps<T> backward;
    /// What users see, and may change or take away; the steps write elsewhere.
    std::optional<Gradients<T>> shown;
    std::unordered_map<NodeIndex, Buffer<T>> inputs;

    Recording(const Var<T>& J, const WrtList<T>& wrt)
        : tape(J.tape().handle()),
          sweep({{J, cotangent_of_scalar(J)}}, wrt),
          forward(J.tape()),
          backward(J.tape()) {}

    /// Gives every node a place of its own, in order, so that it finds its inputs in theirs.
    void plan_forward() {
        Tape<T>& own = forward.tape();
        const auto size = static_cast<NodeIndex>(own.size());
        auto steady = own.steady_ends().begin();
        const auto add_ends = [&](NodeIndex node) {
            for (; steady != own.steady_ends().end() && steady->node <= node; ++steady)
                forward.add([&products = own.products(), begins = steady->begins] {
                    begins ? products.hold() : products.let_go();
                });
        };
        for (NodeIndex node = 0; node < size; ++node) {
            add_ends(node);
            if (own.is_input(node))
                inputs.emplace(node, forward.place(node));
            else
                own.node(node).operation->repeat(forward, node);
        }
        add_ends(size);
    }

    void show_gradients() {
        const Gradients<T>& last = sweep.gradients();
        const auto fits = [&](std::size_t i) { return shape_of(shown->at(i)) == shape_of(last.at(i)); };
        bool is_whole = shown.has_value() && shown->size() == last.size();
        for (std::size_t i = 0; is_whole && i < last.size(); ++i) is_whole = fits(i);
        if (!is_whole) {
            shown.emplace(last);
            return;
        }
        for (std::size_t i = 0; i < last.size(); ++i)
            std::copy_n(last.at(i).data(), last.at(i).size(), shown->at(i).data());
    }

    Tape<T>& require_tape() const {
        Tape<T>* const own = tape.get();
        if (own == nullptr)
            throw std::logic_error("program: its tape is gone; the tape must outlive the program");
        own->require_same_parameters();
        return *own;
    }
};

template <class T>
Program<T>::Program(const Var<T>& J, const WrtList<T>& wrt, ProgramOptions options) {
    Tape<T>& tape = J.tape();
    require_unseen(tape, J.index(), options);
    Rollback rollback(tape);
    recording_ = std::make_unique<Recording>(J, wrt);
    const PlacesBefore<T> before(tape);
    try {
        recording_->plan_forward();
        recording_->sweep.run_into(recording_->backward);
        recording_->show_gradients();
    } catch (...) {
        before.restore(tape);
        throw;
    }
    rollback.keep();
}

template <class T>
Program<T>::~Program() = default;
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;

template <class T>
void Program<T>::set(const Var<T>& x, const Tensor<T>& value) {
    const Tape<T>& tape = recording_->require_tape();
    if (&x.tape() != &tape) throw std::logic_error("program: set is given a Var of another tape");
    const auto place = recording_->inputs.find(x.index());
    if (place == recording_->inputs.end())
        throw std::invalid_argument(fmt::format(
            "program: {} cannot be set; only an input can that was recorded before the program was made",
            tape.describe(x.index())));
    if (const Shape shape = shape_of(value); shape != x.shape())
        throw std::invalid_argument(
            fmt::format("program: the input is {} and its new value {}; a program has fixed shapes",
                        x.shape().text(), shape.text()));
    std::copy_n(value.data(), value.size(), place->second.data());
}

template <class T>
void Program<T>::set(const Indices& slot, const Indices& positions) {
    const Tape<T>& tape = recording_->require_tape();
    if (positions.shape() != slot.shape())
        throw std::invalid_argument(
            fmt::format("program: the positions are {} and the new ones {}; a program has fixed shapes",
                        slot.shape().text(), positions.shape().text()));
    std::vector<std::function<void()>> changes;
    for (const auto& one : tape.index_slots())
        if (one.identity == slot.identity()) changes.push_back(one.renew(positions.values()));
    if (changes.empty())
        throw std::invalid_argument(
            "program: nothing was recorded with these positions; set takes the Indices, or a copy of them, "
            "that were given to the embedding or the loss, not ones that were made anew of the same numbers");
    for (const auto& change : changes) change();
}

template <class T>
void Program<T>::run_forward() {
    Tape<T>& tape = recording_->require_tape();
    const Rollback taken_back(tape);  // a function of the user's may record
    const typename RepeatedProducts<T>::Holders as_before(tape.products());
    recording_->forward.run();
}

template <class T>
void Program<T>::run() {
    run_forward();
    const Rollback taken_back(recording_->forward.tape());
    recording_->backward.run();
    recording_->show_gradients();
}

template <class T>
Gradients<T>& Program<T>::gradients() {
    return *recording_->shown;
}

template class Program<float>;
template class Program<double>;

}  // namespace tapeloop
