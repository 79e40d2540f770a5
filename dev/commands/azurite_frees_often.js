// Read by node before Azurite. Azurite frees the memory of deleted queue messages once a minute, in a time that grows with the square
// of their number, and answers nobody meanwhile: after some thousand messages that is seconds. Every two seconds it is some milliseconds.
const path = require("path");

const constants = require(path.join(path.dirname(process.argv[1]), "queue", "utils", "constants"));
if (typeof constants.DEFAULT_GC_INTERVAL_MS !== "number") {
  throw new Error("This Azurite has no DEFAULT_GC_INTERVAL_MS: look how it frees queue messages now, and mend this file.");
}
constants.DEFAULT_GC_INTERVAL_MS = 2000;
