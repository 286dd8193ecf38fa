#pragma once

#include <autograd/parameter.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/record/operation.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tapeloop {

namespace detail {

template <class T>
class RepeatedProducts;
template <class T>
class Draws;

/// The place of a label path on its tape; 0 outside every label.
using LabelIndex = std::uint32_t;

/// The value of `Node::results` of a node that is itself one of several results; its input is the node that
/// made it.
inline constexpr std::uint32_t result_mark = static_cast<std::uint32_t>(-1);

/// One recorded operation. Inputs are indices of earlier nodes.
template <class T>
struct Node {
    const Operation<T>* operation;
    const T* data;
    Shape shape;
    std::uint32_t first_input;
    std::uint32_t input_count;
    LabelIndex label;
    /// The number of the following nodes that are this one's results, for an operation with several.
    std::uint32_t results;
    /// The stamp of the `Var`s that mean this node, not one that was taken back and had the same index.
    std::uint32_t stamp;
    CallSite site;
};

}  // namespace detail

/// Options of a tape.
struct TapeOptions {
    /// Run `map` as one fused pass. Off, it records the operations that the function is made of, for study.
    bool fuse = true;
    /// Stop at the first NaN or infinity, forward or backward, with an error that says where: see
    /// autograd/watch.hpp.
    bool watch = false;
};

/// Figures of a tape: what it holds, and what differentiating it took.
struct TapeStatistics {
    std::size_t nodes = 0;
    std::size_t value_bytes = 0;       ///< of all nodes' values, inputs and parameters not counted
    std::size_t cotangent_bytes = 0;   ///< held at once, at most, by the last sweep
    std::size_t recomputed_nodes = 0;  ///< that the last sweep computed again: see `nn::recomputed`
    std::size_t recomputed_bytes = 0;  ///< of their values, nodes included, held at once, at most
    std::size_t peak_bytes = 0;        ///< of all these, and the nodes themselves
};

/// The recording: nodes in the order in which they were computed. Constructing one makes it this thread's
/// current tape until it goes out of scope; tapes nest. An operation is recorded on the tape of its `Var`s,
/// and on the current one if it has none. Not to be used by two threads at once.
template <class T>
class Tape {
  public:
    /// Makes it this thread's current tape.
    explicit Tape(TapeOptions options = {});
    ~Tape();
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    /// This thread's innermost tape. Throws `std::logic_error` when there is none.
    static Tape& current();

    std::size_t size() const { return nodes_.size(); }
    /// Returns the number of nodes that there is room for, before there has to be more.
    std::size_t capacity() const { return nodes_.capacity(); }
    /// Returns a node, valid until another is recorded.
    const detail::Node<T>& node(NodeIndex index) const { return nodes_[index]; }
    /// Returns the indices of a node's inputs, valid until another node is recorded.
    std::span<const NodeIndex> inputs(NodeIndex index) const {
        return {inputs_.data() + nodes_[index].first_input, nodes_[index].input_count};
    }
    /// Returns a look at a node's value, valid as long as the tape.
    Array<T> array(NodeIndex index) const { return {nodes_[index].shape, nodes_[index].data}; }
    /// Returns a `Var` that means a node.
    Var<T> var(NodeIndex index) {
        return {*slot_, index < size() ? nodes_[index].stamp : slot_->stamp.load(), index};
    }
    /// Returns whether there is this node, recorded under this stamp.
    bool has(NodeIndex index, std::uint32_t stamp) const {
        return index < size() && nodes_[index].stamp == stamp;
    }
    /// Returns a handle that notices when the tape is gone.
    detail::TapeHandle<T> handle() const { return detail::TapeHandle<T>(*slot_); }
    /// Returns the options as they are now.
    const TapeOptions& options() const { return options_; }
    /// Counts nodes and bytes.
    TapeStatistics statistics() const;

    /// `encoder/layer1/t=3`; empty for a node outside every `LabelScope`.
    std::string label(NodeIndex index) const { return label_text(nodes_[index].label); }
    /// Returns the label without time steps: of the path `decoder/t=3/attention` the module is
    /// `decoder/attention`.
    std::string module(NodeIndex index) const;
    /// The innermost time step of the label path.
    std::optional<std::size_t> time_step(NodeIndex index) const;
    /// `add (cell.hpp:42, encoder/t=3)`, as error texts name a node.
    std::string describe(NodeIndex index) const;
    /// The name that `Var::named` gave; empty without.
    std::string name(NodeIndex index) const;
    /// Gives a node a name of the user's.
    void set_name(NodeIndex index, std::string name) { names_[index] = std::move(name); }

    // For operations.

    /// Returns memory that lives as long as the tape.
    T* allocate(std::size_t elements) {
        if (elements > Shape::max_size) throw std::bad_array_new_length();
        return static_cast<T*>(allocate_bytes(elements * sizeof(T)));
    }
    /// Keeps an operation for as long as the tape.
    template <class Op>
    const Op& keep(Op&& operation);
    /// Appends the node of an operation whose value lies at `data`, in memory that lives as long as the tape,
    /// and returns its index.
    NodeIndex append(const detail::Operation<T>& operation, std::span<const NodeIndex> inputs,
                     const Shape& shape, const T* data, const CallSite& site);
    /// Appends an operation with several results: its own node, which has no value, and right behind it one
    /// node for each of `results`, which lie in the tape's memory. Returns the index of the first result.
    NodeIndex append_results(const detail::Operation<T>& operation, std::span<const NodeIndex> inputs,
                             const Shape& shape, std::span<const Array<T>> results, const CallSite& site);
    /// A leaf whose elements are copied, or already lie in the tape's memory.
    NodeIndex constant(const Shape& shape, const T* elements, const CallSite& site);
    /// Returns the node of a parameter, recorded now if it is not there yet.
    NodeIndex leaf(const Parameter<T>& parameter, const CallSite& site) {
        return leaf(parameter.storage(), site);
    }
    /// Returns the node of the parameter with this storage.
    NodeIndex leaf(const std::shared_ptr<typename Parameter<T>::Storage>& parameter, const CallSite& site);
    /// Returns whether inputs are noted. Off, nodes are recorded as constants: see `Paused`.
    bool recording() const { return recording_; }
    /// Says whether inputs are noted: see `Paused`.
    void set_recording(bool on) { recording_ = on; }
    /// Says whether the tape stops at the first NaN or infinity.
    void set_watch(bool on) {
        options_.watch = on;
        observed_ = on || TapeObserver<T>::innermost() != nullptr;
    }
    /// Returns whether somebody wants to know of nodes and rules: a watch or an observer.
    bool observed() const { return observed_; }
    /// Tells the watch and the observers of a node that was appended; when one throws, the node is taken
    /// back.
    void observe_append(NodeIndex node);  // as the next, defined in watch.cpp
    /// Tells the watch and the observers that the rules of a node have run.
    void observe_pull(detail::Sweep<T>& sweep, NodeIndex node);
    /// Puts another operation in a node's place, such as one that wraps it.
    void replace_operation(NodeIndex node, const detail::Operation<T>& operation) {
        nodes_[node].operation = &operation;
    }
    /// Makes a node's value lie elsewhere, in memory that lives as long as the tape.
    void replace_value(NodeIndex node, const T* data) { nodes_[node].data = data; }
    /// The node of a parameter that has been used on this tape.
    const NodeIndex* find(const typename Parameter<T>::Storage* parameter) const;
    /// The parameter of a leaf; null for every other node.
    std::shared_ptr<typename Parameter<T>::Storage> parameter(NodeIndex index) const;
    /// The node whose value `detach` took; none for every other node.
    std::optional<NodeIndex> detached_from(NodeIndex index) const;
    /// Notes that `index` has the value of `source`, but passes no gradient.
    void note_detached(NodeIndex index, NodeIndex source) { detached_.emplace(index, source); }
    /// Throws `std::logic_error` when one was changed after it was recorded: rules read its elements where
    /// they are.
    void require_unchanged_parameters() const;
    /// What a sweep took.
    struct SweepFigures {
        std::size_t cotangent_bytes = 0;
        std::size_t recomputed_nodes = 0;
        std::size_t recomputed_bytes = 0;
    };
    /// Notes what the last sweep took.
    void note_sweep(const SweepFigures& figures) { last_sweep_ = figures; }
    /// Returns who keeps what is drawn; null when nobody does.
    detail::Draws<T>* draws() const { return draws_; }
    /// Says who keeps what is drawn.
    void set_draws(detail::Draws<T>* draws) { draws_ = draws; }
    /// The amounts of everything that recording adds to.
    struct Mark {
        std::size_t nodes;
        std::size_t inputs;
        std::size_t labels;
        std::size_t kept;
        std::size_t blocks;
        std::byte* free;
        std::byte* block_end;
        std::size_t block_bytes;
        std::size_t value_bytes;
        std::size_t steady_ends;
        friend bool operator==(const Mark&, const Mark&) = default;
    };
    /// Returns the present amounts, for `roll_back`.
    Mark mark() const;
    /// Takes back all that was added since: nodes, memory, kept operations and labels. For
    /// `detail::Rollback`.
    void roll_back(const Mark& mark) noexcept;

    /// Returns the place where a program writes a node's value; null before there is one.
    T*& place(NodeIndex node) {
        if (places_.size() < size()) places_.resize(size(), nullptr);
        return places_[node];
    }
    /// Returns whether a node is a value that was given, by `input` or as a constant.
    bool is_input(NodeIndex index) const;
    /// Throws `std::logic_error` when a parameter was replaced by another since it was recorded.
    void require_same_parameters() const;
    /// A look at a value while nodes that came later were not yet recorded.
    struct Read {
        NodeIndex node;  ///< whose value was read
        NodeIndex size;  ///< of the tape then
        CallSite site;
    };
    /// Notes that somebody read a node's value.
    void note_read(NodeIndex node, const CallSite& site) const {
        if (!first_read_.has_value()) first_read_ = Read{node, static_cast<NodeIndex>(size()), site};
    }
    /// Returns the first time that somebody read a value.
    const std::optional<Read>& first_read() const { return first_read_; }
    /// The place among the nodes where a stretch begins or ends in which values are steady: see
    /// `detail::Steady`.
    struct SteadyEnd {
        NodeIndex node;
        bool begins;
    };
    /// Returns all of them, in order.
    const std::vector<SteadyEnd>& steady_ends() const { return steady_ends_; }
    /// Begins such a stretch; they nest.
    void begin_steady();
    /// Ends the innermost.
    void end_steady();

    /// A thing that is no node and that nodes were recorded with, such as positions, to which a program may
    /// give other elements.
    struct Slot {
        NodeIndex node;                        ///< that was recorded with it
        std::shared_ptr<const void> identity;  ///< of what the user holds
        /// Checks other elements, and returns what sets them.
        std::function<std::function<void()>(std::span<const std::ptrdiff_t> elements)> renew;
    };
    /// Notes one, for the node that comes next.
    void note_slot(std::shared_ptr<const void> identity,
                   std::function<std::function<void()>(std::span<const std::ptrdiff_t>)> renew) {
        slots_.push_back({static_cast<NodeIndex>(size()), std::move(identity), std::move(renew)});
    }
    /// Returns all of them, in order.
    const std::vector<Slot>& index_slots() const { return slots_; }

    /// Returns the products of recorded values that come repeatedly.
    detail::RepeatedProducts<T>& products();

    /// Adds a label below `parent`, and returns its number; `step` is negative unless it is a time step.
    detail::LabelIndex open_label(detail::LabelIndex parent, std::string_view name, std::ptrdiff_t step);
    /// Returns the number of the innermost label.
    detail::LabelIndex current_label() const { return label_; }
    /// Returns the innermost label with those around it, `encoder/t=3`.
    std::string current_label_text() const { return label_text(label_); }
    /// Makes `label` the innermost one; does nothing for a label that was taken back.
    void set_current_label(detail::LabelIndex label) {
        if (label < labels_.size()) label_ = label;
    }

  private:
    struct LabelEntry {
        detail::LabelIndex parent;
        std::string name;
        std::ptrdiff_t step;
    };
    struct Block {
        void* memory;
        std::size_t bytes;
    };
    struct Kept {
        void* operation;
        void (*destroy)(void*);
    };

    void* allocate_bytes(std::size_t bytes);
    std::string label_text(detail::LabelIndex label) const;
    void drop_nodes(std::size_t size, std::size_t inputs);

    detail::TapeSlot<T>* slot_ = nullptr;
    TapeOptions options_;
    bool recording_ = true;
    bool observed_ = options_.watch || TapeObserver<T>::innermost() != nullptr;
    detail::LabelIndex label_ = 0;
    std::vector<detail::Node<T>, PoolAllocator<detail::Node<T>>> nodes_;
    std::vector<NodeIndex, PoolAllocator<NodeIndex>> inputs_;
    std::vector<Block> blocks_;
    std::byte* free_ = nullptr;
    std::byte* block_end_ = nullptr;
    std::size_t block_bytes_ = 0;
    std::size_t value_bytes_ = 0;
    SweepFigures last_sweep_;
    detail::Draws<T>* draws_ = nullptr;
    std::vector<Kept> kept_;
    std::unique_ptr<detail::RepeatedProducts<T>> products_;
    std::vector<LabelEntry> labels_;
    std::unordered_map<const void*, NodeIndex> leaves_;
    std::unordered_map<NodeIndex, std::string> names_;
    std::unordered_map<NodeIndex, NodeIndex> detached_;
    mutable std::optional<Read> first_read_;
    std::vector<T*> places_;
    std::vector<SteadyEnd> steady_ends_;
    std::vector<Slot> slots_;
};

template <class T>
template <class Op>
const Op& Tape<T>::keep(Op&& operation) {
    using Plain = std::remove_cvref_t<Op>;
    static_assert(alignof(Plain) <= 64);
    auto* kept = new (allocate_bytes(sizeof(Plain))) Plain(std::forward<Op>(operation));
    if constexpr (!std::is_trivially_destructible_v<Plain>)
        kept_.push_back({kept, [](void* memory) { static_cast<Plain*>(memory)->~Plain(); }});
    return *kept;
}

/// Names what is recorded in its scope: `LabelScope<T> layer("layer1");`, and `LabelScope<T> step(t)` for a
/// time step. Labels nest into paths, `layer1/t=3`. It labels this thread's current tape, which may go first.
template <class T>
class LabelScope {
  public:
    /// Opens a label of this name. Throws `std::logic_error` without a current tape.
    explicit LabelScope(std::string_view name) : LabelScope(name, -1) {}
    /// Opens the label of a time step, `t=3`. Throws `std::logic_error` without a current tape.
    explicit LabelScope(std::size_t time_step) : LabelScope("t", static_cast<std::ptrdiff_t>(time_step)) {}
    ~LabelScope() {
        if (Tape<T>* const tape = tape_.get()) tape->set_current_label(outer_);
    }
    LabelScope(const LabelScope&) = delete;
    LabelScope& operator=(const LabelScope&) = delete;

  private:
    LabelScope(std::string_view name, std::ptrdiff_t step) : LabelScope(Tape<T>::current(), name, step) {}
    LabelScope(Tape<T>& tape, std::string_view name, std::ptrdiff_t step)
        : tape_(tape.handle()), outer_(tape.current_label()) {
        tape.set_current_label(tape.open_label(outer_, name, step));
    }
    detail::TapeHandle<T> tape_;
    detail::LabelIndex outer_;
};

/// A scope in which nothing is recorded: operations compute their values and enter the current tape as
/// constants.
template <class T>
class Paused {
  public:
    Paused() : Paused(Tape<T>::current()) {}
    ~Paused() {
        if (Tape<T>* const tape = tape_.get()) tape->set_recording(before_);
    }
    Paused(const Paused&) = delete;
    Paused& operator=(const Paused&) = delete;

  private:
    explicit Paused(Tape<T>& tape) : tape_(tape.handle()), before_(tape.recording()) {
        tape.set_recording(false);
    }
    detail::TapeHandle<T> tape_;
    bool before_;
};

// Here, where the tape is known: every operation asks each of its arguments.
template <class T>
Tape<T>& Var<T>::tape() const {
    if (slot_ != nullptr)
        if (Tape<T>* const tape = slot_->tape;
            tape != nullptr && stamp_ >= slot_->opened && tape->has(index_, stamp_))
            return *tape;
    fail();
}

/// A tensor as a node of the current tape: an input of the computation. Its gradient can be asked for like
/// any other node's.
Var<float> input(const Operand<float>& tensor);
Var<double> input(const Operand<double>& tensor);

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace tapeloop
