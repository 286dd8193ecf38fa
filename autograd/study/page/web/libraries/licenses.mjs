// Prints the licence of every package that is in the bundle: all but what only the build needs. A text that several packages
// have is said once, behind their names and copyrights.
import { readFileSync, readdirSync } from "node:fs";

const packages = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const groups = new Map(); // by the words of the text
for (const path of Object.keys(packages).sort()) {
    if (path === "" || packages[path].dev) continue;
    const { name, version, license } = JSON.parse(readFileSync(`${path}/package.json`, "utf8"));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    const text = readFileSync(`${path}/${file}`, "utf8").trim();
    // The notice that the text begins with; one that names its package's author alone.
    const notice = /^(Copyright [^\n]*)\n\s*/.exec(text) ?? ["", ""];
    const rest = text.slice(notice[0].length);
    const words = rest.split(/\s+/).join(" ");
    if (!groups.has(words)) groups.set(words, { rest, heads: [] });
    groups.get(words).heads.push(`${name} ${version} (${license})${notice[1] ? `\n${notice[1]}` : ""}`);
}
for (const { rest, heads } of groups.values()) console.log(`${heads.join("\n\n")}\n\n${rest}\n\n${"-".repeat(78)}\n`);
