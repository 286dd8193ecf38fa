#pragma once

namespace tapeloop::nn {

class Generator;

/// A scope in which this thread trains: dropout and zoneout draw their masks from `generator`. Outside of
/// every such scope they do nothing random, which is how a model is evaluated. Scopes nest. With the same
/// seed the masks are the same, call for call.
///
///     nn::Training training(generator);
///     const auto outputs = nn::unroll(model, x).outputs;
class Training {
  public:
    /// Opens the scope; masks are drawn from `generator`, which must outlive it.
    explicit Training(Generator& generator);
    ~Training();
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;

    /// Returns the generator of this thread's innermost scope; null outside, and in an `Evaluation`.
    static Generator* generator();

  private:
    Generator* outer_;
};

/// A scope that evaluates in the midst of training.
class Evaluation {
  public:
    Evaluation();
    ~Evaluation();
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

  private:
    Generator* outer_;
};

}  // namespace tapeloop::nn
