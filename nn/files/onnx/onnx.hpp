#pragma once

/// Models for others to run: link `tapeloop::onnx`, which is there where ONNX and protobuf are where tapeloop
/// is built.
#include <nn/files/onnx/onnx_model.hpp>
#include <nn/files/onnx/onnx_options.hpp>
