// What the study page takes from its libraries. build.sh bundles it into ../libraries.js as the global `Libraries`.
export { graphlib, layout } from "@dagrejs/dagre";
export { axisBottom, axisLeft } from "d3-axis";
export { format } from "d3-format";
export { interpolateLab } from "d3-interpolate";
export { scaleBand, scaleLinear, scaleLog } from "d3-scale";
export { interpolateViridis } from "d3-scale-chromatic";
export { pointer, select } from "d3-selection";
export { line, curveBasis } from "d3-shape";
export { zoom, zoomIdentity, zoomTransform } from "d3-zoom";
