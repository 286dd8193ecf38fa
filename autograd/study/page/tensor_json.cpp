#include <autograd/kernels/norm.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

struct Extents {
    std::size_t rows;
    std::size_t columns;
};

Extents folded(const Shape& shape) {
    if (shape.rank() == 0) return {1, 1};
    const std::size_t columns = shape.back();
    return {columns == 0 ? 0 : shape.size() / columns, columns};
}

Extents grid_of(const Extents& extents, std::size_t largest_grid) {
    return {std::min(extents.rows, largest_grid), std::min(extents.columns, largest_grid)};
}

std::string base64(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (k < count ? bytes[i + k] : 0U);
        for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
    return text;
}

/// The mean over each block of a cell. A mean keeps sums: the cells of contributions add up to those of the
/// cotangent.
template <class T>
std::vector<double> reduced(const T* elements, const Extents& extents, const Extents& grid) {
    std::vector<double> cells;
    cells.reserve(grid.rows * grid.columns);
    for (std::size_t row = 0; row < grid.rows; ++row) {
        const std::size_t top = row * extents.rows / grid.rows;
        const std::size_t bottom = (row + 1) * extents.rows / grid.rows;
        for (std::size_t column = 0; column < grid.columns; ++column) {
            const std::size_t left = column * extents.columns / grid.columns;
            const std::size_t right = (column + 1) * extents.columns / grid.columns;
            double sum = 0;
            for (std::size_t i = top; i < bottom; ++i)
                for (std::size_t k = left; k < right; ++k)
                    sum += static_cast<double>(elements[i * extents.columns + k]);
            cells.push_back(sum / static_cast<double>((bottom - top) * (right - left)));
        }
    }
    return cells;
}

/// Returns the divisor with which the cells fit a float32: 1, unless they are far smaller or larger.
double scale_of(const std::vector<double>& cells) {
    double largest = 0;
    for (double cell : cells)
        if (std::isfinite(cell)) largest = std::max(largest, std::abs(cell));
    return largest == 0 || (largest > 1e-25 && largest < 1e25) ? 1 : largest;
}

/// Returns whether the page reads the same limits off the cells, which it has as float32: one element to all
/// its digits, several to more than are shown.
bool says_limits(const std::vector<double>& cells, double scale, double min, double max) {
    if (cells.empty() || !std::isfinite(min) || !std::isfinite(max)) return false;
    const double tolerance = cells.size() == 1 ? 0 : 1e-6;
    const auto [low, high] = std::minmax_element(cells.begin(), cells.end());
    const auto is_near = [&](double cell, double limit) {
        return std::abs(static_cast<double>(static_cast<float>(cell)) * scale - limit) <=
               tolerance * std::abs(limit);
    };
    return is_near(*low, min) && is_near(*high, max);
}

}  // namespace

nlohmann::json number_json(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
}

nlohmann::json numbers_json(std::span<const double> values) {
    nlohmann::json list = nlohmann::json::array();
    for (double value : values) list.push_back(number_json(value));
    return list;
}

template <class T>
std::string base64_of(std::span<const T> values) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(4 * values.size());
    for (T value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
        for (unsigned shift = 0; shift < 32; shift += 8)
            bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
    }
    return base64(bytes);
}

Blocks blocks_of(const Tensor<double>& matrix, std::size_t largest_grid) {
    const Extents extents = folded(shape_of(matrix));
    const Extents grid = grid_of(extents, largest_grid);
    return {grid.rows, grid.columns, reduced(matrix.data(), extents, grid)};
}

std::size_t tensor_text_bytes(const Shape& shape, std::size_t largest_grid) {
    const Extents grid = grid_of(folded(shape), largest_grid);
    return (4 * grid.rows * grid.columns + 2) / 3 * 4;
}

template <class T>
nlohmann::json tensor_json(const T* elements, const Shape& shape, std::size_t largest_grid,
                           TensorDetail detail) {
    double min = std::numeric_limits<double>::infinity();
    double max = -min;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const auto value = static_cast<double>(elements[i]);
        if (std::isnan(value)) min = max = value;
        if (value < min) min = value;
        if (value > max) max = value;
    }
    const Extents extents = folded(shape);
    const Extents grid = grid_of(extents, largest_grid);
    std::vector<double> cells = reduced(elements, extents, grid);
    const double scale = scale_of(cells);
    for (double& cell : cells) cell /= scale;
    nlohmann::json json{{"shape", std::vector<std::uint32_t>(shape.begin(), shape.end())},
                        {"min", number_json(shape.size() == 0 ? 0 : min)},
                        {"max", number_json(shape.size() == 0 ? 0 : max)},
                        {"norm", number_json(norm_of(elements, shape.size()))},
                        {"grid", {grid.rows, grid.columns}},
                        {"data", base64_of(std::span<const double>(cells))}};
    if (scale != 1) json["scale"] = scale;
    if (detail == TensorDetail::all || grid.rows != extents.rows || grid.columns != extents.columns)
        return json;
    json.erase("grid");
    if (says_limits(cells, scale, min, max)) {
        json.erase("min");
        json.erase("max");
    }
    return json;
}

template <class T>
nlohmann::json sparse_tensor_json(const Tensor<T>& tensor, std::size_t largest_grid) {
    nlohmann::json json = tensor_json(tensor, largest_grid, TensorDetail::brief);
    const Extents extents = folded(shape_of(tensor));
    const std::vector<double> cells = reduced(tensor.data(), extents, grid_of(extents, largest_grid));
    const double scale = scale_of(cells);
    std::vector<double> others;
    std::vector<std::size_t> at;
    std::size_t last = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i] == 0) continue;
        others.push_back(cells[i] / scale);
        at.push_back(i - last);
        last = i;
    }
    // A cell takes 16/3 characters, its place about three.
    if (3 * others.size() > 2 * cells.size()) return json;
    json["data"] = base64_of(std::span<const double>(others));
    json["at"] = at;
    return json;
}

template nlohmann::json sparse_tensor_json(const Tensor<float>&, std::size_t);
template nlohmann::json sparse_tensor_json(const Tensor<double>&, std::size_t);
template nlohmann::json tensor_json(const float*, const Shape&, std::size_t, TensorDetail);
template nlohmann::json tensor_json(const double*, const Shape&, std::size_t, TensorDetail);
template std::string base64_of(std::span<const float>);
template std::string base64_of(std::span<const double>);

}  // namespace tapeloop::detail
