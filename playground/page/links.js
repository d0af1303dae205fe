// Permalinks of this workspace: they open here what they name.

const LINKED = /^\/(archives|files)\//;

/** Calls `follow` with the path of each permalink that is pressed, or that another tab put into the address. */
export function followed(follow) {
  document.addEventListener("click", (event) => {
    const a = event.target.closest("a[href]");
    if (!a || a.origin !== location.origin || !LINKED.test(a.pathname)) return;
    event.preventDefault();
    follow(a.pathname + a.search);
  });
  window.addEventListener("hashchange", () => {
    const path = pending();
    if (path) follow(path);
  });
}

/** The permalink with which the page was opened, once. */
export function pending() {
  const path = location.hash.slice(1);
  if (!LINKED.test(path)) return "";
  history.replaceState(null, "", "/");
  return path;
}

/** {channel, message, root}: the message that a path names, or the newest that shares the file it names; nothing where one may not see it. */
export function named(path, state) {
  const url = new URL(path, location.origin);
  const [, kind, one, two = ""] = url.pathname.split("/");
  const all = [...state.channels.values()].flatMap((channel) =>
    [...channel.messages.values()].map((message) => ({ channel, message, root: message.thread_ts })),
  );
  if (kind === "files") return all.findLast(({ message }) => message.files?.some((f) => f.id === two)) ?? {};
  const ts = two.replace(/^p(\d+)(\d{6})$/, "$1.$2");
  return all.find(({ channel, message }) => channel.id === one && message.ts === ts) ?? {};
}
