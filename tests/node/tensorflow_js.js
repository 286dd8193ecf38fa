"use strict";
// tensorflow_js.js FOLDER: gives the layers of TensorFlow.js the weights that were written under Keras' names, and compares
// what they compute; then writes what the layers hold themselves, and what that computes.
const path = require("path");
const tf = require("@tensorflow/tfjs");
const {read, write} = require("./safetensors.js");

const TOLERANCE = 1e-5;
const weights = (prefix, ...names) => names.map(name => prefix + name);
const cell = prefix => weights(prefix, "kernel", "recurrent_kernel", "bias");
const recurrent = {units: 3, returnSequences: true, recurrentActivation: "sigmoid"};
const {layers} = tf;

// Of each case its layer, and Keras' names of what getWeights() returns, in order. There is no GRU with reset_after here:
// TensorFlow.js refuses it.
const CASES = {
    lstm: [() => layers.lstm(recurrent), cell("lstm_cell/")],
    lstm_hard: [() => layers.lstm({...recurrent, recurrentActivation: "hardSigmoid"}), cell("lstm_cell/")],
    gru: [() => layers.gru({...recurrent, resetAfter: false}), cell("gru_cell/")],
    simple_rnn: [() => layers.simpleRNN({units: 3, returnSequences: true}), cell("simple_rnn_cell/")],
    bidirectional: [() => layers.bidirectional({layer: layers.lstm(recurrent), mergeMode: "concat"}),
                    [...cell("forward_lstm/lstm_cell/"), ...cell("backward_lstm/lstm_cell/")]],
    dense: [() => layers.dense({units: 3}), weights("", "kernel", "bias")],
    embedding: [() => layers.embedding({inputDim: 5, outputDim: 3}), weights("", "embeddings")],
    layer_norm: [() => layers.layerNormalization({epsilon: 1e-5}), weights("", "gamma", "beta")],
};

function tensor({shape, data}) {
    return data instanceof BigInt64Array ? tf.tensor(Int32Array.from(data, Number), shape, "int32") : tf.tensor(data, shape);
}
function array(value) {
    return {shape: value.shape, data: Float32Array.from(value.dataSync())};
}

function compare(found, expected) {
    if (String(found.shape) !== String(expected.shape))
        throw new Error(`outputs are [${found.shape}] and should be [${expected.shape}]`);
    const values = found.dataSync();
    const largest = expected.data.reduce((most, value, i) => {
        const error = Math.abs(values[i] - value);
        return error <= most ? most : error;  // a NaN is not
    }, 0);
    if (!(largest <= TOLERANCE)) throw new Error(`outputs differ by ${largest}`);
    return largest;
}

function run(folder, name) {
    const [make, names] = CASES[name];
    const given = read(path.join(folder, `${name}.safetensors`));
    const layer = make();
    const x = tensor(given.x);
    layer.apply(x);  // makes its weights
    const own = layer.getWeights().map(value => value.add(tf.randomUniform(value.shape, -0.5, 0.5)));
    const count = Object.keys(given).length - 2;
    if (own.length !== names.length || count !== names.length) throw new Error(`${own.length} and ${count} weights`);
    layer.setWeights(names.map(weight => tensor(given[weight])));
    const largest = compare(layer.apply(x), given.y);
    layer.setWeights(own);
    const back = Object.fromEntries(names.map((weight, k) => [weight, array(own[k])]));
    write(path.join(folder, `${name}.back.safetensors`), {...back, x: given.x, y: array(layer.apply(x))});
    return largest;
}

const folder = process.argv[2];
let failures = 0;
for (const name of Object.keys(CASES)) {
    try {
        console.log(`${name}: at most ${run(folder, name).toExponential(1)} off`);
    } catch (error) {
        console.log(`${name}: FAILED: ${error.message}`);
        ++failures;
    }
}
process.exit(failures === 0 ? 0 : 1);
