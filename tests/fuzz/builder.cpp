#include <tests/fuzz/builder.hpp>
#include <tests/fuzz/catalogue.hpp>
#include <tests/fuzz/finding.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tapeloop::fuzz {
namespace {

/// Larger values, and more elements, are rarely taken further: what is made of them tells little.
constexpr double largest_tame = 8;
constexpr std::size_t most_tame_elements = 300;

bool is_tame(const Tensor<double>& value) {
    return value.size() <= most_tame_elements &&
           std::all_of(value.begin(), value.end(), [](double x) { return std::abs(x) <= largest_tame; });
}

/// Numbers without a pattern; integers, which are equal to one another and on kinks; or all the same.
Tensor<double> leaf_value(Bytes& bytes, const Shape& shape, bool only_smooth) {
    test::Random random(bytes.seed());
    const std::size_t kind = only_smooth ? 0 : bytes.below(6);
    Tensor<double> value = random.tensor(shape, -2, 2);
    if (kind == 4)
        for (double& x : value) x = std::round(x);
    if (kind == 5) std::fill(value.begin(), value.end(), std::round(random.uniform(-2, 2)));
    return value;
}

}  // namespace

Shape Builder::random_shape(std::size_t least_rank, std::size_t most_rank) {
    static const std::vector<std::size_t> extents{2, 1, 3, 0, 1, 2, 3, 4, 1, 5, 2, 3, 7, 17};
    Shape shape;
    const std::size_t rank = least_rank + bytes_.below(most_rank - least_rank + 1);
    for (std::size_t i = 0; i < rank; ++i) {
        const std::size_t extent = bytes_.one_of(extents);
        shape.append(shape.size() * extent > most_tame_elements ? 2 : extent);
    }
    return shape;
}

std::optional<Id> Builder::find(const std::function<bool(Id)>& fits) {
    const bool takes_wild = bytes_.chance(2);
    std::vector<Id> fitting;
    for (Id id = 0; id < running_.size(); ++id)
        if ((takes_wild || seen_[id].is_tame) && fits(id)) fitting.push_back(id);
    if (fitting.empty()) return std::nullopt;
    return fitting[bytes_.below(std::min<std::size_t>(fitting.size(), 256))];
}

Id Builder::leaf(const Shape& shape) {
    LeafKind kind = bytes_.one_of<LeafKind>({LeafKind::input, LeafKind::input, LeafKind::parameter,
                                             LeafKind::parameter, LeafKind::tensor, LeafKind::number});
    if (kind == LeafKind::number && shape.rank() > 0) kind = LeafKind::input;
    return add_leaf(kind, leaf_value(bytes_, shape, only_smooth_));
}

Id Builder::any() { return of_rank(0, 4); }

Id Builder::of_rank(std::size_t least, std::size_t most) {
    if (!bytes_.chance(12)) {
        const auto found = find([&](Id id) { return shape(id).rank() >= least && shape(id).rank() <= most; });
        if (found) return *found;
    }
    return leaf(random_shape(least, std::min(most, std::max<std::size_t>(least, 4))));
}

Id Builder::of_shape(const Shape& wanted) {
    if (!bytes_.chance(20)) {
        const auto found = find([&](Id id) { return shape(id) == wanted; });
        if (found) return *found;
    }
    return leaf(wanted);
}

Id Builder::beside(const Shape& other) {
    const std::size_t way = bytes_.below(8);
    if (way == 0) return of_shape(other);
    if (way == 1) return of_shape({});
    if (way < 6) {
        const auto found = find([&](Id id) {
            const Shape own = shape(id);
            return broadcasts_to(own, other) || broadcasts_to(other, own);
        });
        if (found) return *found;
    }
    Shape part;
    const std::size_t skipped = bytes_.below(other.rank() + 1);
    for (std::size_t i = skipped; i < other.rank(); ++i) part.append(bytes_.chance(30) ? 1 : other[i]);
    return of_shape(part);
}

bool Builder::is_positive(Id id) const {
    const Tensor<double> value = running_.value(id);
    return std::all_of(value.begin(), value.end(), [](double x) { return x > 0.2; });
}

Promise Builder::where_positive(Id id, Promise promise) const {
    promise.is_smooth = promise.is_smooth && is_positive(id);
    return promise;
}

Id Builder::positive(Id id) {
    if (is_positive(id) || (!only_smooth_ && bytes_.chance(3))) return id;
    const Id before = running_.size();
    add(shifted_square({id}));
    return running_.size() > before ? before : id;
}

int Builder::axis(Id id) {
    const int rank = static_cast<int>(shape(id).rank());
    return rank == 0 ? 0 : bytes_.between(-rank, rank - 1);
}

Id Builder::add_leaf(LeafKind kind, Tensor<double> value) {
    running_.add_leaf(kind, value);
    Line line;
    line.leaf = Leaf{kind, std::move(value)};
    note(std::move(line));
    return running_.size() - 1;
}

void Builder::note(Line line) {
    line.first_result = seen_.size();
    line.results = running_.size() - seen_.size();
    while (seen_.size() < running_.size()) seen_.push_back({is_tame(running_.value(seen_.size()))});
    program_.lines.push_back(std::move(line));
}

void Builder::require_as_before(const TapeStatistics& before, const std::string& what) {
    const TapeStatistics after = running_.tape().statistics();
    if (after.nodes != before.nodes || after.value_bytes != before.value_bytes)
        throw Finding(fmt::format("a refusal leaves {} nodes and {} bytes behind: {}",
                                  after.nodes - before.nodes, after.value_bytes - before.value_bytes, what));
}

void Builder::add(Call call) {
    if (only_smooth_ && !call.promise.is_smooth) return;
    const auto name = [&](Id id) { return "v" + std::to_string(id) + shape(id).text(); };
    const Scope scope = bytes_.chance(3) ? Scope::paused : bytes_.chance(5) ? Scope::label : Scope::none;
    const TapeStatistics before = running_.tape().statistics();
    const std::string text = text_of(call, name, name);
    try {
        running_.add(call, scope);
    } catch (const std::logic_error& error) {
        const std::string what = text + ": " + error.what();
        // What was entered for the sake of the call alone is not the operation's.
        if (call.text.find('@') == std::string::npos && call.text.find('*') == std::string::npos &&
            !call.is_composed)
            require_as_before(before, what);
        program_.refusals.push_back(what);
        return;
    } catch (const std::exception& error) {
        throw Finding(fmt::format("{} throws what is neither bad input nor misuse: {}\n{}", text,
                                  error.what(), program_.text()));
    }
    Line line;
    line.call = std::move(call);
    line.scope = scope;
    note(std::move(line));
}

Program Builder::finish() {
    if (running_.size() == 0) leaf({2});
    std::vector<Id> tame;
    for (Id id = 0; id < running_.size(); ++id)
        if (seen_[id].is_tame && running_[id].var) tame.push_back(id);
    const std::size_t count = 1 + bytes_.below(4);
    for (std::size_t k = 0; k < count && !tame.empty(); ++k) {
        // The last ones depend on most.
        const Id id = tame[tame.size() - 1 - bytes_.below(std::min<std::size_t>(tame.size(), 8))];
        test::Random random(bytes_.seed() + k);
        program_.roots.push_back({id, random.tensor(shape(id))});
    }
    return std::move(program_);
}

Program make_program(Bytes bytes, bool only_smooth) {
    Builder builder(bytes, only_smooth);
    const std::size_t leaves = 1 + bytes.below(3);
    for (std::size_t i = 0; i < leaves; ++i) builder.leaf(builder.random_shape(0, 4));
    while (!bytes.is_at_end()) catalogue()[bytes.below(catalogue().size())].add(builder);
    return builder.finish();
}

}  // namespace tapeloop::fuzz
