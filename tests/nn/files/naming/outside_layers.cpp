#include <tests/nn/files/naming/outside_layers.hpp>

#include <cmath>
#include <stdexcept>

namespace tapeloop::test::outside {

namespace {

const Tensor<double>& at(const nn::NamedArrays& arrays, const std::string& name) {
    const auto found = arrays.arrays.find(name);
    if (found == arrays.arrays.end()) throw std::runtime_error("outside: there is no array " + name);
    return std::get<Tensor<double>>(found->second);
}

double s(double a) { return 1 / (1 + std::exp(-a)); }

/// W v, as PyTorch and Equinox have it.
Numbers rows_times(const Tensor<double>& W, const Numbers& v) {
    Numbers result(W.shape()[0], 0.0);
    for (std::size_t i = 0; i < W.shape()[0]; ++i)
        for (std::size_t j = 0; j < W.shape()[1]; ++j) result[i] += W(i, j) * v.at(j);
    return result;
}

/// v K, as Keras and Flax have it.
Numbers times_columns(const Numbers& v, const Tensor<double>& K) {
    Numbers result(K.shape()[1], 0.0);
    for (std::size_t i = 0; i < K.shape()[0]; ++i)
        for (std::size_t j = 0; j < K.shape()[1]; ++j) result[j] += v.at(i) * K(i, j);
    return result;
}

Numbers plus(Numbers a, const Numbers& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b.at(i);
    return a;
}

Numbers numbers(const Tensor<double>& vector) { return {vector.begin(), vector.end()}; }

/// The k-th of n equal parts.
Numbers chunk(const Numbers& packed, std::size_t k, std::size_t n) {
    const std::size_t size = packed.size() / n;
    const auto begin = packed.begin() + static_cast<std::ptrdiff_t>(k * size);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

Numbers each(const Numbers& a, double (*f)(double)) {
    Numbers result;
    for (const double value : a) result.push_back(f(value));
    return result;
}

double tanh_of(double a) { return std::tanh(a); }

/// c' and h' of an LSTM's pre-activations.
State lstm(const Numbers& i, const Numbers& f, const Numbers& g, const Numbers& o, const Numbers& c) {
    State next{Numbers(c.size()), Numbers(c.size())};
    for (std::size_t k = 0; k < c.size(); ++k) {
        next.c[k] = s(f[k]) * c[k] + s(i[k]) * std::tanh(g[k]);
        next.h[k] = s(o[k]) * std::tanh(next.c[k]);
    }
    return next;
}

/// The pre-activations of PyTorch's layers, each side with its bias.
struct Sides {
    Numbers x;
    Numbers h;
};
Sides pytorch_sides(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix,
                    const Numbers& x, const Numbers& h) {
    const auto get = [&](const std::string& name) { return at(arrays, prefix + name + suffix); };
    return {plus(rows_times(get("weight_ih"), x), numbers(get("bias_ih"))),
            plus(rows_times(get("weight_hh"), h), numbers(get("bias_hh")))};
}

}  // namespace

Step pytorch_rnn(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix,
                 bool relu) {
    return [=](const Numbers& x, const State& state) {
        const Sides a = pytorch_sides(arrays, prefix, suffix, x, state.h);
        return State{each(plus(a.x, a.h), relu ? [](double v) { return v > 0 ? v : 0; } : tanh_of), {}};
    };
}

Step pytorch_lstm(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix) {
    return [=](const Numbers& x, const State& state) {
        const Sides side = pytorch_sides(arrays, prefix, suffix, x, state.h);
        const Numbers a = plus(side.x, side.h);
        State next = lstm(chunk(a, 0, 4), chunk(a, 1, 4), chunk(a, 2, 4), chunk(a, 3, 4), state.c);
        const std::string projection = prefix + "weight_hr" + suffix;
        if (arrays.arrays.contains(projection)) next.h = rows_times(at(arrays, projection), next.h);
        return next;
    };
}

Step pytorch_gru(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix) {
    return [=](const Numbers& x, const State& state) {
        const Sides a = pytorch_sides(arrays, prefix, suffix, x, state.h);
        const Numbers r = each(plus(chunk(a.x, 0, 3), chunk(a.h, 0, 3)), s);
        const Numbers z = each(plus(chunk(a.x, 1, 3), chunk(a.h, 1, 3)), s);
        State next{Numbers(r.size()), {}};
        for (std::size_t k = 0; k < r.size(); ++k) {
            const double n = std::tanh(chunk(a.x, 2, 3)[k] + r[k] * chunk(a.h, 2, 3)[k]);
            next.h[k] = (1 - z[k]) * n + z[k] * state.h[k];
        }
        return next;
    };
}

Step keras_rnn(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        const Numbers a =
            plus(times_columns(x, at(arrays, prefix + "kernel")), numbers(at(arrays, prefix + "bias")));
        return State{each(plus(a, times_columns(state.h, at(arrays, prefix + "recurrent_kernel"))), tanh_of),
                     {}};
    };
}

Step keras_lstm(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        Numbers z = times_columns(x, at(arrays, prefix + "kernel"));
        z = plus(z, times_columns(state.h, at(arrays, prefix + "recurrent_kernel")));
        z = plus(z, numbers(at(arrays, prefix + "bias")));
        return lstm(chunk(z, 0, 4), chunk(z, 1, 4), chunk(z, 2, 4), chunk(z, 3, 4), state.c);
    };
}

Step keras_gru(const nn::NamedArrays& arrays, const std::string& prefix, bool reset_after) {
    return [=](const Numbers& x, const State& state) {
        const Tensor<double>& W = at(arrays, prefix + "recurrent_kernel");
        const Numbers bias = numbers(at(arrays, prefix + "bias"));
        const std::size_t u = W.shape()[0];
        const Numbers from_x =
            plus(times_columns(x, at(arrays, prefix + "kernel")), reset_after ? chunk(bias, 0, 2) : bias);
        Numbers inner = times_columns(state.h, W);
        if (reset_after) inner = plus(inner, chunk(bias, 1, 2));
        const Numbers z = each(plus(chunk(from_x, 0, 3), chunk(inner, 0, 3)), s);
        const Numbers r = each(plus(chunk(from_x, 1, 3), chunk(inner, 1, 3)), s);
        State next{Numbers(u), {}};
        for (std::size_t k = 0; k < u; ++k) {
            double recurrent = 0;
            if (reset_after)
                recurrent = r[k] * inner[2 * u + k];
            else
                for (std::size_t j = 0; j < u; ++j) recurrent += r[j] * state.h[j] * W(j, 2 * u + k);
            const double hh = std::tanh(from_x[2 * u + k] + recurrent);
            next.h[k] = z[k] * state.h[k] + (1 - z[k]) * hh;
        }
        return next;
    };
}

namespace {

/// flax.linen.Dense `name`, with its bias where it has one.
Numbers dense(const nn::NamedArrays& arrays, const std::string& name, const Numbers& x) {
    const Numbers product = times_columns(x, at(arrays, name + ".kernel"));
    if (!arrays.arrays.contains(name + ".bias")) return product;
    return plus(product, numbers(at(arrays, name + ".bias")));
}

}  // namespace

Step flax_rnn(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        return State{
            each(plus(dense(arrays, prefix + "i", x), dense(arrays, prefix + "h", state.h)), tanh_of), {}};
    };
}

Step flax_lstm(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        const auto gate = [&](const std::string& letter) {
            return plus(dense(arrays, prefix + "i" + letter, x),
                        dense(arrays, prefix + "h" + letter, state.h));
        };
        return lstm(gate("i"), gate("f"), gate("g"), gate("o"), state.c);
    };
}

Step flax_gru(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        const auto gate = [&](const std::string& letter) {
            return each(
                plus(dense(arrays, prefix + "i" + letter, x), dense(arrays, prefix + "h" + letter, state.h)),
                s);
        };
        const Numbers r = gate("r");
        const Numbers z = gate("z");
        const Numbers in = dense(arrays, prefix + "in", x);
        const Numbers hn = dense(arrays, prefix + "hn", state.h);
        State next{Numbers(r.size()), {}};
        for (std::size_t k = 0; k < r.size(); ++k)
            next.h[k] = (1 - z[k]) * std::tanh(in[k] + r[k] * hn[k]) + z[k] * state.h[k];
        return next;
    };
}

Step flax_mgu(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        const Numbers f =
            each(plus(dense(arrays, prefix + "if", x), dense(arrays, prefix + "hf", state.h)), s);
        const Numbers n =
            each(plus(dense(arrays, prefix + "in", x), dense(arrays, prefix + "hn", state.h)), tanh_of);
        State next{Numbers(f.size()), {}};
        for (std::size_t k = 0; k < f.size(); ++k) next.h[k] = (1 - f[k]) * n[k] + f[k] * state.h[k];
        return next;
    };
}

Step equinox_lstm(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        Numbers a = plus(rows_times(at(arrays, prefix + "weight_ih"), x),
                         rows_times(at(arrays, prefix + "weight_hh"), state.h));
        a = plus(a, numbers(at(arrays, prefix + "bias")));
        return lstm(chunk(a, 0, 4), chunk(a, 1, 4), chunk(a, 2, 4), chunk(a, 3, 4), state.c);
    };
}

Step equinox_gru(const nn::NamedArrays& arrays, const std::string& prefix) {
    return [=](const Numbers& x, const State& state) {
        const Numbers i =
            plus(rows_times(at(arrays, prefix + "weight_ih"), x), numbers(at(arrays, prefix + "bias")));
        const Numbers h = rows_times(at(arrays, prefix + "weight_hh"), state.h);
        const Numbers reset = each(plus(chunk(i, 0, 3), chunk(h, 0, 3)), s);
        const Numbers inp = each(plus(chunk(i, 1, 3), chunk(h, 1, 3)), s);
        const Numbers inside = plus(chunk(h, 2, 3), numbers(at(arrays, prefix + "bias_n")));
        State next{Numbers(reset.size()), {}};
        for (std::size_t k = 0; k < reset.size(); ++k) {
            const double candidate = std::tanh(chunk(i, 2, 3)[k] + reset[k] * inside[k]);
            next.h[k] = candidate + inp[k] * (state.h[k] - candidate);
        }
        return next;
    };
}

std::vector<Numbers> run(const Step& step, const std::vector<Numbers>& x, std::size_t h_size,
                         std::size_t c_size, bool reverse) {
    std::vector<Numbers> outputs(x.size());
    State state{Numbers(h_size, 0.0), Numbers(c_size, 0.0)};
    for (std::size_t k = 0; k < x.size(); ++k) {
        const std::size_t t = reverse ? x.size() - 1 - k : k;
        state = step(x[t], state);
        outputs[t] = state.h;
    }
    return outputs;
}

std::vector<Numbers> side_by_side(const std::vector<Numbers>& ahead, const std::vector<Numbers>& back) {
    std::vector<Numbers> both = ahead;
    for (std::size_t t = 0; t < both.size(); ++t)
        both[t].insert(both[t].end(), back[t].begin(), back[t].end());
    return both;
}

}  // namespace tapeloop::test::outside
