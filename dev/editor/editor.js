// The editor of mapping documents. Without this script the page has a plain text field, which also
// holds the text that is sent: the editor writes into it.
//
// `manage.py vendor` makes one file of this and of CodeMirror: shared/console/static/editor.js.
// The editor lives in a shadow root, whose styles are adopted style sheets: so the page needs no
// inline style, and its Content Security Policy stays as it is.

import { autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { completions } from "./completing.js";
import { phrases } from "./phrases.js";

const CHECK_DELAY_MS = 1200;

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "0.87rem", maxHeight: "75vh" },
  "&.cm-focused": { outline: "3px solid var(--link)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "Cascadia Mono", Consolas, monospace', lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", minHeight: "20rem" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--panel)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "var(--panel)" },
  ".cm-panels, .cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--panel)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "#fff", backgroundColor: "var(--accent)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal" },
  ".cm-textfield, .cm-button": { color: "var(--ink)", backgroundColor: "var(--paper)", backgroundImage: "none", border: "1px solid var(--line)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--link)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--ink)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--ok)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.labelName, tags.typeName, tags.invalid], color: "var(--bad)" },
]);

// What the server finds, as marks on the lines that it names.
async function problems(view, field) {
  const form = new URLSearchParams({ document: view.state.doc.toString(), etag: "" });
  const headers = { Accept: "application/json" };
  let answer;
  try {
    answer = await fetch(field.dataset.check, { method: "POST", body: form, headers });
  } catch {
    return [];
  }
  if (!answer.ok) return [];
  const found = (await answer.json()).problems ?? [];
  return found.map(({ line, sentence }) => {
    const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
    return { from: at.from, to: at.to, severity: "error", message: sentence };
  });
}

async function words(field) {
  const answer = await fetch(field.dataset.editor, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : { schema: {}, columns: [], fields: [] };
}

function edit(field) {
  const label = document.querySelector(`label[for="${field.id}"]`);
  const host = document.createElement("div");
  host.className = "editor";
  const root = host.attachShadow({ mode: "open" });
  field.before(host);
  let known = null;
  const state = EditorState.create({
    doc: field.value,
    extensions: [
      lineNumbers(), lintGutter(), highlightSpecialChars(), history(), indentOnInput(),
      bracketMatching(), closeBrackets(), highlightActiveLine(), search({ top: true }), yaml(),
      syntaxHighlighting(colours), theme, EditorView.lineWrapping,
      EditorState.phrases.of(phrases(document.documentElement.lang)),
      EditorView.contentAttributes.of({ "aria-label": label?.textContent ?? "YAML", spellcheck: "false", tabindex: "0" }),
      autocompletion({
        override: [async (context) => completions(context, (known ??= await words(field)))],
      }),
      linter((view) => problems(view, field), { delay: CHECK_DELAY_MS }),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) field.value = update.state.doc.toString();
      }),
    ],
  });
  const view = new EditorView({ state, parent: root, root });
  field.hidden = true;
  label?.addEventListener("click", () => view.focus());
  document.addEventListener("click", (event) => {
    const line = Number(event.target.closest?.("a[data-line]")?.dataset.line);
    if (!line || line > view.state.doc.lines) return;
    event.preventDefault();
    view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true });
    view.focus();
  });
}

for (const field of document.querySelectorAll("textarea[data-editor]")) edit(field);
