// A modal: its blocks, the fields of its input blocks, and what a person put into them.
import { blocks } from "./blocks.js";
import { fill, h, node } from "./dom.js";

/** Shows the modal of `state` in the dialog `box`, or none. What was filled in stays while the same view only gets errors. */
export function showIn(box, errors, state, page) {
  if (!state.modal) return box.close();
  const view = `${state.me.id} ${state.modal.id} ${state.modal.hash}`;
  if (box.open && box.dataset.view === view) return showErrors(box, errors);
  box.dataset.view = view;
  fill(box, modal(state.modal, errors, state, page));
  if (!box.open) box.showModal();
}

function showErrors(box, errors) {
  box.querySelectorAll(".wrong").forEach((old) => old.remove());
  for (const [block, words] of Object.entries(errors)) {
    const field = [...box.querySelectorAll("[data-field]")].find((f) => f.dataset.field === block);
    const said = node(h("p", { class: "wrong", role: "alert" }, words));
    if (field) field.closest(".field").append(said);
    else box.querySelector("footer").before(said);
  }
}

/** The modal as a tree. `errors` are by block id, "" for the whole. `page` does things: submit, closeModal, pressView. */
function modal(view, errors, state, page) {
  const look = { names: state.names, press: (action, value) => page.pressView(view.id, action, value) };
  return h(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        page.submit(view, filled(view, event.target));
      },
    },
    h(
      "header",
      {},
      h("h2", {}, view.title.text),
      h("button", { type: "button", "aria-label": "Close", onclick: () => page.closeModal(view) }, "×"),
    ),
    h(
      "div",
      { class: "fields-of-modal" },
      view.blocks.map((b) => (b.type === "input" ? input(b, errors[b.block_id], state) : blocks([b], look))),
    ),
    errors[""] && h("p", { class: "wrong", role: "alert" }, errors[""]),
    h(
      "footer",
      {},
      h("button", { type: "button", class: "button", onclick: () => page.closeModal(view) }, view.close?.text || "Cancel"),
      view.submit && h("button", { type: "submit", class: "button primary" }, view.submit.text),
    ),
  );
}

function input(b, wrong, state) {
  const id = `field ${b.block_id}`;
  const several = ["checkboxes", "radio_buttons"].includes(b.element.type);
  return h(
    several ? "fieldset" : "div",
    { class: "field" },
    h(
      several ? "legend" : "label",
      { for: several ? false : id },
      b.label.text,
      b.optional && h("small", {}, " (optional)"),
    ),
    field(b.element, { id, "data-field": b.block_id, "aria-invalid": wrong ? "true" : false }, state),
    wrong && h("p", { class: "wrong", role: "alert" }, wrong),
    b.hint && h("small", {}, b.hint.text),
  );
}

const TYPES = {
  email_text_input: "email", url_text_input: "url", number_input: "number", datepicker: "date", timepicker: "time",
};

function field(e, attrs, state) {
  const chosen = (e.initial_options || (e.initial_option ? [e.initial_option] : [])).map((o) => o.value);
  const first = [...chosen, ...(e.initial_users || (e.initial_user ? [e.initial_user] : []))];
  switch (e.type) {
    case "plain_text_input":
      attrs = { ...attrs, placeholder: e.placeholder?.text, maxlength: e.max_length };
      if (e.multiline) return h("textarea", { ...attrs, rows: "4" }, e.initial_value || "");
      return h("input", { ...attrs, type: "text", value: e.initial_value });
    case "file_input":
      return h("input", {
        ...attrs,
        type: "file",
        multiple: (e.max_files || 10) > 1,
        accept: e.filetypes?.map((type) => `.${type}`).join(","),
      });
    case "checkboxes":
    case "radio_buttons":
      return (e.options || []).map((o) =>
        h(
          "label",
          { class: "choice" },
          h("input", {
            "data-field": attrs["data-field"],
            type: e.type === "checkboxes" ? "checkbox" : "radio",
            name: attrs.id,
            value: o.value,
            checked: first.includes(o.value),
          }),
          h("span", {}, o.text.text, o.description && h("small", {}, o.description.text)),
        ),
      );
    case "users_select":
    case "multi_users_select":
    case "static_select":
    case "multi_static_select":
      return h(
        "select",
        { ...attrs, multiple: e.type.startsWith("multi") },
        !e.type.startsWith("multi") && h("option", { value: "" }, e.placeholder?.text || "Choose…"),
        options(e, state).map(([value, words]) => h("option", { value, selected: first.includes(value) }, words)),
      );
    default:
      if (TYPES[e.type])
        return h("input", {
          ...attrs,
          type: TYPES[e.type],
          placeholder: e.placeholder?.text,
          value: e.initial_value || e.initial_date || e.initial_time,
          step: e.type === "number_input" ? (e.is_decimal_allowed ? "any" : "1") : false,
          min: e.min_value,
          max: e.max_value,
        });
      return h("small", {}, `The playground has no field for ${e.type}.`);
  }
}

function options(e, state) {
  if (e.type.endsWith("users_select")) return [...state.people.values()].map((p) => [p.id, p.real_name]);
  return [...(e.options || []), ...(e.option_groups || []).flatMap((g) => g.options)].map((o) => [o.value, o.text.text]);
}

/** {values, files}: values by block and action id, files as [block id, action id, File]. */
function filled(view, form) {
  const values = {},
    files = [];
  for (const b of view.blocks.filter((b) => b.type === "input")) {
    const held = [...form.querySelectorAll("[data-field]")].filter((f) => f.dataset.field === b.block_id);
    if (!held.length) continue;
    values[b.block_id] = {};
    if (b.element.type === "file_input")
      for (const file of held[0].files) files.push([b.block_id, b.element.action_id, file]);
    else values[b.block_id][b.element.action_id] = value(b.element.type, held);
  }
  return { values, files };
}

function value(kind, held) {
  if (kind === "checkboxes") return held.filter((f) => f.checked).map((f) => f.value);
  if (kind === "radio_buttons") return held.find((f) => f.checked)?.value ?? null;
  if (kind.startsWith("multi_")) return [...held[0].selectedOptions].map((o) => o.value);
  return held[0].value; // "" for one that was cleared
}
