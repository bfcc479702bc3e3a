// What can be told before a run starts: GitHub tells some of it, and the harness the rest, for jobs that are skipped too.

import { at, evaluate, literal, Unsupported } from "./expressions.mjs";
import { InvalidWorkflow } from "./workflow.mjs";
import { permissionsOf, within } from "./permissions.mjs";
import { called, used } from "./uses.mjs";

const JOB = [
  "name", "needs", "if", "permissions", "environment", "concurrency", "outputs", "env", "defaults", "steps", "runs-on",
  "timeout-minutes", "strategy", "continue-on-error", "uses", "with", "secrets",
];
const STEP = ["id", "name", "if", "uses", "run", "with", "env", "shell", "working-directory", "continue-on-error", "timeout-minutes"];

/** Refuses a workflow that GitHub would refuse, or that holds what the harness does not support. */
export async function check(run, workflow, most = undefined, depth = 0) {
  // https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#limitations-of-reusable-workflows
  if (depth > 9) throw new InvalidWorkflow("workflows call one another more than ten levels deep");
  for (const [id, token] of workflow.jobs) {
    supports(token, JOB, `jobs.${id}`);
    const permissions = permissionsOf(token, workflow, { permissions: most });
    if (most !== undefined) within(permissions, most, id);
    const uses = literal(at(token, "uses"));
    if (uses !== undefined) {
      const other = await called(run, workflow.repository, uses);
      isAmong(names(at(token, "with")), other.call.inputs.map(([name]) => name), `input of ${uses}`);
      await check(run, other, permissions, depth + 1);
      continue;
    }
    for (const step of at(token, "steps")) checkStep(run, workflow, id, step);
  }
}

function checkStep(run, workflow, id, step) {
  supports(step, STEP, `a step of ${id}`);
  const uses = literal(at(step, "uses"));
  if (uses === undefined) return;
  const found = used(run, workflow.repository, uses);
  // What is in the workspace only the running job knows.
  if (found !== undefined) isAmong(names(at(step, "with")), found.inputs, `input of ${uses}`);
}

function supports(token, keys, what) {
  const foreign = names(token).find((key) => !keys.includes(key));
  if (foreign !== undefined) throw new Unsupported(`${what}: ${foreign} is not supported`);
}

function isAmong(given, known, what) {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InvalidWorkflow(`${unknown} is no ${what}; there are: ${known.join(", ")}`);
}

const names = (token) => (token === undefined ? [] : [...token].map(({ key }) => evaluate(key, {})));
