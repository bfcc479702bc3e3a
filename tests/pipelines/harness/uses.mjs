// Where `uses:` leads.

import { NoOperationTraceWriter } from "@actions/workflow-parser";
import { parseAction } from "@actions/workflow-parser/actions/index";
import { at, entries, literal, Unsupported } from "./expressions.mjs";
import { STAND_INS } from "./stand-ins.mjs";
import { InvalidWorkflow, readWorkflow } from "./workflow.mjs";

/**
 * The workflow that a job calls. `./` is the repository, and the commit, of the workflow that says it.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_iduses
 */
export async function called(run, repository, uses) {
  const local = uses.match(/^(?:\.|\$)\/(\.github\/workflows\/[^/]+\.ya?ml)$/);
  const remote = uses.match(/^([^/]+\/[^/]+)\/(\.github\/workflows\/[^/]+\.ya?ml)@(.+)$/);
  if (!local && !remote) throw new InvalidWorkflow(`${uses} names no workflow`);
  if (remote && remote[1] !== run.ours.name) throw new Unsupported(`workflows of ${remote[1]} are not supported`);
  const workflow = local ? await readWorkflow(repository, local[1]) : await readWorkflow(run.ours, remote[2]);
  if (workflow.call === undefined) throw new InvalidWorkflow(`${uses} can't be called: it has no workflow_call`);
  return workflow;
}

/**
 * What a step uses: `{standIn}`, or `{action}` with its name and what its `action.yml` says. `$/` is the repository of the
 * workflow that says it, `./` the workspace.
 */
export function used(run, repository, uses, workspace) {
  const path = uses.split("@")[0];
  if (path in STAND_INS) return { standIn: STAND_INS[path], inputs: STAND_INS[path].inputs };
  if (uses.startsWith("$/")) return ownAction(repository, uses.slice(2), uses);
  if (uses.startsWith(`${run.ours.name}/`)) return ownAction(run.ours, path.slice(run.ours.name.length + 1), uses);
  if (uses.startsWith("./") && workspace !== undefined) return ownAction(workspace, path.slice(2), uses);
  if (uses.startsWith("./")) return undefined;
  throw new Unsupported(`there is no stand-in for ${uses}`);
}

function ownAction(repository, folder, uses) {
  const file = `${folder}/action.yml`;
  const content = repository.read(file);
  if (content === undefined) throw new InvalidWorkflow(`${uses}: ${repository.name} has no ${file}`);
  const { context, value } = parseAction({ name: file, content }, new NoOperationTraceWriter());
  const mistakes = context.errors.getErrors().map((error) => error.message);
  if (mistakes.length > 0) throw new InvalidWorkflow(mistakes.join("\n"));
  const runs = at(value, "runs");
  const using = literal(at(runs, "using"));
  const image = literal(at(runs, "image"));
  if (using !== "docker" || !image.startsWith("docker://")) throw new Unsupported(`${uses}: only prebuilt images are supported`);
  const inputs = entries(at(value, "inputs")).map(([name, input]) => [name, at(input, "default")]);
  return { action: folder.split("/").at(-1), inputs: inputs.map(([name]) => name), defaults: inputs };
}
