// Reads KQL queries with Microsoft's own parser. In: {tables: {name: schema}, queries: {name: text}} on standard input.
// Out, for each query: its diagnostics, the columns of its result, the fields of `line` that it reads, and the texts that a field is
// compared with.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const folder = path.join(process.argv[2], "@kusto", "language-service-next");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(folder, file), "utf8"), file);
}
const { KustoCode, GlobalState, Symbols, Syntax } = Kusto.Language;
const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const tables = Object.entries(asked.tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("logs", tables, false));

function each(node, visit) {
  visit(node);
  for (let i = 0; i < node.ChildCount; i++) {
    const child = node.GetChild(i);
    if (child) each(child, visit);
  }
}

const all = (node) => {
  const found = [];
  each(node, (one) => found.push(one));
  return found;
};
const words = (node) => node.toString().trim();
const texts = (node) => all(node).filter((one) => one.Kind === Syntax.SyntaxKind.StringLiteralExpression).map((one) => one.LiteralValue);
const ofLine = (node) => node.Expression && words(node.Expression) === "line" && node.Selector;
const field = (node) => (texts(node.Selector).length ? texts(node.Selector)[0] : words(node.Selector));

function read(text) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const diagnostics = System.Linq.Enumerable.from(code.GetDiagnostics()).ToArray();
  const nodes = all(code.Syntax);
  const fields = nodes.filter(ofLine).map(field);
  const compared = [];
  const joined = [Syntax.SyntaxKind.AndExpression, Syntax.SyntaxKind.OrExpression];
  for (const node of nodes.filter((one) => one.Left && one.Right && !joined.includes(one.Kind))) {
    for (const name of all(node.Left).filter(ofLine).map(field)) {
      compared.push(...texts(node.Right).map((value) => [name, value]));
    }
  }
  const columns = System.Linq.Enumerable.from(code.ResultType.Columns).select((one) => one.Name).ToArray();
  const told = diagnostics.map((one) => `${one.Start}: ${one.Message}`);
  return { diagnostics: told, columns, fields: [...new Set(fields)], compared };
}

const found = Object.entries(asked.queries).map(([name, text]) => [name, read(text)]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
