#pragma once

#include <autograd/parameter.hpp>

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How others call what is a parameter here, and how they lay it out.
namespace tapeloop::nn {

/// All columns of a parameter, or those of one gate; a vector has one row. It refers to the parameter, and
/// follows it when its cell is moved.
template <class T>
struct ParameterPart {
    ParameterReference<T> parameter;
    std::size_t first;  ///< the first column
    std::size_t width;  ///< the number of columns

    /// The whole parameter.
    ParameterPart(Parameter<T>& whole);
    /// The part of gate `name` of a packed parameter, whose `gates` stand side by side. Throws
    /// `std::invalid_argument` when there is no such gate, or the last axis is not that many equal parts.
    ParameterPart(Parameter<T>& packed, std::span<const std::string_view> gates, std::string_view name);
};

/// How an array of others holds a parameter, where it is not just the same.
struct Arrangement {
    bool transposed = false;              ///< its rows are our columns: [4H, I] for our [I, 4H]
    std::vector<std::size_t> order = {};  ///< the places of our gates in the order of theirs; empty for ours
    bool is_bias = false;  ///< a model without biases does not have it: see `LoadOptions::without_biases`
    /// It holds a bias that another array holds already: the two are added up coming in, and going out this
    /// one is zero.
    bool is_second = false;
};

/// The arrangement of a matrix that is transposed.
inline const Arrangement transposed{.transposed = true};

/// The arrangement of a packed parameter whose gates others pack in another order. Throws
/// `std::invalid_argument` unless `theirs` are the same names as `ours`.
Arrangement gate_order(std::span<const std::string_view> ours, std::span<const std::string_view> theirs);
Arrangement gate_order(std::span<const std::string_view> ours,
                       std::initializer_list<std::string_view> theirs);

/// An array of others, put together from parts of parameters.
template <class T>
class OutsideArray {
  public:
    /// Where a part lies in the array, seen as a matrix, by its first element.
    struct Place {
        std::size_t row = 0;
        std::size_t column = 0;
        bool transposed = false;
        bool is_second = false;  ///< as in `Arrangement`
    };
    /// A part in its place.
    struct Piece {
        ParameterPart<T> part;
        Place place;
    };

    /// Begins an array of this name and shape, with nothing in it.
    OutsideArray(std::string name, const Shape& shape, bool is_bias = false);

    /// Puts a part of a parameter into the array. Throws `std::invalid_argument` when it does not fit in
    /// there, or something else lies there already.
    OutsideArray& put(const ParameterPart<T>& part, const Place& place);

    /// Returns what others call it.
    const std::string& name() const { return name_; }
    /// Returns the shape that it has there.
    const Shape& shape() const { return shape_; }
    /// Returns whether a model without biases does not have it.
    bool is_bias() const { return is_bias_; }
    /// Returns the parts of parameters in it.
    const std::vector<Piece>& pieces() const { return pieces_; }
    /// Returns whether every element of it belongs to a parameter.
    bool is_full() const;

    /// Gives the array another name.
    void rename(std::string name) { name_ = std::move(name); }

  private:
    std::string name_;
    Shape shape_;
    bool is_bias_;
    std::vector<Piece> pieces_;
};

/// The names and layouts under which others keep parameters: what `load` reads and `save` writes. Those of
/// PyTorch, Keras, Flax and Equinox are made by `pytorch`, `keras`, `flax` and `equinox`; a list of
/// parameters is one, too, with their paths as names. For a cell of your own:
///
///     nn::Naming<float> theirs;
///     theirs.add("kernel", cell.U).add("recurrent", cell.W, nn::transposed);
///     model.add("cell", theirs);                                                  // cell.kernel, ...
///
/// It refers to the parameters, and follows them when their cell is moved.
template <class T>
class Naming {
  public:
    /// Begins an empty naming, with dots between the names of a part and of what is in it.
    Naming() : Naming(std::string(".")) {}
    /// Begins an empty naming with another separator.
    explicit Naming(std::string separator) : separator_(std::move(separator)) {}
    /// Our own names: each parameter under its path.
    Naming(const ParameterList<T>& parameters);

    /// Adds a parameter, or a gate of one, that others keep in an array of its own. All `add` throw
    /// `std::invalid_argument` when there is an array of that name, or the arrangement does not fit.
    Naming& add(std::string name, const ParameterPart<T>& part, const Arrangement& how = {});
    /// Adds an array that is put together from several. It must be full.
    Naming& add(OutsideArray<T> array);
    /// Adds all arrays of a part of the model, their names behind `prefix` and the part's separator. One that
    /// is empty takes over the part's separator.
    Naming& add(std::string_view prefix, const Naming& part);

    /// Gives each array the name that `renamed` returns for its own.
    Naming& rename(const std::function<std::string(const std::string&)>& renamed);

    auto begin() const { return arrays_.begin(); }
    auto end() const { return arrays_.end(); }
    std::size_t size() const { return arrays_.size(); }
    /// Returns the k-th array.
    const OutsideArray<T>& operator[](std::size_t k) const { return arrays_[k]; }

  private:
    void require_new(const std::string& name) const;

    std::string separator_;
    std::vector<OutsideArray<T>> arrays_;
};

extern template struct ParameterPart<float>;
extern template struct ParameterPart<double>;
extern template class OutsideArray<float>;
extern template class OutsideArray<double>;
extern template class Naming<float>;
extern template class Naming<double>;

}  // namespace tapeloop::nn
