// Shows openapi.json and lets every path be tried. Everything is set as text, never as HTML.
"use strict";

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const resolve = (spec, schema) =>
  schema?.$ref ? resolve(spec, schema.$ref.split("/").slice(1).reduce((at, key) => at[key], spec)) : schema ?? {};

const kindOf = (spec, schema) => {
  const plain = resolve(spec, schema);
  if (plain.anyOf) return plain.anyOf.map((one) => kindOf(spec, one)).join(" or ");
  if (plain.type === "array") return `list of ${kindOf(spec, plain.items)}`;
  if (plain.const !== undefined) return JSON.stringify(plain.const);
  if (plain.enum) return plain.enum.map((one) => JSON.stringify(one)).join(" or ");
  return plain.properties ? "object" : plain.type ?? "anything";
};

// The properties of an object, of the items of a list, or of the alternative that has some.
const inside = (spec, schema) => {
  const plain = resolve(spec, schema);
  if (plain.properties) return plain;
  const others = plain.anyOf ?? (plain.items ? [plain.items] : []);
  return others.map((one) => inside(spec, one)).find(Boolean);
};

const limitsOf = (schema) => {
  const words = { maxLength: "at most # characters", maxItems: "at most #", minimum: "from #", maximum: "to #" };
  return Object.entries(words).filter(([key]) => schema[key] !== undefined && !(key === "maxItems" && schema[key] === 0))
    .map(([key, text]) => text.replace("#", schema[key].toLocaleString("en"))).join(", ");
};

const rowsOf = (spec, schema, depth = 0) => {
  const object = inside(spec, schema);
  if (!object || depth > 3) return [];
  const isRequired = (name) => object.required?.includes(name) ?? false;
  const fields = Object.entries(object.properties).sort(([a], [b]) => isRequired(b) - isRequired(a));
  return fields.flatMap(([name, field]) => {
    const required = isRequired(name) ? ", required" : "";
    const told = field.description ?? inside(spec, field)?.description ?? "";
    const alternatives = [field, ...(field.anyOf ?? [])].map((one) => limitsOf(resolve(spec, one))).filter(Boolean);
    const row = make("tr", {}, make("th", { scope: "row", textContent: name }),
      make("td", { className: "kind", textContent: kindOf(spec, field) + required }),
      make("td", { className: "why", textContent: [told, alternatives[0] ?? ""].filter(Boolean).join(" — ") }));
    row.style.setProperty("--depth", depth);
    return [row, ...rowsOf(spec, field, depth + 1)];
  });
};

const tableOf = (spec, schema, title) => {
  const rows = rowsOf(spec, schema);
  if (!rows.length) return [];
  const table = make("table", { className: "fields" }, make("tbody", {}, ...rows));
  table.setAttribute("aria-label", title);
  return [table];
};

const send = async (method, path, body, output, button) => {
  const headers = {};
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== null) headers["Content-Type"] = "application/json";
  button.disabled = true;
  output.textContent = "…";
  try {
    const reply = await fetch(path, { method, headers, body: body ?? undefined });
    const text = await reply.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* a stream is shown as it came */ }
    output.textContent = `${reply.status} ${reply.statusText}\n\n${shown}`;
  } catch (error) {
    output.textContent = `The server did not reply (${error.message}).`;
  } finally {
    button.disabled = false;
  }
};

const tryOut = (spec, path, method, operation) => {
  const output = make("pre", { tabIndex: 0, textContent: "" });
  output.setAttribute("role", "status");
  const button = make("button", { type: "submit", textContent: "Send" });
  const id = `${method}${path}`.replace(/\W+/g, "-");
  const form = make("form");
  const example = operation.requestBody?.content["application/json"].example;
  const parameters = operation.parameters ?? [];
  if (operation.requestBody) {
    const text = make("textarea", { id, value: JSON.stringify(example ?? {}, null, 2), spellcheck: false });
    form.append(make("label", { htmlFor: id, textContent: "Body" }), text);
  }
  for (const { name, schema: { example: value } } of parameters) {
    const input = make("input", { id: `${id}-${name}`, name, value: value ?? "", required: true });
    form.append(make("label", { htmlFor: input.id, textContent: name }), input);
  }
  form.append(button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    let target = path;
    for (const parameter of parameters) {
      const value = form.elements[parameter.name].value;
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else query.set(parameter.name, value);
    }
    const asked = query.size ? `${target}?${query}` : target;
    const body = form.querySelector("textarea")?.value ?? null;
    if (!output.isConnected) form.after(output);
    send(method.toUpperCase(), asked, body, output, button);
  });
  return make("details", {}, make("summary", { textContent: "Try it" }), form);
};

const sectionOf = (spec, path, method, operation) => {
  const anchor = `${method}${path}`.replace(/\W+/g, "-");
  const section = make("section", { id: anchor },
    make("h2", {}, make("b", { textContent: method.toUpperCase() }), ` ${path}`),
    ...(operation.description ?? operation.summary).split("\n\n").map((text) => make("p", { textContent: text })));
  const asked = operation.requestBody?.content["application/json"].schema;
  if (asked) section.append(make("h3", { textContent: "Request" }),
    make("p", { className: "why", textContent: resolve(spec, asked).description ?? "" }),
    ...tableOf(spec, asked, `Fields of the request of ${path}`));
  const replied = operation.responses["200"]?.content?.["application/json"]?.schema;
  if (replied) section.append(make("details", {}, make("summary", { textContent: "Reply" }),
    make("p", { className: "why", textContent: resolve(spec, replied).description ?? "" }),
    ...tableOf(spec, replied, `Fields of the reply of ${path}`)));
  section.append(tryOut(spec, path, method, operation));
  return section;
};

const show = (spec) => {
  const sections = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => sectionOf(spec, path, method, operation)));
  document.getElementById("access").hidden = false;
  document.getElementById("contents").replaceChildren(...sections.map((section) =>
    make("li", {}, make("a", { href: `#${section.id}`, textContent: section.querySelector("h2").textContent }))));
  document.getElementById("paths").replaceChildren(...sections);
};

fetch("/openapi.json").then((reply) => reply.json()).then(show, (error) => {
  document.getElementById("state").textContent = `openapi.json could not be read (${error.message}).`;
});
