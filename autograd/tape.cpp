#include <fmt/format.h>
#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/record/open_tapes.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/steps.hpp>
#include <autograd/tape.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

// The next tape of this thread starts with the room that the last one needed, up to some megabytes.
constexpr std::size_t least_usual_size = 256;
constexpr std::size_t largest_usual_size = 1 << 15;
template <class T>
thread_local std::size_t usual_size = least_usual_size;

template <class T>
class Slots {
  public:
    TapeSlot<T>* open(Tape<T>* tape) {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) {
            free_.reserve(slots_.size() + 1);  // so that closing one never has to
            free_.push_back(&slots_.emplace_back());
        }
        TapeSlot<T>* slot = free_.back();
        free_.pop_back();
        slot->opened = ++slot->stamp;
        slot->tape = tape;
        return slot;
    }
    void close(TapeSlot<T>* slot) {
        const std::lock_guard lock(mutex_);
        slot->opened = 0;
        slot->tape = nullptr;
        free_.push_back(slot);
    }

  private:
    std::mutex mutex_;
    std::deque<TapeSlot<T>> slots_;
    std::vector<TapeSlot<T>*> free_;
};

template <class T>
Slots<T>& slots() {
    static auto* all = new Slots<T>();  // never destroyed: a Var may outlive everything
    return *all;
}

constexpr Description of_constant{.equation = "y = x, given", .kind = OperationKind::constant};
constexpr Description of_result{.equation = "y = one result of x",
                                .rules = {{"x", "g, handed on with those of the other results"}},
                                .kind = OperationKind::result};
constexpr Description of_parameter{.equation = "y = θ", .kind = OperationKind::parameter};

/// A value that was given, not computed.
template <class T>
class Constant final : public Operation<T> {
  public:
    static const Constant& instance() {
        static const Constant constant;
        return constant;
    }
    std::string_view name() const override { return "constant"; }
    const Description& description() const override { return of_constant; }
    void repeat(Steps<T>&, NodeIndex) const override {}  // it was given
    void pull(Sweep<T>&, NodeIndex) const override {}
    void pull(GraphSweep<T>&, NodeIndex) const override {}
};

/// One of several results; the operation in front of them takes their cotangents together.
template <class T>
class Result final : public Operation<T> {
  public:
    std::string_view name() const override { return "result"; }
    const Description& description() const override { return of_result; }
    void repeat(Steps<T>&, NodeIndex) const override {}  // by the operation in front of it
    void pull(Sweep<T>&, NodeIndex) const override {}
    void pull(GraphSweep<T>&, NodeIndex) const override {}
};

template <class T>
class Leaf final : public Operation<T> {
  public:
    explicit Leaf(std::shared_ptr<typename Parameter<T>::Storage> parameter)
        : storage_(std::move(parameter)), version_(storage_->version) {}
    std::string_view name() const override { return "parameter"; }
    const Description& description() const override { return of_parameter; }
    void repeat(Steps<T>&, NodeIndex) const override {}  // it is read where it is
    void pull(Sweep<T>&, NodeIndex) const override {}
    void pull(GraphSweep<T>&, NodeIndex) const override {}

    const std::shared_ptr<typename Parameter<T>::Storage>& storage() const { return storage_; }
    void require_same() const {
        if (storage_->is_replaced)
            throw std::logic_error(fmt::format(
                "program: parameter '{}' was replaced by another after it was recorded; record again",
                storage_->name));
    }
    void require_unchanged() const {
        if (storage_->version != version_)
            throw std::logic_error(
                fmt::format("gradient: parameter '{}' was changed after it was recorded; "
                            "differentiate before the update",
                            storage_->name));
    }

  private:
    std::shared_ptr<typename Parameter<T>::Storage> storage_;
    std::uint64_t version_;
};

constexpr std::size_t first_block_bytes = 1 << 16;
constexpr std::size_t largest_block_bytes = 1 << 20;

}  // namespace

namespace detail {

std::string with_site(std::string_view message, const CallSite& site, std::string_view label) {
    return fmt::format("{} ({}:{}{}{})", message, std::filesystem::path(site.file_name()).filename().string(),
                       site.line(), label.empty() ? "" : ", ", label);
}

}  // namespace detail

template <class T>
Tape<T>::Tape(TapeOptions options) : options_(options) {
    nodes_.reserve(usual_size<T>);
    inputs_.reserve(usual_size<T> * 2);
    labels_.push_back({0, "", -1});
    // Last, so that a tape that could not be made is nowhere known.
    auto* const tapes = OpenTapes<T>::of_thread();
    if (tapes != nullptr) tapes->make_room();
    slot_ = slots<T>().open(this);
    if (tapes != nullptr) tapes->add(handle());
}

template <class T>
Tape<T>::~Tape() {
    usual_size<T> = std::clamp(nodes_.size(), least_usual_size, largest_usual_size);
    if (auto* const tapes = OpenTapes<T>::of_thread()) tapes->remove(handle());
    slots<T>().close(slot_);
    for (const Kept& kept : kept_) kept.destroy(kept.operation);
    for (const Block& block : blocks_) pool_free(block.memory, block.bytes);
}

template <class T>
Tape<T>& Tape<T>::current() {
    auto* const tapes = OpenTapes<T>::of_thread();
    Tape* const tape = tapes == nullptr ? nullptr : tapes->innermost();
    if (tape == nullptr)
        throw std::logic_error(fmt::format("tape: no Tape<{}> in scope; construct one before computing",
                                           sizeof(T) == 4 ? "float" : "double"));
    return *tape;
}

template <class T>
RepeatedProducts<T>& Tape<T>::products() {
    if (products_ == nullptr) products_ = std::make_unique<RepeatedProducts<T>>();
    return *products_;
}

template <class T>
void* Tape<T>::allocate_bytes(std::size_t bytes) {
    const std::size_t rounded = std::max<std::size_t>((bytes + 63) / 64 * 64, 64);
    value_bytes_ += rounded;
    if (rounded > static_cast<std::size_t>(block_end_ - free_)) {
        if (rounded > largest_block_bytes / 8) {  // of its own, the rest of the current block stays in use
            blocks_.push_back({pool_allocate(rounded), rounded});
            return blocks_.back().memory;
        }
        block_bytes_ = std::clamp(block_bytes_ * 2, first_block_bytes, largest_block_bytes);
        block_bytes_ = std::max(block_bytes_, rounded);
        blocks_.push_back({pool_allocate(block_bytes_), block_bytes_});
        free_ = static_cast<std::byte*>(blocks_.back().memory);
        block_end_ = free_ + block_bytes_;
    }
    return std::exchange(free_, free_ + rounded);
}

template <class T>
NodeIndex Tape<T>::append(const Operation<T>& operation, std::span<const NodeIndex> inputs,
                          const Shape& shape, const T* data, const CallSite& site) {
    if (nodes_.size() >= std::numeric_limits<NodeIndex>::max())
        throw std::length_error("tape: 2^32 nodes are recorded; differentiate in stretches");
    const auto first = static_cast<NodeIndex>(inputs_.size());
    if (recording_) inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
    const auto count = static_cast<NodeIndex>(inputs_.size()) - first;
    const bool cut_off = !recording_ && !inputs.empty();
    const Operation<T>& made_by = cut_off ? Constant<T>::instance() : operation;
    if (cut_off) [[unlikely]]
        note_read(inputs.front(), site);  // nobody computes it again
    nodes_.push_back({&made_by, data, shape, first, count, label_, 0, slot_->stamp, site});
    const auto index = static_cast<NodeIndex>(nodes_.size() - 1);
    if (observed_) [[unlikely]]
        observe_append(index);
    return index;
}

template <class T>
NodeIndex Tape<T>::append_results(const Operation<T>& operation, std::span<const NodeIndex> inputs,
                                  const Shape& shape, std::span<const Array<T>> results,
                                  const CallSite& site) {
    static const Result<T> result_of;
    const NodeIndex maker = append(operation, inputs, shape, nullptr, site);
    nodes_[maker].results = recording_ ? static_cast<NodeIndex>(results.size()) : 0;
    for (const Array<T>& result : results) {
        const NodeIndex index = append(result_of, {&maker, 1}, result.shape(), result.data(), site);
        if (recording_) nodes_[index].results = result_mark;
    }
    return maker + 1;
}

template <class T>
NodeIndex Tape<T>::constant(const Shape& shape, const T* elements, const CallSite& site) {
    const std::size_t size = shape.size();
    T* data = allocate(size);
    std::copy_n(elements, size, data);
    return append(Constant<T>::instance(), {}, shape, data, site);
}

template <class T>
NodeIndex Tape<T>::leaf(const std::shared_ptr<typename Parameter<T>::Storage>& parameter,
                        const CallSite& site) {
    const auto& storage = *parameter;
    if (const NodeIndex* known = find(&storage)) return *known;
    // Its elements stay where they are; the version tells when they were changed. Every value has a place,
    // also one without elements, for which xtensor has none.
    const T* const data = storage.value.size() == 0 ? allocate(0) : storage.value.data();
    const NodeIndex index = append(keep(Leaf<T>(parameter)), {}, storage.shape, data, site);
    leaves_.emplace(&storage, index);
    names_.emplace(index, storage.name);
    return index;
}

template <class T>
const NodeIndex* Tape<T>::find(const typename Parameter<T>::Storage* parameter) const {
    const auto found = leaves_.find(parameter);
    return found == leaves_.end() ? nullptr : &found->second;
}

template <class T>
std::shared_ptr<typename Parameter<T>::Storage> Tape<T>::parameter(NodeIndex index) const {
    // By type: a program may call an operation of its own by any name.
    const auto* leaf = dynamic_cast<const Leaf<T>*>(nodes_[index].operation);
    return leaf == nullptr ? nullptr : leaf->storage();
}

template <class T>
std::optional<NodeIndex> Tape<T>::detached_from(NodeIndex index) const {
    const auto found = detached_.find(index);
    return found == detached_.end() ? std::nullopt : std::optional<NodeIndex>(found->second);
}

template <class T>
void Tape<T>::require_unchanged_parameters() const {
    for (const auto& [parameter, index] : leaves_)
        static_cast<const Leaf<T>*>(nodes_[index].operation)->require_unchanged();
}

template <class T>
void Tape<T>::require_same_parameters() const {
    for (const auto& [parameter, index] : leaves_)
        static_cast<const Leaf<T>*>(nodes_[index].operation)->require_same();
}

template <class T>
bool Tape<T>::is_input(NodeIndex index) const {
    return nodes_[index].operation == &Constant<T>::instance();
}

template <class T>
void Tape<T>::begin_steady() {
    steady_ends_.push_back({static_cast<NodeIndex>(size()), true});
    products().hold();
}

template <class T>
void Tape<T>::end_steady() {
    steady_ends_.push_back({static_cast<NodeIndex>(size()), false});
    products().let_go();
}

template <class T>
void Tape<T>::drop_nodes(std::size_t size, std::size_t inputs) {
    inputs_.resize(inputs);
    while (!slots_.empty() && slots_.back().node >= size) slots_.pop_back();
    if (size >= nodes_.size()) return;
    nodes_.resize(size);
    ++slot_->stamp;  // a Var of what is gone means none of the nodes that come
    std::erase_if(leaves_, [size](const auto& leaf) { return leaf.second >= size; });
    std::erase_if(names_, [size](const auto& name) { return name.first >= size; });
    std::erase_if(detached_, [size](const auto& detached) { return detached.first >= size; });
    if (first_read_.has_value() && first_read_->size > size) first_read_.reset();
    if (places_.size() > size) places_.resize(size);
}

template <class T>
typename Tape<T>::Mark Tape<T>::mark() const {
    return {nodes_.size(), inputs_.size(), labels_.size(), kept_.size(), blocks_.size(),
            free_,         block_end_,     block_bytes_,   value_bytes_, steady_ends_.size()};
}

template <class T>
void Tape<T>::roll_back(const Mark& mark) noexcept {
    drop_nodes(mark.nodes, mark.inputs);
    for (; kept_.size() > mark.kept; kept_.pop_back()) kept_.back().destroy(kept_.back().operation);
    // Copies of what will lie in the same places.
    if (value_bytes_ != mark.value_bytes && products_ != nullptr) products_->forget();
    for (; blocks_.size() > mark.blocks; blocks_.pop_back())
        pool_free(blocks_.back().memory, blocks_.back().bytes);
    free_ = mark.free;
    block_end_ = mark.block_end;
    block_bytes_ = mark.block_bytes;
    value_bytes_ = mark.value_bytes;
    steady_ends_.resize(std::min(steady_ends_.size(), mark.steady_ends));
    while (label_ >= mark.labels) label_ = labels_[label_].parent;
    labels_.resize(mark.labels);
}

template <class T>
LabelIndex Tape<T>::open_label(LabelIndex parent, std::string_view name, std::ptrdiff_t step) {
    labels_.push_back({parent, std::string(name), step});
    return static_cast<LabelIndex>(labels_.size() - 1);
}

template <class T>
std::string Tape<T>::label_text(LabelIndex label) const {
    std::string path;
    for (; label != 0; label = labels_[label].parent) {
        const LabelEntry& entry = labels_[label];
        const std::string part = entry.step < 0 ? entry.name : fmt::format("{}={}", entry.name, entry.step);
        path = path.empty() ? part : part + "/" + path;
    }
    return path;
}

template <class T>
std::string Tape<T>::module(NodeIndex index) const {
    std::string path;
    for (LabelIndex label = nodes_[index].label; label != 0; label = labels_[label].parent)
        if (labels_[label].step < 0) path = labels_[label].name + (path.empty() ? "" : "/" + path);
    return path;
}

template <class T>
std::optional<std::size_t> Tape<T>::time_step(NodeIndex index) const {
    for (LabelIndex label = nodes_[index].label; label != 0; label = labels_[label].parent)
        if (labels_[label].step >= 0) return static_cast<std::size_t>(labels_[label].step);
    return {};
}

template <class T>
std::string Tape<T>::name(NodeIndex index) const {
    const auto found = names_.find(index);
    return found == names_.end() ? std::string() : found->second;
}

template <class T>
std::string Tape<T>::describe(NodeIndex index) const {
    const Node<T>& node = nodes_[index];
    const std::string given = name(index);
    return with_site(fmt::format("{}{}", node.operation->name(), given.empty() ? "" : " '" + given + "'"),
                     node.site, label(index));
}

template <class T>
TapeStatistics Tape<T>::statistics() const {
    const std::size_t node_bytes = nodes_.size() * sizeof(Node<T>) + inputs_.size() * sizeof(NodeIndex);
    const auto& [cotangents, recomputed_nodes, recomputed] = last_sweep_;
    return {nodes_.size(),    value_bytes_, cotangents,
            recomputed_nodes, recomputed,   value_bytes_ + cotangents + recomputed + node_bytes};
}

template <class T>
static Var<T> entered(const Operand<T>& tensor) {
    Tape<T>& tape = tensor.tape() != nullptr ? *tensor.tape() : Tape<T>::current();
    detail::Rollback rollback(tape);
    return rollback.keep(tape.var(tensor.enter(tape)));
}

Var<float> input(const Operand<float>& tensor) { return entered(tensor); }

Var<double> input(const Operand<double>& tensor) { return entered(tensor); }

template <class T>
thread_local TapeObserver<T>* innermost_observer = nullptr;

template <>
TapeObserver<float>*& TapeObserver<float>::innermost() {
    return innermost_observer<float>;
}
template <>
TapeObserver<double>*& TapeObserver<double>::innermost() {
    return innermost_observer<double>;
}

template class Tape<float>;
template class Tape<double>;

}  // namespace tapeloop
