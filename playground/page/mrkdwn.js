// Slack's own mark-up (*bold*, _italic_, ~struck~, <url|words>, <@U…>) as trees.
import { h, link } from "./dom.js";
import { emoji, mention, unescaped } from "./inline.js";

const TAGS = { "*": "strong", _: "em", "~": "s" };
const PARTS = new RegExp(
  [
    "```\\n?(?<pre>[\\s\\S]+?)```",
    "`(?<code>[^`\\n]+)`",
    "<(?<target>[@#!][^<>|]+)(?:\\|(?<label>[^<>]*))?>",
    "<(?<url>(?:https?|mailto):[^<>|]+)(?:\\|(?<words>[^<>]*))?>",
    "(?<![\\w*_~])(?<mark>[*_~])(?<inner>(?!\\s)(?:<[^<>\\n]*>|(?!\\k<mark>)[^\\n<])+)(?<!\\s)\\k<mark>(?![\\w])",
    ":(?<emoji>[a-z0-9_+-]+(?:::skin-tone-[2-6])?):",
    "(?<br>\\n)",
  ].join("|"),
  "g",
);

/** The trees of a mrkdwn text; its lines that begin with > are quotations. */
export function mrkdwn(text, names) {
  const out = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) out.push(h("blockquote", {}, spans(quoted.join("\n"), names)));
    quoted = [];
  };
  const rest = [];
  for (const line of text.split("\n")) {
    if (/^(&gt;|>) ?/.test(line)) {
      if (rest.length) out.push(spans(rest.splice(0).join("\n"), names));
      quoted.push(line.replace(/^(&gt;|>) ?/, ""));
    } else {
      flush();
      rest.push(line);
    }
  }
  flush();
  if (rest.length) out.push(spans(rest.join("\n"), names));
  return out;
}

function spans(text, names) {
  const out = [];
  let end = 0;
  for (const found of text.matchAll(PARTS)) {
    if (found.index > end) out.push(unescaped(text.slice(end, found.index)));
    out.push(span(found.groups, names));
    end = found.index + found[0].length;
  }
  if (end < text.length) out.push(unescaped(text.slice(end)));
  return out;
}

/** A time in the reader's zone, of the forms that the bot uses; its other words where there is no zone. */
function moment([, seconds, form], words, timeZone) {
  if (!timeZone || !Number(seconds)) return words;
  const at = (options) => new Intl.DateTimeFormat("en", { timeZone, ...options }).format(seconds * 1000);
  return form
    .replace(/\{date_long\w*\}/, at({ weekday: "long", day: "numeric", month: "long", year: "numeric" }))
    .replace(/\{date\w*\}/, at({ day: "numeric", month: "short", year: "numeric" }))
    .replace("{time}", at({ hour: "numeric", minute: "2-digit" }));
}

function span(g, names) {
  if (g.pre) return h("pre", {}, h("code", {}, unescaped(g.pre)));
  if (g.code) return h("code", {}, unescaped(g.code));
  if (g.target?.startsWith("!date")) return moment(g.target.split("^"), unescaped(g.label || ""), names("tz"));
  if (g.target) return mention(g.target, g.label, names);
  if (g.url) return link(unescaped(g.url), unescaped(g.words || g.url.replace(/^mailto:/, "")));
  if (g.mark) return h(TAGS[g.mark], {}, spans(g.inner, names));
  if (g.emoji) return emoji(g.emoji);
  return h("br");
}
