#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/files/place.hpp>
#include <nn/files/safetensors.hpp>

namespace tapeloop::nn {

template <class T>
void Checkpoint<T>::save(const std::filesystem::path& file) const {
    const detail::Collected all = collected();
    write_safetensors(file, all.views(), all.metadata());
}

template <class T>
void Checkpoint<T>::load(const std::filesystem::path& file) {
    restore(read_safetensors(file), detail::Place("checkpoint").in_file(file).text());
}

template void Checkpoint<float>::save(const std::filesystem::path&) const;
template void Checkpoint<double>::save(const std::filesystem::path&) const;
template void Checkpoint<float>::load(const std::filesystem::path&);
template void Checkpoint<double>::load(const std::filesystem::path&);

}  // namespace tapeloop::nn
