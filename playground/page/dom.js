// The only place that makes DOM nodes. Views are plain trees of strings and h(…); text is always a text node, so nothing in a
// message can become markup.

const LINK = /^(https?:|mailto:)/i;

/** A tree: {tag, attrs, children}. Children may be strings, trees, nested arrays; null, undefined and false are left out. */
export function h(tag, attrs, ...children) {
  return {
    tag,
    attrs: attrs || {},
    children: children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false),
  };
}

/** The DOM node of a tree. Attributes named on… are listeners; an href that is not http, https or mailto and a src elsewhere are dropped. */
export function node(tree) {
  if (typeof tree !== "object") return document.createTextNode(String(tree));
  const element = document.createElement(tree.tag);
  for (const [name, value] of Object.entries(tree.attrs)) {
    if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "hue") element.style.setProperty("--hue", value);
    else if (name === "href" && !LINK.test(value) && !value.startsWith("/playground/")) continue;
    else if (name === "src" && !value.startsWith("/playground/files/")) continue;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of tree.children) element.append(node(child));
  return element;
}

/** Puts trees into an element in place of what it held. */
export function fill(element, ...trees) {
  element.replaceChildren(
    ...trees
      .flat(Infinity)
      .filter((t) => t !== null && t !== undefined && t !== false)
      .map(node),
  );
}

/** A link that leaves the page, or only its words where the address is none that a message may lead to. */
export function link(url, words) {
  if (!LINK.test(url)) return h("span", {}, words);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words);
}
