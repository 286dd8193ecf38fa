"use strict";
// Arrays in files of safetensors, as the format's text says it: {name: {shape, data}}.
const fs = require("fs");

const KINDS = {F32: Float32Array, F64: Float64Array, I32: Int32Array, I64: BigInt64Array};

exports.read = function read(path) {
    const bytes = fs.readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    const arrays = {};
    for (const [name, entry] of Object.entries(header)) {
        if (name === "__metadata__") continue;
        const [begin, end] = entry.data_offsets.map(offset => 8 + length + offset);
        const data = new Uint8Array(bytes.subarray(begin, end)).buffer;  // a copy, which is aligned
        arrays[name] = {shape: entry.shape, data: new KINDS[entry.dtype](data)};
    }
    return arrays;
};

exports.write = function write(path, arrays) {
    const header = {};
    const parts = [];
    let offset = 0;
    for (const [name, {shape, data}] of Object.entries(arrays)) {
        const dtype = Object.keys(KINDS).find(kind => data instanceof KINDS[kind]);
        header[name] = {dtype, shape, data_offsets: [offset, offset + data.byteLength]};
        offset += data.byteLength;
        parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    fs.writeFileSync(path, Buffer.concat([length, text, ...parts]));
};
