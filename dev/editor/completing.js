// What is offered at a place of a mapping document: keys and their values by its JSON schema, names
// by both systems' metadata.

const SOURCES = new Set(["source", "field"]);
const SECTIONS = { fields: "FieldRule", links: "Link", key: "Key", filters: "Condition" };

// The section that a line belongs to: the nearest key above it that begins its line.
export function section(lines, number) {
  for (let at = number; at >= 0; at -= 1) {
    const found = /^([a-z_]+)\s*:/.exec(lines[at]);
    if (found) return at === number && !/[{[]/.test(lines[at]) ? "" : found[1];
  }
  return "";
}

function properties(schema, name) {
  const part = name ? schema.$defs?.[name] : schema;
  return part?.properties ?? {};
}

// The values that a key takes, where the schema lists them.
function values(schema, part) {
  if (part.$ref) return values(schema, schema.$defs?.[part.$ref.split("/").pop()] ?? {});
  if (part.enum) return part.enum.map(String);
  if (part.type === "boolean") return ["true", "false"];
  return (part.anyOf ?? []).flatMap((one) => values(schema, one));
}

function named(list, type) {
  return list.map(({ name, label, type: kind }) => ({
    label: name, type, detail: [label === name ? "" : label, kind].filter(Boolean).join(" · "),
  }));
}

// `before`: the text of the line up to the cursor. Null where nothing is offered.
export function offered(before, lines, number, { schema, columns, fields }) {
  const part = section(lines, number);
  const own = properties(schema, SECTIONS[part]);
  const inTemplate = /template\s*:\s*.*\{([A-Za-z0-9_]*)$/.exec(before);
  if (inTemplate) return { word: inTemplate[1], options: named(columns, "variable") };
  const value = /(?:^|[{,\s-])([a-z_]+)\s*:\s+["']?([A-Za-z0-9_.]*)$/.exec(before);
  if (value) {
    const [, key, word] = value;
    if (SOURCES.has(key)) return { word, options: named(columns, "variable") };
    if (key === "target") return { word, options: named(fields, "property") };
    const all = { ...properties(schema, ""), ...own };
    const listed = values(schema, all[key] ?? {});
    return listed.length ? { word, options: listed.map((label) => ({ label, type: "enum" })) } : null;
  }
  const key = /(?:^|[{,]|-)\s*([a-z_]*)$/.exec(before);
  if (!key) return null;
  const keys = Object.keys(/^\S*$/.test(before) ? properties(schema, "") : own);
  return { word: key[1], options: keys.map((label) => ({ label, type: "keyword", apply: `${label}: ` })) };
}

export function completions(context, words) {
  const line = context.state.doc.lineAt(context.pos);
  const lines = context.state.doc.toString().split("\n");
  const before = line.text.slice(0, context.pos - line.from);
  const found = offered(before, lines, line.number - 1, words);
  if (!found || (!found.word && !context.explicit)) return null;
  return { from: context.pos - found.word.length, options: found.options, validFor: /^[\w.]*$/ };
}
