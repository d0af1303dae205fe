// Block Kit as trees. `look` is {names, press}: names by id, and what a button does.
import { h, link } from "./dom.js";
import { emoji, mention } from "./inline.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";

/** The trees of a list of blocks. A kind that is not known here is shown as its words. */
export function blocks(list, look) {
  return list.map((block) => (KINDS[block.type] || unknown)(block, look));
}

const KINDS = {
  markdown: (b, look) => h("div", { class: "markdown" }, markdown(b.text, look.names)),
  section: (b, look) =>
    h(
      "div",
      { class: "section" },
      h(
        "div",
        {},
        b.text && text(b.text, look),
        b.fields &&
          h(
            "div",
            { class: "fields" },
            b.fields.map((f) => h("div", {}, text(f, look))),
          ),
      ),
      b.accessory && element(b.accessory, look),
    ),
  header: (b) => h("h3", { class: "h1" }, b.text.text),
  context: (b, look) =>
    h(
      "div",
      { class: "context" },
      b.elements.map((e) => h("span", {}, e.type === "image" ? alt(e) : text(e, look))),
    ),
  divider: () => h("hr"),
  image: (b) => h("div", {}, b.title && h("div", { class: "context" }, b.title.text), alt(b)),
  video: (b) => h("div", {}, link(b.title_url || b.video_url || "", b.title.text), " ", alt(b)),
  rich_text: (b, look) =>
    h(
      "div",
      { class: "rich" },
      b.elements.map((e) => rich(e, look)),
    ),
  table: (b, look) => table(b, look),
  data_table: (b, look) => table(b, look),
  actions: (b, look) =>
    h(
      "div",
      { class: "actions" },
      b.elements.map((e) => element(e, look)),
    ),
  context_actions: (b, look) =>
    h(
      "div",
      { class: "actions" },
      b.elements.map((e) => element(e, look)),
    ),
  input: (b) => h("div", { class: "context" }, b.label.text),
};

const unknown = (b) => h("div", { class: "context" }, words(b) || `[${b.type}]`);

/** A text object: mrkdwn or plain. */
export function text(t, look) {
  if (t.type === "mrkdwn") return mrkdwn(t.text, look.names);
  return t.text
    .split("\n")
    .flatMap((line, n) => [n ? h("br") : null, line.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name))]);
}

const alt = (image) => h("span", { class: "image", role: "img", "aria-label": image.alt_text }, `🖼 ${image.alt_text}`);

const agreed = (c) => window.confirm(`${c.title.text}\n\n${c.text.text}`);

function element(e, look) {
  const press = (value) => () => (!e.confirm || agreed(e.confirm)) && look.press?.(e.action_id, value);
  switch (e.type) {
    case "button":
      if (e.url) return link(e.url, e.text.text);
      return h(
        "button",
        { class: `button ${e.style || ""}`, type: "button", onclick: press(null) },
        text(e.text, look),
      );
    case "feedback_buttons":
      return [
        ["positive", e.positive_button],
        ["negative", e.negative_button],
      ].map(([side, b]) =>
        h(
          "button",
          { class: "button small", type: "button", "aria-label": b.accessibility_label || false, onclick: press(side) },
          b.text.text,
        ),
      );
    case "icon_button":
      return h("button", { class: "button small", type: "button", onclick: press(null) }, e.text.text);
    case "static_select":
    case "radio_buttons":
    case "overflow":
      return h(
        "select",
        {
          "aria-label": e.placeholder?.text || e.action_id,
          onchange: (event) => look.press?.(e.action_id, event.target.value),
        },
        h("option", { value: "" }, e.placeholder?.text || "Choose…"),
        (e.options || []).map((o) => h("option", { value: o.value }, o.text.text)),
      );
    case "image":
      return alt(e);
    default:
      return h("span", { class: "context" }, words(e) || `[${e.type}]`);
  }
}

/** Every text in a thing of a kind that is not known. */
function words(thing) {
  if (!thing || typeof thing !== "object") return "";
  return Object.entries(thing)
    .flatMap(([key, v]) =>
      typeof v === "string" ? (["text", "title", "alt_text"].includes(key) ? [v] : []) : [words(v)],
    )
    .filter(Boolean)
    .join(" ");
}

function table(b, look) {
  const sides = b.column_settings || [];
  const cell = (c, n, tag) =>
    h(
      tag,
      { class: sides[n]?.align || "left" },
      c.type === "rich_text" ? c.elements.map((e) => rich(e, look)) : String(c.text ?? c.value ?? ""),
    );
  const [head, ...rows] = b.rows;
  return h(
    "div",
    { class: "table" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((c, n) => cell(c, n, "th")),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((c, n) => cell(c, n, "td")),
          ),
        ),
      ),
    ),
  );
}

function rich(e, look) {
  const inner = () => e.elements.map((x) => rich(x, look));
  switch (e.type) {
    case "rich_text_section":
      return h("div", {}, inner());
    case "rich_text_preformatted":
      return h("pre", {}, h("code", {}, inner()));
    case "rich_text_quote":
      return h("blockquote", {}, inner());
    case "rich_text_list":
      return h(
        e.style === "ordered" ? "ol" : "ul",
        { class: `indent-${Math.min(e.indent || 0, 5)}`, start: e.offset ? String(e.offset + 1) : false },
        inner().map((i) => h("li", {}, i.children)),
      );
    case "user":
      return mention(`@${e.user_id}`, "", look.names);
    case "channel":
      return mention(`#${e.channel_id}`, "", look.names);
    case "broadcast":
      return mention(`!${e.range}`, "", look.names);
    case "usergroup":
      return mention("!group", "group", look.names);
    case "emoji":
      return emoji(e.name);
    case "link":
      return styled(link(e.url, e.text || e.url.replace(/^mailto:/, "")), e.style);
    case "text":
      return styled(
        e.text.split("\n").flatMap((line, n) => [n ? h("br") : null, line]),
        e.style,
      );
    default:
      return e.text || e.fallback || "";
  }
}

function styled(tree, style = {}) {
  const tags = [
    ["code", "code"],
    ["strike", "s"],
    ["italic", "em"],
    ["bold", "strong"],
  ];
  return tags.reduce((inner, [name, tag]) => (style[name] ? h(tag, {}, inner) : inner), tree);
}
