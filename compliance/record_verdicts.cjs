// cdk-nag reports what fails and says nothing of what passes, so a clean report looks like a pack that never ran.
// Loaded into jsii's Node.js by NODE_OPTIONS=--require, this notes every answer of every rule and writes them beside
// the templates as nag-verdicts.<pack>.json. It changes no answer.
//
// For each rule, `answers` has one letter for each resource of `seen`, in that order: P passed, F failed, N not
// applicable, T threw, and a dot where the rule was not asked. `found` and `threw` say more, by the resource's index.
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
    const asked = (node) => {
      try {
        const answer = params.rule(node);
        note(this.verdicts, this.packName, params, answer);
        return answer;
      } catch (error) {
        note(this.verdicts, this.packName, params, error);
        throw error;
      }
    };
    Object.defineProperty(asked, "name", { value: params.rule.name });
    return applyRule.call(this, { ...params, rule: asked });
  };

  NagPack.prototype.validateScope = function (scope) {
    this.verdicts = { rules: {}, seen: new Map() };
    const result = validateScope.call(this, scope);
    if (scope.outdir) {
      const file = path.join(scope.outdir, `nag-verdicts.${this.packName}.json`);
      fs.writeFileSync(file, JSON.stringify({ pack: this.packName, ...written(this.verdicts) }));
    }
    return result;
  };
}

function note({ rules, seen }, pack, params, answer) {
  const id = `${pack}-${params.ruleSuffixOverride || params.rule.name}`;
  const rule = (rules[id] ??= {
    info: params.info, explanation: params.explanation, level: params.level, answers: [], found: {}, threw: {},
  });
  if (!seen.has(params.node)) seen.set(params.node, seen.size);
  const index = seen.get(params.node);
  rule.answers[index] = letter(answer);
  if (Array.isArray(answer) && answer.length > 0) rule.found[index] = answer;
  if (answer instanceof Error) rule.threw[index] = answer.message;
}

function letter(answer) {
  if (answer === "Compliant" || (Array.isArray(answer) && answer.length === 0)) return "P";
  if (answer === "N/A") return "N";
  return answer === "Non-Compliant" || Array.isArray(answer) ? "F" : "T";
}

function written({ rules, seen }) {
  for (const rule of Object.values(rules)) {
    rule.answers = Array.from({ length: seen.size }, (_, index) => rule.answers[index] ?? ".").join("");
  }
  return { rules, seen: Array.from(seen.keys(), (node) => node.node.path) };
}
