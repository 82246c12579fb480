// cdk-nag reports what fails and says nothing of what passes, so a clean report looks like a pack that never ran.
// Loaded into jsii's Node.js by NODE_OPTIONS=--require, this notes every answer of every rule and writes them beside
// the templates as nag-verdicts.<pack>.json. It changes no answer.
"use strict";
const Module = require("module");
const fs = require("fs");
const path = require("path");

const load = Module._load;
Module._load = function (request, ...rest) {
  const exported = load.call(this, request, ...rest);
  if (request.endsWith("/nag-pack")) record(exported.NagPack);
  return exported;
};

function record(NagPack) {
  if (NagPack.recordsVerdicts) return;
  NagPack.recordsVerdicts = true;
  const { applyRule, validateScope } = NagPack.prototype;

  NagPack.prototype.applyRule = function (params) {
    let answer;
    const asked = (node) => {
      try {
        return (answer = params.rule(node));
      } catch (error) {
        answer = { threw: String(error && error.message) };
        throw error;
      }
    };
    Object.defineProperty(asked, "name", { value: params.rule.name });
    const result = applyRule.call(this, { ...params, rule: asked });
    note(this.verdicts, `${this.packName}-${params.ruleSuffixOverride || params.rule.name}`, params, answer);
    return result;
  };

  NagPack.prototype.validateScope = function (scope) {
    this.verdicts = { rules: {}, notApplicable: 0 };
    const result = validateScope.call(this, scope);
    if (scope.outdir) {
      const file = path.join(scope.outdir, `nag-verdicts.${this.packName}.json`);
      fs.writeFileSync(file, JSON.stringify({ pack: this.packName, ...this.verdicts }));
    }
    return result;
  };
}

function note(verdicts, id, params, answer) {
  const rule = (verdicts.rules[id] ??= {
    info: params.info, explanation: params.explanation, level: params.level, passed: [], threw: {},
  });
  if (answer === "N/A") verdicts.notApplicable += 1;
  else if (answer === "Compliant" || (Array.isArray(answer) && answer.length === 0)) {
    rule.passed.push(params.node.node.path);
  } else if (answer && answer.threw !== undefined) rule.threw[params.node.node.path] = answer.threw;
}
