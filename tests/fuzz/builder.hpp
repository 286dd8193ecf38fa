#pragma once

#include <tests/fuzz/bytes.hpp>
#include <tests/fuzz/run.hpp>

namespace tapeloop::fuzz {

/// A program that is being made. It runs as it grows, so that the catalogue can choose by the values.
class Builder {
  public:
    /// With `only_smooth`, of operations that can be differentiated wherever they are called.
    Builder(Bytes& bytes, bool only_smooth) : bytes_(bytes), only_smooth_(only_smooth) {}

    Bytes& bytes() { return bytes_; }
    bool only_smooth() const { return only_smooth_; }

    /// Any value; now and then a new leaf.
    Id any();
    /// One with at least this many axes, and at most that many.
    Id of_rank(std::size_t least, std::size_t most = Shape::max_rank);
    /// One of this shape; a new leaf if there is none.
    Id of_shape(const Shape& shape);
    /// One that broadcasts with `shape`: of this shape, of part of it, or a single element.
    Id beside(const Shape& shape);
    /// The same with every element above 0.2, made of `id` if that is not.
    Id positive(Id id);
    /// `promise` as it is kept there: without smoothness unless every element is above 0.2, for now and then
    /// `positive` lets others pass.
    Promise where_positive(Id id, Promise promise) const;
    Id leaf(const Shape& shape);

    Shape shape(Id id) const { return running_.shape(id); }
    Shape random_shape(std::size_t least_rank, std::size_t most_rank);
    /// An axis of a value, named from the front or from the back; 0 without axes.
    int axis(Id id);

    /// Adds a line, unless the operation refuses. Throws what a refusal may not be: see `Finding`.
    void add(Call call);
    /// The program so far, with roots.
    Program finish();

  private:
    struct Seen {
        bool is_tame = false;
    };

    Id add_leaf(LeafKind kind, Tensor<double> value);
    std::optional<Id> find(const std::function<bool(Id)>& fits);
    bool is_positive(Id id) const;
    void note(Line line);
    void require_as_before(const TapeStatistics& before, const std::string& what);

    Bytes& bytes_;
    bool only_smooth_;
    Program program_;
    Run<double> running_;
    std::vector<Seen> seen_;
};

/// The program that these bytes choose.
Program make_program(Bytes bytes, bool only_smooth = false);

}  // namespace tapeloop::fuzz
