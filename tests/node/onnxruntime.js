"use strict";
// onnxruntime.js FOLDER: runs every model there with onnxruntime, and compares its outputs with those that are there.
const fs = require("fs");
const path = require("path");
const ort = require("onnxruntime-node");
const {read} = require("./safetensors.js");

const TOLERANCE = 1e-5;
const TYPES = {Float32Array: "float32", Int32Array: "int32", BigInt64Array: "int64"};

function asTensor({shape, data}, port) {
    if (port.endsWith("lengths")) data = Int32Array.from(data, Number);
    return new ort.Tensor(TYPES[data.constructor.name], data, shape);
}

/// The largest error, relative to values above 1.
function difference(name, found, expected) {
    if (found === undefined) throw new Error(`there is no output ${name}`);
    if (String(found.dims) !== String(expected.shape))
        throw new Error(`${name} is [${found.dims}] and should be [${expected.shape}]`);
    let largest = 0;
    expected.data.forEach((value, i) => {
        const error = Math.abs(found.data[i] - value) / Math.max(1, Math.abs(value));
        // Not `>`: a NaN is wrong, too.
        if (!(error <= largest)) largest = Object.is(found.data[i], value) || found.data[i] === value ? largest : error;
    });
    return largest;
}

async function runModel(folder, name) {
    const session = await ort.InferenceSession.create(path.join(folder, `${name}.onnx`), {logSeverityLevel: 3});
    const runs = {};  // of each run, "in" and "out" by name
    for (const [key, array] of Object.entries(read(path.join(folder, `${name}.safetensors`)))) {
        const [run, side, port] = key.split("/");
        ((runs[run] ??= {in: {}, out: {}})[side])[port] = array;
    }
    let largest = 0;
    let count = 0;
    for (const run of Object.values(runs)) {
        const feeds = Object.fromEntries(Object.entries(run.in).map(([port, array]) => [port, asTensor(array, port)]));
        const results = await session.run(feeds);
        for (const [port, expected] of Object.entries(run.out)) {
            const error = difference(port, results[port], expected);
            if (!(error <= largest)) largest = error;
            count += expected.data.length;
        }
    }
    if (count === 0) throw new Error("nothing was compared");
    if (!(largest <= TOLERANCE)) throw new Error(`differs by ${largest}`);
    return `${count} numbers, at most ${largest.toExponential(1)} off`;
}

async function main(folder) {
    const names = fs.readdirSync(folder).filter(file => file.endsWith(".onnx")).map(file => file.slice(0, -5));
    let failures = names.length === 0 ? 1 : 0;
    for (const name of names) {
        try {
            console.log(`${name}: ${await runModel(folder, name)}`);
        } catch (error) {
            console.log(`${name}: FAILED: ${error.message}`);
            ++failures;
        }
    }
    console.log(`${names.length} models, ${failures} failures`);
    process.exit(failures === 0 ? 0 : 1);
}

main(process.argv[2]);
