// Markdown within a line, as trees: emphasis, code, links, mentions.
import { h, link } from "./dom.js";

const ENTITIES = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  hellip: "…",
  ndash: "–",
  mdash: "—",
  copy: "©",
};
const ENTITY = /^&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/i;
const BARE_URL = /^https?:\/\/[^\s<>]*[^\s<>.,;:!?'"*_~)\]]/i;
const SLACK = /^<(@[UW][A-Z0-9]+|#C[A-Z0-9]+|![a-z]+(?:\^[A-Z0-9]+)?)(?:\|([^<>]*))?>/;
const AUTO = /^<((?:https?:|mailto:)[^\s<>|]+)(?:\|([^<>]*))?>/i;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const EMOJI = {
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  no_entry: "⛔",
  warning: "⚠️",
  eyes: "👀",
  wave: "👋",
  tada: "🎉",
  rocket: "🚀",
  bulb: "💡",
  memo: "📝",
  thumbsup: "👍",
  "+1": "👍",
  thumbsdown: "👎",
  "-1": "👎",
  heart: "❤️",
  smile: "😄",
  thinking_face: "🤔",
  pray: "🙏",
  lock: "🔒",
  robot_face: "🤖",
  calendar: "📅",
  date: "📅",
  receipt: "🧾",
  moneybag: "💰",
  euro: "💶",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  page_facing_up: "📄",
  paperclip: "📎",
  information_source: "ℹ️",
  question: "❓",
  grey_question: "❔",
  mag: "🔍",
  hammer_and_wrench: "🛠️",
  email: "📧",
  clock1: "🕐",
  alarm_clock: "⏰",
  fire: "🔥",
  100: "💯",
};

/** :name: as the character, or as it is. */
export const emoji = (name) => EMOJI[name.split("::")[0]] || `:${name}:`;

/** A character reference at the start of `text`: [character, length], or null. */
function entity(text) {
  const found = ENTITY.exec(text);
  if (!found) return null;
  const code = found[1] ? Number(found[1]) : found[2] ? parseInt(found[2], 16) : 0;
  const char = code ? (code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd") : ENTITIES[found[3]];
  return char ? [char, found[0].length] : null;
}

/** The text with its character references resolved. */
export const unescaped = (text) => text.replace(/&[#a-z0-9]+;/gi, (found) => (entity(found) || [found])[0]);

/** A mention such as "@U…", "#C…" or "!here" as a tree. `names` gives people's and channels' names by id. */
export function mention(target, label, names) {
  if (target[0] === "!")
    return h("span", { class: "mention" }, `@${(label || target.slice(1).split("^")[0]).replace(/^@/, "")}`);
  const name = names(target.slice(1)) || label || target.slice(1);
  return h("span", { class: target.slice(1) === names("me") ? "mention me" : "mention" }, `${target[0]}${name}`);
}

/** The trees of a stretch of Markdown without blocks. A line break in it is one in the view, as in Slack. */
export function inline(text, names) {
  return tree(tokens(text, names));
}

/** Trees and strings, and {mark, open, close} for runs of * _ ~ that may emphasise. */
function tokens(text, names) {
  const out = [];
  let words = "";
  const put = (token) => {
    if (words) out.push(words);
    words = "";
    out.push(token);
  };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i),
      char = text[i];
    let found;
    if (char === "\\" && ESCAPABLE.test(text[i + 1] || "")) {
      words += text[i + 1];
      i += 2;
    } else if (char === "\n") {
      words = words.replace(/[ \\]+$/, "");
      put(h("br"));
      i += 1;
    } else if (char === "`" && (found = code(rest))) {
      put(h("code", {}, found[0]));
      i += found[1];
    } else if (char === "&" && (found = entity(rest))) {
      words += found[0];
      i += found[1];
    } else if (char === "<" && (found = SLACK.exec(rest))) {
      put(mention(found[1], found[2], names));
      i += found[0].length;
    } else if (char === "<" && (found = AUTO.exec(rest))) {
      put(link(found[1], found[2] || found[1].replace(/^mailto:/, "")));
      i += found[0].length;
    } else if ((char === "[" || (char === "!" && text[i + 1] === "[")) && (found = bracket(rest, names))) {
      put(found[0]);
      i += found[1];
    } else if (char === "h" && !/\w/.test(text[i - 1] || "") && (found = BARE_URL.exec(rest))) {
      put(link(found[0], found[0]));
      i += found[0].length;
    } else if (char === ":" && (found = /^:([a-z0-9_+-]+):/.exec(rest)) && EMOJI[found[1]]) {
      words += EMOJI[found[1]];
      i += found[0].length;
    } else if ("*_~".includes(char)) {
      const run = /^(.)\1*/.exec(rest)[0];
      put(delimiter(run, text[i - 1], text[i + run.length]));
      i += run.length;
    } else {
      words += char;
      i += 1;
    }
  }
  if (words) out.push(words);
  return out;
}

/** A code span: [text, length], or null where it is not closed. */
function code(rest) {
  const ticks = /^`+/.exec(rest)[0];
  let end = ticks.length;
  for (;;) {
    end = rest.indexOf(ticks, end);
    if (end < 0) return null;
    const run = /^`+/.exec(rest.slice(end))[0].length;
    if (run === ticks.length) break;
    end += run;
  }
  const inner = rest.slice(ticks.length, end).replace(/\n/g, " ");
  return [/^ .*[^ ].* $/.test(inner) ? inner.slice(1, -1) : inner, end + ticks.length];
}

/** [words](url "title") or ![alt](url): [tree, length], or null. An image is shown as a link with its alternative text. */
function bracket(rest, names) {
  const image = rest[0] === "!",
    start = image ? 2 : 1;
  let depth = 1,
    end = start;
  for (; end < rest.length && depth; end += 1) {
    if (rest[end] === "\\") end += 1;
    else if (rest[end] === "[") depth += 1;
    else if (rest[end] === "]") depth -= 1;
  }
  const target = depth
    ? null
    : /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(rest.slice(end));
  if (!target) return null;
  const words = rest.slice(start, end - 1),
    url = unescaped(target[1] ?? target[2]);
  return [link(url, image ? [`🖼 ${words || "image"}`] : inline(words || url, names)), end + target[0].length];
}

/** A run of * _ ~ with what it may do there, by CommonMark's flanking rules. */
function delimiter(run, before = " ", after = " ") {
  const space = (c) => /\s/.test(c),
    sign = (c) => /[\p{P}\p{S}]/u.test(c);
  const left = !space(after) && (!sign(after) || space(before) || sign(before));
  const right = !space(before) && (!sign(before) || space(after) || sign(after));
  const word = run[0] === "_";
  return {
    mark: run[0],
    count: run.length,
    open: left && (!word || !right || sign(before)),
    close: right && (!word || !left || sign(after)),
  };
}

/** Pairs the delimiters: each closer takes the nearest opener of its kind, and what lies between goes into one tree. */
function tree(list) {
  const stack = []; // the output so far: trees, strings, delimiters still open
  for (const token of list) {
    if (!token.mark) {
      stack.push(token);
      continue;
    }
    let { count } = token;
    while (token.close && count) {
      const at = stack.findLastIndex(
        (s) => s.mark === token.mark && s.open && s.count && (s.mark !== "~" || s.count === count),
      );
      if (at < 0) break;
      const opener = stack[at],
        strong = token.mark !== "~" && opener.count > 1 && count > 1;
      const used = token.mark === "~" ? count : strong ? 2 : 1;
      if (used > 2) break;
      const inner = stack.splice(at + 1).map(literal);
      opener.count -= used;
      count -= used;
      if (!opener.count) stack.pop();
      stack.push(h(token.mark === "~" ? "s" : strong ? "strong" : "em", {}, inner));
    }
    if (count) stack.push({ ...token, count });
  }
  return stack.map(literal);
}

const literal = (token) => (token.mark ? token.mark.repeat(token.count) : token);
