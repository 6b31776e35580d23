// Variants that flagd's evaluator for JavaScript gives: flag files and users come as JSON, variants go out as JSON.
"use strict";

const { FlagdCore } = require("@openfeature/flagd-core");

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const variants = cases.map(({ document, flag, users }) => {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify(document));
  return users.map((user) => core.resolveStringEvaluation(flag, "none", { targetingKey: user }, quiet).variant);
});
process.stdout.write(JSON.stringify(variants));
