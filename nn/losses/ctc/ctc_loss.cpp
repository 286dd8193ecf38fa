#include <autograd/ops/elementwise.hpp>
#include <autograd/record/definition.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/ctc/ctc_alignments.hpp>
#include <nn/losses/ctc/ctc_loss.hpp>

#include <algorithm>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

using detail::Alignments;

struct CtcLoss {
    static constexpr std::string_view name = "ctc_loss";
    static constexpr Description description{
        .equation = "y = -log(Σ p), p the probability of an alignment",
        .rules = {{"x", "g ⊙ (softmax(x) - q), q the share of the alignments"}},
        .kind = OperationKind::error,
        .letter = "ℓ"};
    std::shared_ptr<const Alignments> alignments;

    Shape shape(const Shape&) const { return {alignments->batch()}; }

    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const Array<T> losses = detail::ctc_losses(*alignments, x);
        std::copy_n(losses.data(), losses.size(), y.data());
    }
    auto rules() const {
        return std::tuple{[a = alignments](const auto& g, const auto&, const auto& x) {
            return detail::ctc_slope(*a, g, x);
        }};
    }
};

void require_label(std::size_t row, std::size_t place, std::ptrdiff_t label, const Shape& logits,
                   std::ptrdiff_t blank) {
    const auto classes = static_cast<std::ptrdiff_t>(logits[2]);
    if (label == blank)
        throw std::invalid_argument(fmt::format(
            "ctc_loss: label {} of row {} is {}, the blank; labels are other classes", place, row, label));
    if (label < 0 || label >= classes)
        throw std::invalid_argument(
            fmt::format("ctc_loss: label {} of row {} is {}; logits are {}, so it must be in 0..{}", place,
                        row, label, logits.text(), classes - 1));
}

void require_arguments(const Shape& logits, const LabelSequences& labels, const CtcOptions& options) {
    if (logits.rank() != 3 || logits[1] != labels.size())
        throw std::invalid_argument(
            fmt::format("ctc_loss: logits are {} and there are {} rows of labels; logits must be [T, B, C] "
                        "with B rows of labels",
                        logits.text(), labels.size()));
    if (options.blank < 0 || static_cast<std::size_t>(options.blank) >= logits[2])
        throw std::invalid_argument(
            fmt::format("ctc_loss: blank is {} and logits are {}; it must be in 0..{}", options.blank,
                        logits.text(), static_cast<std::ptrdiff_t>(logits[2]) - 1));
    detail::require_lengths(CtcLoss::name, "logits are", logits, options.lengths);
    for (std::size_t row = 0; row < labels.size(); ++row)
        for (std::size_t place = 0; place < labels[row].size(); ++place)
            require_label(row, place, labels[row][place], logits, options.blank);
}

std::shared_ptr<const Alignments> alignments_of(const Shape& logits, const LabelSequences& labels,
                                                const CtcOptions& options) {
    require_arguments(logits, labels, options);
    auto alignments = std::make_shared<Alignments>();
    for (const auto& row : labels) {
        auto& states = alignments->states.emplace_back(2 * row.size() + 1, options.blank);
        for (std::size_t i = 0; i < row.size(); ++i) states[2 * i + 1] = static_cast<std::size_t>(row[i]);
    }
    alignments->lengths = options.lengths;
    if (options.lengths.empty()) alignments->lengths.assign(labels.size(), logits[0]);
    alignments->zero_infinity = options.zero_infinity;
    return alignments;
}

template <class T>
Var<T> loss(const Operand<T>& logits, const LabelSequences& labels, const CtcOptions& options) {
    const CallSite& site = logits.site();
    auto alignments = checked(tape_of(CtcLoss::name, logits), site,
                              [&] { return alignments_of(logits.shape(), labels, options); });
    Var<T> losses = apply(CtcLoss{std::move(alignments)}, logits);
    if (options.reduction == Reduction::mean) {
        Tensor<T> counts = uninitialised<T>({labels.size()});
        std::transform(labels.begin(), labels.end(), counts.begin(),
                       [](const auto& row) { return static_cast<T>(std::max<std::size_t>(row.size(), 1)); });
        losses = divide(Operand<T>(losses, site), Operand<T>(counts, site));
    }
    return detail::reduced(losses, options.reduction,
                           static_cast<double>(std::max<std::size_t>(labels.size(), 1)), site);
}

}  // namespace

Var<float> ctc_loss(const Operand<float>& logits, const LabelSequences& labels, const CtcOptions& options) {
    return loss(logits, labels, options);
}
Var<double> ctc_loss(const Operand<double>& logits, const LabelSequences& labels, const CtcOptions& options) {
    return loss(logits, labels, options);
}

}  // namespace tapeloop::nn
