// Reads a workflow with GitHub's own parser: a mistake that GitHub refuses is refused here.

import { convertWorkflowTemplate, NoOperationTraceWriter } from "@actions/workflow-parser";
import { TemplateContext, TemplateValidationErrors } from "@actions/workflow-parser/templates/template-context";
import { readTemplate } from "@actions/workflow-parser/templates/template-reader";
import { WORKFLOW_ROOT } from "@actions/workflow-parser/workflows/workflow-constants";
import { getWorkflowSchema } from "@actions/workflow-parser/workflows/workflow-schema";
import { YamlObjectReader } from "@actions/workflow-parser/workflows/yaml-object-reader";
import { at, entries, evaluate, literal, text, Unsupported } from "./expressions.mjs";

/** What GitHub says when it can't start a workflow: the run has no jobs, and fails. */
export class InvalidWorkflow extends Error {}

/**
 * Gives values alone. Where it is given the source too, the parser, which serves editors, takes the text of a block with
 * its indentation and unfolded.
 */
class ValueReader extends YamlObjectReader {
  allowLiteral() {
    const token = super.allowLiteral();
    if (token !== undefined) token.source = undefined;
    return token;
  }
}

function parse(path, content) {
  const errors = new TemplateValidationErrors();
  const context = new TemplateContext(errors, getWorkflowSchema(), new NoOperationTraceWriter());
  const file = context.getFileId(path);
  const reader = new ValueReader(file, content);
  reader.errors.forEach(({ message, range }) => context.error(file, message, range));
  const value = reader.errors.length > 0 ? undefined : readTemplate(context, WORKFLOW_ROOT, reader, file);
  return { context, value, mistakes: errors.getErrors().map((error) => error.message) };
}

/** A workflow as it is written, and the repository that `./` and `$/` in it speak of. */
export async function readWorkflow(repository, path) {
  const content = repository.read(path);
  if (content === undefined) throw new InvalidWorkflow(`${repository.name} has no ${path}`);
  const { context, value, mistakes } = parse(path, content);
  const template = value && mistakes.length === 0 ? await convertWorkflowTemplate(context, value) : undefined;
  mistakes.push(...(template?.errors ?? []).map((error) => error.Message));
  if (mistakes.length > 0) throw new InvalidWorkflow(mistakes.join("\n"));
  const on = at(value, "on");
  return {
    path,
    repository,
    name: literal(at(value, "name")) ?? path,
    runName: at(value, "run-name"),
    events: template.events,
    dispatch: contract(on, "workflow_dispatch"),
    call: contract(on, "workflow_call"),
    env: at(value, "env"),
    defaults: at(value, "defaults"),
    permissions: at(value, "permissions"),
    concurrency: at(value, "concurrency"),
    jobs: new Map(entries(at(value, "jobs"))),
  };
}

/** What a workflow takes and gives when it is called or dispatched; `undefined` where it can't be. */
function contract(on, event) {
  const said = literal(withoutExpressions(on));
  const names = typeof said === "string" ? [said] : Array.isArray(said) ? said : Object.keys(said);
  if (!names.includes(event)) return undefined;
  const token = typeof said === "object" && !Array.isArray(said) ? at(on, event) : undefined;
  return {
    inputs: entries(at(token, "inputs")),
    secrets: entries(at(token, "secrets")).map(([name, value]) => [name, literal(value) ?? {}]),
    outputs: entries(at(token, "outputs")),
  };
}

/** The names of events, where values may hold expressions. */
function withoutExpressions(on) {
  if (on.map === undefined) return on;
  const names = on.clone(true);
  names.map = names.map.map(({ key }) => ({ key, value: key }));
  return names;
}

const KINDS = { boolean: "boolean", number: "number", string: "string", choice: "string", environment: "string" };

/**
 * The inputs of a workflow that is called, of their declared types: a value of another type is refused, as GitHub
 * refuses it (https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows#using-inputs-and-secrets-in-a-reusable-workflow).
 */
export function callInputs(workflow, given, contexts) {
  return inputs(workflow.call.inputs, given, contexts, (name, type, value) => {
    if (KINDS[type] === "string" && typeof value !== "object") return text(value);
    if (typeof value === KINDS[type]) return value;
    throw new InvalidWorkflow(`input ${name} of ${workflow.path} is a ${type}, and is given ${JSON.stringify(value)}`);
  });
}

/** The inputs of a workflow that is dispatched; a form and the API give text. */
export function dispatchInputs(workflow, given) {
  return inputs(workflow.dispatch.inputs, given, {}, (name, type, value, options) => {
    if (type === "boolean") return text(value) === "true";
    if (type === "number") return Number(value);
    if (type === "choice" && !options.includes(value)) {
      throw new InvalidWorkflow(`input ${name} of ${workflow.path} is one of ${options.join(", ")}, and is given ${value}`);
    }
    return text(value);
  });
}

function inputs(declared, given, contexts, convert) {
  const names = declared.map(([name]) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InvalidWorkflow(`there is no input ${unknown}; there are: ${names.join(", ")}`);
  const values = declared.map(([name, token]) => {
    const type = literal(at(token, "type")) ?? "string";
    if (!(type in KINDS)) throw new Unsupported(`inputs of type ${type} are not supported`);
    const standard = evaluate(at(token, "default"), contexts);
    const isRequired = literal(at(token, "required")) === true;
    if (given[name] === undefined && standard === undefined) {
      if (isRequired) throw new InvalidWorkflow(`input ${name} is required`);
      return [name, { boolean: false, number: 0 }[type] ?? ""];
    }
    return [name, convert(name, type, given[name] ?? standard, literal(at(token, "options")) ?? [])];
  });
  return Object.fromEntries(values);
}

/** The secrets of a workflow that is called: those that it names, or all of the caller's. */
export function callSecrets(workflow, given, inherited) {
  const declared = workflow.call.secrets;
  const values = inherited ?? given;
  const missing = declared.find(([name, { required }]) => required && !(name in values));
  if (missing !== undefined) throw new InvalidWorkflow(`secret ${missing[0]} of ${workflow.path} is required`);
  if (inherited !== undefined) return inherited;
  const unknown = Object.keys(given).find((name) => !declared.some(([known]) => known === name));
  if (unknown !== undefined) throw new InvalidWorkflow(`${workflow.path} has no secret ${unknown}`);
  return given;
}
