// Reads workflows and actions with GitHub's own parser, and fails on whatever it finds wrong: an expression in a
// description too, on which the runner fails to load an action.

import { readFileSync } from "node:fs";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { parseAction } from "@actions/workflow-parser/actions/index";

/** What the parser finds wrong with one workflow or action, a line each. */
async function mistakes(name) {
  const content = readFileSync(name, "utf8");
  if (name.endsWith("action.yml")) {
    const { context } = parseAction({ name, content }, new NoOperationTraceWriter());
    return context.errors.getErrors().map((error) => error.message);
  }
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  const found = context.errors.getErrors().map((error) => error.message);
  if (value && found.length === 0) {
    const { errors } = await convertWorkflowTemplate(context, value);
    found.push(...(errors ?? []).map((error) => error.Message));
  }
  return found;
}

async function main(names) {
  const found = (await Promise.all(names.map(mistakes))).flat();
  found.forEach((mistake) => console.error(mistake));
  console.log(`${names.length} workflows and actions read, ${found.length} mistakes`);
  process.exitCode = found.length === 0 && names.length > 0 ? 0 : 1;
}

main(process.argv.slice(2));
