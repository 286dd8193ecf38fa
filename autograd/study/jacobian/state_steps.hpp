#pragma once

#include <autograd/study/jacobian/states.hpp>
#include <autograd/study/jacobian/stretch.hpp>
#include <autograd/tensor.hpp>

#include <vector>

namespace tapeloop::detail {

/// One of the nodes that lie side by side in a row, each [batch, ..].
struct Segment {
    NodeIndex node;
    std::size_t offset;
    std::size_t width;
};

/// The segments of one row: the parts of a state, or the products of a step.
struct Segments {
    std::vector<Segment> list;
    std::size_t batch = 0;
    std::size_t width = 0;

    template <class T>
    static Segments of(const Tape<T>& tape, const std::vector<NodeIndex>& nodes, std::size_t batch) {
        Segments segments;
        segments.batch = batch;
        for (NodeIndex node : nodes) {
            const std::size_t width = tape.node(node).shape.size() / batch;
            segments.list.push_back({node, segments.width, width});
            segments.width += width;
        }
        return segments;
    }

    std::vector<NodeIndex> nodes() const;
    /// Writes the cotangents of one row of the batch to a row of `matrix`; zeros stay where none arrived.
    template <class T>
    void write_row(const ArrivedCotangents<T>& cotangents, std::size_t batch_row, Tensor<double>& matrix,
                   std::size_t matrix_row) const {
        for (const Segment& part : list) {
            const auto found = cotangents.find(part.node);
            if (found == cotangents.end()) continue;
            const T* from = found->second.data() + batch_row * part.width;
            for (std::size_t k = 0; k < part.width; ++k)
                matrix(matrix_row, part.offset + k) = static_cast<double>(from[k]);
        }
    }
};

/// The states without the parts that every step hands on. Throws `std::invalid_argument` for what a Jacobian
/// lens does not take.
template <class T>
std::vector<Segments> segments_of(const States<T>& states);

extern template std::vector<Segments> segments_of(const States<float>&);
extern template std::vector<Segments> segments_of(const States<double>&);

}  // namespace tapeloop::detail
