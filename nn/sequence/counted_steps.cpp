#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/tape.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/counted_steps.hpp>

#include <algorithm>
#include <map>
#include <numeric>

namespace tapeloop::nn {

using namespace detail;

StepMask StepMask::transposed() const {
    StepMask other;
    if (empty()) return other;
    other.shape_ = {shape_[1], shape_[0]};
    for (std::size_t row = 0; row < shape_[1]; ++row)
        for (std::size_t t = 0; t < shape_[0]; ++t) other.counts_.push_back((*this)(t, row));
    return other;
}

namespace {

/// [T, B, ..] -> [T B, ..].
Shape in_one_list(const Shape& x) {
    Shape shape{x[0] * x[1]};
    for (std::size_t axis = 2; axis < x.rank(); ++axis) shape.append(x[axis]);
    return shape;
}

bool is_whole_order(const std::vector<std::size_t>& places, std::size_t extent) {
    if (places.size() != extent) return false;
    for (std::size_t i = 0; i < extent; ++i)
        if (places[i] != i) return false;
    return true;
}

template <class T>
Var<T> rows_at(const Var<T>& x, const std::vector<std::size_t>& places, const CallSite& site) {
    if (is_whole_order(places, x.shape()[0])) return x;
    return gather_rows(Operand<T>(x, site), Indices(places));
}

/// For each of the T B steps its own place where it counts, and behind the end that of its row's last one, or
/// of another row's first if it has none: where a cell has computed already, it can compute again.
std::vector<std::ptrdiff_t> own_or_last(const std::vector<std::size_t>& lengths, std::size_t time_steps) {
    const auto other = static_cast<std::size_t>(
        std::find_if(lengths.begin(), lengths.end(), [](std::size_t length) { return length > 0; }) -
        lengths.begin());
    std::vector<std::ptrdiff_t> places;
    for (std::size_t t = 0; t < time_steps; ++t)
        for (std::size_t row = 0; row < lengths.size(); ++row) {
            const bool has_any = lengths[row] > 0;
            const std::size_t place =
                has_any ? std::min(t, lengths[row] - 1) * lengths.size() + row : other % lengths.size();
            places.push_back(static_cast<std::ptrdiff_t>(place));
        }
    return places;
}

}  // namespace

namespace detail {

CountedSteps::CountedSteps(const UnrollOptions& options, std::size_t time_steps, std::size_t batch)
    : time_steps_(time_steps), batch_(batch) {
    if (options.lengths.empty() && options.mask.empty()) return;
    if (options.lengths.slot().has_value()) {
        all_ = false;
        slot_ = options.lengths;
        places_.resize(time_steps * batch);
        std::iota(places_.begin(), places_.end(), 0);
        std::vector<std::size_t> rows(batch);
        std::iota(rows.begin(), rows.end(), 0);
        rows_.assign(time_steps, rows);
        return;
    }
    const auto in_row = [&](std::size_t t, std::size_t row) {
        return options.lengths.empty() || t < options.lengths[row];
    };
    const auto counts = [&](std::size_t t, std::size_t row) {
        return in_row(t, row) && (options.mask.empty() || options.mask(t, row));
    };
    for (std::size_t row = 0; all_ && row < batch; ++row)
        for (std::size_t t = 0; all_ && t < time_steps; ++t) all_ = counts(t, row);
    if (all_) return;

    rows_.resize(time_steps);
    std::vector<std::size_t> own(time_steps * batch);
    for (std::size_t t = 0; t < time_steps; ++t)
        for (std::size_t row = 0; row < batch; ++row) {
            if (!counts(t, row)) continue;
            own[t * batch + row] = places_.size();
            places_.push_back(t * batch + row);
            rows_[t].push_back(row);
        }
    const std::size_t zeros = places_.size();
    sources_.assign(time_steps * batch, zeros);
    std::vector<std::size_t> before(batch, zeros);
    for (std::size_t k = 0; k < time_steps; ++k) {
        const std::size_t t = options.reverse ? time_steps - 1 - k : k;
        for (std::size_t row = 0; row < batch; ++row) {
            if (!in_row(t, row)) continue;
            if (counts(t, row)) before[row] = own[t * batch + row];
            sources_[t * batch + row] = before[row];
        }
    }
}

template <class T>
Var<T> CountedSteps::packed_rows(const Operand<T>& x) const {
    if (!slot_.empty()) {
        // Where no row counts at all there are ones to compute with, as in `try_step`.
        const Var<T> counts = length_mask<T>(slot_, time_steps_, x.shape().rank() - 2, x.site());
        const Operand<T> known(where(Operand<T>(counts, x.site()), x, 1), x.site());
        const auto places = [count = time_steps_](const std::vector<std::size_t>& lengths) {
            return own_or_last(lengths, count);
        };
        return gather_rows(Operand<T>(reshape(known, in_one_list(x.shape())), x.site()),
                           following("unroll", slot_, time_steps_, {places_.size()}, places));
    }
    return gather_rows(Operand<T>(reshape(x, in_one_list(x.shape())), x.site()), Indices(places_));
}

template <class T>
std::vector<Var<T>> CountedSteps::parts_by_time(const Operand<T>& packed) const {
    std::vector<Var<T>> parts;
    const Var<T> whole = input(packed);
    std::ptrdiff_t begin = 0;
    for (const auto& rows : rows_) {
        const std::ptrdiff_t end = begin + static_cast<std::ptrdiff_t>(rows.size());
        parts.push_back(rows.empty() ? Var<T>() : slice(Operand<T>(whole, packed.site()), 0, begin, end));
        begin = end;
    }
    return parts;
}

template <class T>
Var<T> CountedSteps::spread_rows(std::vector<Var<T>> parts, const CallSite& site) const {
    if (!slot_.empty()) {
        const Var<T> all = concatenate(Operands<T>(std::move(parts), site), 0);
        Shape shape{time_steps_, batch_};
        for (std::size_t axis = 1; axis < all.shape().rank(); ++axis) shape.append(all.shape()[axis]);
        return mask_by_lengths(Operand<T>(reshape(Operand<T>(all, site), shape), site), slot_);
    }
    const Shape one = parts.front().shape().with(0, 1);
    parts.push_back(input(Operand<T>(zeros<T>(one), site)));
    const Var<T> rows = concatenate(Operands<T>(std::move(parts), site), 0);
    return gather_rows(Operand<T>(rows, site), Indices(sources_).reshaped({time_steps_, batch_}));
}

template <class T>
Var<T> CountedSteps::counting(std::size_t axes, const CallSite& site) const {
    if (!slot_.empty()) return length_mask<T>(slot_, time_steps_, axes, site);
    Shape shape{time_steps_, batch_};
    for (std::size_t axis = 0; axis < axes; ++axis) shape.append(1);
    Tensor<T> mask = zeros<T>(shape);
    for (const std::size_t place : places_) mask.data()[place] = 1;
    return input(Operand<T>(mask, site));
}
template Var<float> CountedSteps::counting(std::size_t, const CallSite&) const;
template Var<double> CountedSteps::counting(std::size_t, const CallSite&) const;

template <class T>
std::vector<Var<T>> CountedSteps::kept_by(const CallSite& site) const {
    if (slot_.empty()) return {};
    return unstack(Operand<T>(counting<T>(0, site), site));
}
template std::vector<Var<float>> CountedSteps::kept_by(const CallSite&) const;
template std::vector<Var<double>> CountedSteps::kept_by(const CallSite&) const;

Var<float> CountedSteps::packed(const Operand<float>& x) const { return packed_rows(x); }
Var<double> CountedSteps::packed(const Operand<double>& x) const { return packed_rows(x); }
std::vector<Var<float>> CountedSteps::by_time(const Operand<float>& packed) const {
    return parts_by_time(packed);
}
std::vector<Var<double>> CountedSteps::by_time(const Operand<double>& packed) const {
    return parts_by_time(packed);
}
Var<float> CountedSteps::spread(std::vector<Var<float>> parts, const CallSite& site) const {
    return spread_rows(std::move(parts), site);
}
Var<double> CountedSteps::spread(std::vector<Var<double>> parts, const CallSite& site) const {
    return spread_rows(std::move(parts), site);
}

}  // namespace detail

namespace {

template <class T>
Var<T> counted_alone(const Operand<T>& x, const UnrollOptions& options) {
    const CountedSteps steps(options, x.shape()[0], x.shape()[1]);
    if (steps.all()) return input(x);
    return steps.spread(std::vector<Var<T>>{steps.packed(x)}, x.site());
}

}  // namespace

namespace detail {

Var<float> without_uncounted(const Operand<float>& x, const UnrollOptions& options) {
    return counted_alone(x, options);
}
Var<double> without_uncounted(const Operand<double>& x, const UnrollOptions& options) {
    return counted_alone(x, options);
}

template <class T>
RowStates<T>::RowStates(Parts initial, std::vector<bool> batched, std::size_t batch, const CallSite& site)
    : pieces_{std::move(initial)},
      homes_(batch),
      stepping_(batch),
      batched_(std::move(batched)),
      changed_(batched_.size(), false),
      batch_(batch),
      site_(site) {
    std::iota(stepping_.begin(), stepping_.end(), 0);
    for (std::size_t row = 0; row < batch; ++row) homes_[row] = {0, row};
}

template <class T>
Var<T> RowStates<T>::gathered(std::size_t part, const std::vector<std::size_t>& rows) const {
    if (!batched_[part]) return pieces_.front()[part];
    // What no step has changed lies where it was, for all rows in their order.
    if (!changed_[part]) return rows_at(pieces_.front()[part], rows, site_);
    std::map<std::size_t, std::vector<std::size_t>> taken;  // places in each piece
    for (const std::size_t row : rows) taken[homes_[row].piece].push_back(homes_[row].place);
    std::map<std::size_t, std::size_t> next;  // where the next row of each piece lies among all
    std::vector<Var<T>> parts;
    std::size_t count = 0;
    for (const auto& [piece, places] : taken) {
        next[piece] = count;
        count += places.size();
        parts.push_back(rows_at(pieces_[piece][part], places, site_));
    }
    if (parts.size() == 1) return parts.front();
    std::vector<std::size_t> order;
    for (const std::size_t row : rows) order.push_back(next[homes_[row].piece]++);
    return rows_at(concatenate(Operands<T>(std::move(parts), site_), 0), order, site_);
}

template <class T>
const typename RowStates<T>::Parts& RowStates<T>::of(const std::vector<std::size_t>& rows) {
    if (rows == stepping_) return pieces_.back();
    Parts piece;
    for (std::size_t part = 0; part < batched_.size(); ++part) piece.push_back(gathered(part, rows));
    pieces_.push_back(std::move(piece));
    for (std::size_t place = 0; place < rows.size(); ++place)
        homes_[rows[place]] = {pieces_.size() - 1, place};
    stepping_ = rows;
    return pieces_.back();
}

template <class T>
void RowStates<T>::take(Parts next, const Var<T>* counts) {
    const Parts& before = pieces_.back();
    for (std::size_t part = 0; part < next.size(); ++part) {
        if (next[part].is(before[part])) continue;
        if (!batched_[part]) fail_without_batch(next[part].shape(), batch_, site_);
        changed_[part] = true;
        if (counts == nullptr) continue;
        std::vector<std::size_t> by_row(next[part].shape().rank(), 1);
        by_row[0] = batch_;
        const Var<T> of_rows = reshape(Operand<T>(*counts, site_), Shape(by_row));
        next[part] = where(Operand<T>(of_rows, site_), next[part], before[part]);
    }
    // What the first piece holds must stay: it is where unchanged parts and rows that never step lie.
    if (pieces_.size() == 1) {
        pieces_.push_back(std::move(next));
        for (const std::size_t row : stepping_) homes_[row].piece = 1;
    } else {
        pieces_.back() = std::move(next);
    }
}

template <class T>
typename RowStates<T>::Parts RowStates<T>::all() const {
    std::vector<std::size_t> rows(batch_);
    std::iota(rows.begin(), rows.end(), 0);
    Parts parts;
    for (std::size_t part = 0; part < batched_.size(); ++part) parts.push_back(gathered(part, rows));
    return parts;
}

template <class T>
const typename RowStates<T>::Parts& RowStates<T>::settle() {
    pieces_.push_back(all());
    stepping_.resize(batch_);
    std::iota(stepping_.begin(), stepping_.end(), 0);
    for (std::size_t row = 0; row < batch_; ++row) homes_[row] = {pieces_.size() - 1, row};
    return pieces_.back();
}

template class RowStates<float>;
template class RowStates<double>;

}  // namespace detail
}  // namespace tapeloop::nn
