// Read by node before Azurite, for what it costs where the service costs nothing: two things that grow with what it holds, and half of
// a start.
const path = require("path");
const Module = require("module");

const source = path.dirname(process.argv[1]);
const azurite = Module.createRequire(process.argv[1]);

function needed(found, what) {
  if (!found) throw new Error(`This Azurite has no ${what}: look how it does that now, and mend this file.`);
}

// It loads all that would send telemetry, which takes longer than the rest of it, although --disableTelemetry tells it to send none.
const telemetry = new Module(azurite.resolve("applicationinsights"));
telemetry.loaded = true;
require.cache[telemetry.id] = telemetry;

// It frees the memory of deleted queue messages once a minute, in a time that grows with the square of their number, and answers nobody
// meanwhile: after some thousand messages that is seconds. Every two seconds it is some milliseconds.
const constants = require(path.join(source, "queue", "utils", "constants"));
needed(typeof constants.DEFAULT_GC_INTERVAL_MS === "number", "DEFAULT_GC_INTERVAL_MS");
constants.DEFAULT_GC_INTERVAL_MS = 2000;

// It passes the whole table for each query: 13 ms with 100,000 rows. The service passes the partition that the query names, and so it
// does now, by the index that it keeps anyway; what it finds there still goes through the query.
const tables = path.join(source, "table", "persistence");
const generator = require(path.join(tables, "LokiTableStoreQueryGenerator")).default;
const parse = require(path.join(tables, "QueryInterpreter", "QueryParser")).default;
const { Resultset } = azurite("lokijs");
const generate = generator.generateQueryForPersistenceLayer;
needed(generate, "generateQueryForPersistenceLayer");
needed(Resultset && Resultset.prototype.where && Resultset.prototype.find, "Resultset of lokijs");

function partitionOf(node) {
  if (node.name === "and") return partitionOf(node.left) ?? partitionOf(node.right);
  const named = node.name === "eq" && node.left.identifier === "PartitionKey" && typeof node.right.value === "string";
  return named ? node.right.value : undefined;
}

generator.generateQueryForPersistenceLayer = function (options, context) {
  const query = generate.call(this, options, context);
  query.partition = options.filter ? partitionOf(parse(options.filter)) : undefined;
  return query;
};

const where = Resultset.prototype.where;
Resultset.prototype.where = function (query) {
  const partition = query.partition;
  return where.call(partition === undefined ? this : this.find({ PartitionKey: partition }), query);
};
