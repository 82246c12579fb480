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
    let answer; // stays unset where the rule throws; cdk-nag reports that itself
    const asked = (node) => (answer = params.rule(node));
    Object.defineProperty(asked, "name", { value: params.rule.name });
    const result = applyRule.call(this, { ...params, rule: asked });
    note(this.verdicts, `${this.packName}-${params.ruleSuffixOverride || params.rule.name}`, params, answer);
    return result;
  };

  NagPack.prototype.validateScope = function (scope) {
    this.verdicts = { rules: {}, notApplicable: 0, seen: new Set() };
    const result = validateScope.call(this, scope);
    if (scope.outdir) {
      const file = path.join(scope.outdir, `nag-verdicts.${this.packName}.json`);
      const verdicts = { ...this.verdicts, seen: [...this.verdicts.seen] };
      fs.writeFileSync(file, JSON.stringify({ pack: this.packName, ...verdicts }));
    }
    return result;
  };
}

function note(verdicts, id, params, answer) {
  const rule = (verdicts.rules[id] ??= {
    info: params.info, explanation: params.explanation, level: params.level, passed: [],
  });
  verdicts.seen.add(params.node.node.path);
  if (answer === "N/A") verdicts.notApplicable += 1;
  else if (answer === "Compliant" || (Array.isArray(answer) && answer.length === 0)) {
    rule.passed.push(params.node.node.path);
  }
}
