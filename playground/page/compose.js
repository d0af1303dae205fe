// The write box: Enter sends, Shift+Enter breaks the line, "@" completes names, files come along.
import { fill, h, node } from "./dom.js";
import { avatar } from "./message.js";

/** A write box in `form`. `send(text, files)` may reject: then what was written comes back. `people()` are those "@" completes,
 * `commands()` what "/" at the beginning does. */
export class Compose {
  constructor(form, { label, send, people, commands = () => [], failed }) {
    Object.assign(this, { form, send, people, commands, failed, files: [], choice: 0, found: [] });
    this.box = node(h("textarea", { rows: "1", "aria-label": label, placeholder: label, autocomplete: "off" }));
    this.names = node(h("ul", { class: "names", role: "listbox", hidden: true }));
    this.chips = node(h("div", { class: "chips" }));
    this.picker = node(
      h("input", { type: "file", multiple: true, hidden: true, "aria-hidden": "true", tabindex: "-1" }),
    );
    const attach = node(
      h(
        "button",
        {
          type: "button",
          class: "attach",
          title: "Attach a file",
          "aria-label": "Attach a file",
          onclick: () => this.picker.click(),
        },
        "📎",
      ),
    );
    const button = node(h("button", { type: "submit", class: "send", "aria-label": "Send" }, "➤"));
    form.replaceChildren(this.names, this.chips, this.box, this.picker, attach, button);
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("input", () => {
      this.grow();
      this.complete();
    });
    this.box.addEventListener("blur", () => {
      this.names.hidden = true;
    });
    this.picker.addEventListener("change", () => {
      this.add(this.picker.files);
      this.picker.value = "";
    });
    this.box.addEventListener("paste", (event) => this.add(event.clipboardData.files));
    const pane = form.closest("main, section"); // dropped anywhere beside the conversation
    pane.addEventListener("dragover", (event) => event.preventDefault());
    pane.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!form.hidden) this.add(event.dataTransfer.files);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  relabel(label) {
    this.box.placeholder = label;
    this.box.setAttribute("aria-label", label);
  }

  put(text) {
    this.box.value = text;
    this.grow();
    this.box.focus();
  }

  add(files) {
    this.files.push(...files);
    this.showFiles();
  }

  showFiles() {
    fill(
      this.chips,
      this.files.map((file, n) =>
        h(
          "span",
          { class: "chip" },
          file.name,
          h(
            "button",
            {
              type: "button",
              "aria-label": `Remove ${file.name}`,
              onclick: () => {
                this.files.splice(n, 1);
                this.showFiles();
              },
            },
            "×",
          ),
        ),
      ),
    );
  }

  async submit() {
    const text = this.box.value.trim(),
      files = this.files;
    if (!text && !files.length) return;
    this.box.value = "";
    this.files = [];
    this.showFiles();
    this.grow();
    try {
      await this.send(text, files);
    } catch (error) {
      if (!this.box.value) this.box.value = text;
      this.add(files);
      this.grow();
      this.failed(error.message);
    }
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 200)}px`;
  }

  key(event) {
    if (event.isComposing) return;
    if (!this.names.hidden && this.found.length) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        this.choice = (this.choice + (event.key === "ArrowDown" ? 1 : -1) + this.found.length) % this.found.length;
        this.showNames();
        return event.preventDefault();
      }
      if (event.key === "Enter" || event.key === "Tab") {
        this.choose(this.found[this.choice]);
        return event.preventDefault();
      }
      if (event.key === "Escape") {
        this.names.hidden = true;
        event.stopPropagation();
        return event.preventDefault();
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    }
  }

  complete() {
    const before = this.box.value.slice(0, this.box.selectionStart);
    const begun = /(?:^|\s)@(\w*)$/.exec(before);
    const start = begun?.[1].toLowerCase();
    this.found = begun
      ? this.people()
          .filter((p) => p.name.startsWith(start) || p.real_name.toLowerCase().startsWith(start))
          .slice(0, 6)
      : [];
    if (this.found.length === 1 && this.found[0].name === start) this.found = []; // it is all there
    if (/^\/\w*$/.test(before))
      this.found = this.commands()
        .filter((c) => c.startsWith(before) && c !== before)
        .map((command) => ({ command }));
    this.choice = 0;
    this.showNames();
  }

  showNames() {
    this.names.hidden = !this.found.length;
    fill(
      this.names,
      this.found.map((p, n) =>
        h(
          "li",
          {
            role: "option",
            "aria-selected": String(n === this.choice),
            onmousedown: (event) => {
              event.preventDefault();
              this.choose(p);
            },
          },
          p.command ? h("strong", {}, p.command) : [avatar(p, "small"), h("strong", {}, p.name)],
          h("span", { class: "muted" }, p.command ? "a command of CorporateAssist" : p.real_name),
        ),
      ),
    );
  }

  choose(person) {
    const at = this.box.selectionStart,
      typed = this.box.value.slice(0, at),
      before = person.command ? `${person.command} ` : typed.replace(/@\w*$/, `@${person.name} `);
    this.box.value = before + this.box.value.slice(at);
    this.box.setSelectionRange(before.length, before.length);
    this.names.hidden = true;
    this.found = [];
  }
}
