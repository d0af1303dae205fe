// Markdown as Slack's `markdown` block shows it, as trees. Whatever is not understood stays text.
import { h } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:( +)(.*)|)$/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const DEEPEST = 12; // nested quotes and lists; deeper ones are text

/** The trees of a Markdown text. `names` gives people's and channels' names by id, and the reader's own id for "me". */
export function markdown(text, names = () => "") {
  return blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), names, 0);
}

function blocks(lines, names, depth) {
  const out = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const read = !line.trim() ? null : reader(lines, i, depth);
    const [tree, next] = !line.trim() ? [null, i + 1] : (read || paragraph)(lines, i, names, depth);
    if (tree) out.push(tree);
    i = next;
  }
  return out;
}

/** Which reader understands the block that begins at a line, if any; each gives [tree, index of the line after it]. */
function reader(lines, i, depth) {
  const line = lines[i];
  if (FENCE.test(line)) return fence;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return rule;
  if (QUOTE.test(line) && depth < DEEPEST) return quote;
  if (ITEM.test(line) && depth < DEEPEST) return list;
  if (line.includes("|") && TABLE_RULE.test(lines[i + 1] || "") && cells(line).length === cells(lines[i + 1]).length)
    return table;
  if (/^ {4}/.test(line)) return indented;
  return null;
}

function fence(lines, i) {
  const [, mark, language] = FENCE.exec(lines[i]);
  const indent = /^ */.exec(lines[i])[0].length,
    body = [];
  for (i += 1; i < lines.length; i += 1) {
    const close = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(lines[i]);
    if (close && close[1].startsWith(mark)) return [pre(body, language), i + 1];
    body.push(lines[i].replace(new RegExp(`^ {0,${indent}}`), ""));
  }
  return [pre(body, language), i]; // still being written
}

const pre = (body, language) => h("pre", { "data-language": language || false }, h("code", {}, body.join("\n")));

function indented(lines, i) {
  const body = [];
  for (; i < lines.length && (/^ {4}/.test(lines[i]) || !lines[i].trim()); i += 1) body.push(lines[i].slice(4));
  while (!body.at(-1)) body.pop();
  return [pre(body), i];
}

function heading(lines, i, names) {
  const [, marks, words] = HEADING.exec(lines[i]);
  return [h(`h${Math.min(marks.length + 2, 6)}`, { class: `h${marks.length}` }, inline(words || "", names)), i + 1];
}

const rule = (_, i) => [h("hr"), i + 1];

function quote(lines, i, names, depth) {
  const body = [];
  for (; i < lines.length && lines[i].trim() && (QUOTE.test(lines[i]) || !reader(lines, i, depth)); i += 1)
    body.push(lines[i].replace(QUOTE, ""));
  return [h("blockquote", {}, blocks(body, names, depth + 1)), i];
}

function paragraph(lines, i, names, depth) {
  const body = [lines[i].trimStart()];
  for (i += 1; i < lines.length && lines[i].trim(); i += 1) {
    const underline = /^ {0,3}(=+|-{2,})\s*$/.exec(lines[i]);
    if (underline)
      return [
        h(
          underline[1][0] === "=" ? "h3" : "h4",
          { class: underline[1][0] === "=" ? "h1" : "h2" },
          inline(body.join("\n"), names),
        ),
        i + 1,
      ];
    const next = reader(lines, i, depth);
    // An indented line, or a number other than 1, goes on with the paragraph.
    if (next && next !== indented && !(next === list && /^ *(?!1[.)])\d/.test(lines[i]))) break;
    body.push(lines[i].trimStart());
  }
  return [h("p", {}, inline(body.join("\n").trimEnd(), names)), i];
}

function list(lines, i, names, depth) {
  const [, , first] = ITEM.exec(lines[i]);
  const kind = first.at(-1),
    ordered = /\d/.test(first),
    items = [];
  const indent = /^ */.exec(lines[i])[0].length;
  let loose = false;
  while (i < lines.length) {
    const item = ITEM.exec(lines[i]);
    if (!item || item[2].at(-1) !== kind || item[1].length > indent + 3 || RULE.test(lines[i])) break;
    // What is indented as far as the item's words belongs to it; two columns do for bullets, whatever people write.
    const width = item[1].length + item[2].length + Math.min((item[3] || " ").length, 4);
    const body = [item[4] || ""];
    for (i += 1; i < lines.length; i += 1) {
      const depthOf = /^ */.exec(lines[i])[0].length;
      if (!lines[i].trim()) {
        if (!lines[i + 1]?.trim() || /^ */.exec(lines[i + 1])[0].length < Math.min(width, item[1].length + 2)) break;
        body.push("");
        loose = true;
      } else if (depthOf >= Math.min(width, item[1].length + 2)) body.push(lines[i].slice(Math.min(depthOf, width)));
      else if (!reader(lines, i, depth) && lines[i - 1].trim()) body.push(lines[i].trimStart());
      else break;
    }
    items.push(body);
    if (!lines[i]?.trim() && ITEM.test(lines[i + 1] || "")) i += 1;
  }
  const start = ordered ? Number.parseInt(first, 10) : 1;
  return [
    h(
      ordered ? "ol" : "ul",
      { start: start !== 1 && String(start) },
      items.map((body) => listItem(body, loose, names, depth)),
    ),
    i,
  ];
}

function listItem(body, loose, names, depth) {
  const task = /^\[([ xX])\] +/.exec(body[0]);
  if (task) body[0] = body[0].slice(task[0].length);
  const inner = blocks(body, names, depth + 1).map((tree) =>
    tree.tag === "p" && !loose ? h("span", {}, tree.children) : tree,
  );
  const box =
    task &&
    h(
      "span",
      { class: "task", role: "img", "aria-label": task[1] === " " ? "to do" : "done" },
      task[1] === " " ? "☐" : "☑",
    );
  return h("li", { class: task && "with-task" }, box, inner);
}

function table(lines, i, names) {
  const sides = cells(lines[i + 1]).map((c) => (/^:.*:$/.test(c) ? "center" : /:$/.test(c) ? "right" : "left"));
  const row = (line, tag) => {
    const found = cells(line);
    return h(
      "tr",
      {},
      sides.map((side, n) => h(tag, { class: side }, inline(found[n] || "", names))),
    );
  };
  const head = row(lines[i], "th"),
    body = [];
  for (i += 2; i < lines.length && lines[i].trim() && lines[i].includes("|"); i += 1) body.push(row(lines[i], "td"));
  return [h("div", { class: "table" }, h("table", {}, h("thead", {}, head), h("tbody", {}, body))), i];
}

/** A row's cells: split at pipes that are neither escaped nor in a code span. */
function cells(line) {
  const out = [""];
  let code = false;
  const text = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === "\\" && text[i + 1] === "|") {
      out[out.length - 1] += "|";
      i += 1;
      continue;
    }
    if (text[i] === "`") code = code ? false : text.indexOf("`", i + 1) > 0;
    if (text[i] === "|" && !code) out.push("");
    else out[out.length - 1] += text[i];
  }
  return out.map((c) => c.trim());
}
