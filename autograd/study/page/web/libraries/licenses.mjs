// Prints the licence of every package that is in the bundle: all but what only the build needs.
import { readFileSync, readdirSync } from "node:fs";

const packages = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
for (const path of Object.keys(packages).sort()) {
    if (path === "" || packages[path].dev) continue;
    const { name, version, license } = JSON.parse(readFileSync(`${path}/package.json`, "utf8"));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    console.log(`${name} ${version} (${license})\n\n${readFileSync(`${path}/${file}`, "utf8").trim()}\n\n${"-".repeat(78)}\n`);
}
