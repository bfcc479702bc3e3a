// One job on its runner: a folder of its own, a token of its own, its steps one after the other.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { acquire, concurrency } from "./concurrency.mjs";
import { at, closed, evaluate, literal, statusFunctions, text, toData } from "./expressions.mjs";
import { token as tokenFor } from "./permissions.mjs";
import { Masks } from "./process.mjs";
import { runStep } from "./step.mjs";

/** Runs one job, and tells how it ended and what its outputs are. */
export async function runJob(run, { id, token, path, contexts, permissions, workflow, scope }, cancelled) {
  const group = concurrency(at(token, "concurrency"), contexts);
  const leave = await acquire(run, group, scope.held, path);
  try {
    const job = new Job(run, { id, token, path, contexts, permissions, workflow, scope, cancelled });
    return await job.run();
  } finally {
    leave();
  }
}

class Job {
  constructor(run, { id, token, path, contexts, permissions, workflow, scope, cancelled }) {
    Object.assign(this, { run_: run, token, path, permissions, workflow, scope, cancelled });
    this.folder = join(run.folder, `job-${(run.jobs += 1)}`);
    this.workspace = join(this.folder, "work", run.repository.split("/")[1]);
    this.temporary = join(this.folder, "temp");
    this.home = join(this.folder, "home");
    [this.workspace, this.temporary, this.home].forEach((folder) => mkdirSync(folder, { recursive: true }));
    this.secrets = { ...scope.secrets, GITHUB_TOKEN: tokenFor(run.repository, permissions) };
    this.masks = new Masks();
    Object.values(this.secrets).forEach((secret) => this.masks.add(secret));
    this.status = "success";
    this.steps = {};
    this.said = [];
    this.paths = [];
    this.github = run.githubFor({ job: id, token: this.secrets.GITHUB_TOKEN, workspace: this.workspace });
    const runner = {
      arch: "X64", debug: "", environment: "github-hosted", name: "GitHub Actions 1", os: "Linux",
      temp: this.temporary, tool_cache: join(this.folder, "tools"),
    };
    // A job without a matrix has none: what asks for its values gets nothing.
    this.contexts = { ...contexts, github: this.github, secrets: this.secrets, runner: closed("runner", runner) };
    this.contexts.matrix ??= {};
    this.contexts.strategy ??= {};
    this.env = this.#values(workflow.env, {});
    Object.assign(this.env, this.#values(at(token, "env"), {}));
  }

  /** What a step's expressions see now. */
  seen(env = this.env) {
    const steps = Object.fromEntries(Object.entries(this.steps).map(([id, step]) => [id, toData(step)]));
    const known = Object.fromEntries([...(at(this.token, "steps") ?? [])].flatMap((step) => {
      const name = literal(at(step, "id"));
      return name === undefined ? [] : [[name, steps[name] ?? toData({})]];
    }));
    return { ...this.contexts, env, job: { status: this.status }, steps: closed("steps", known) };
  }

  /** The functions of status among the steps of this job. Where it goes on though its run is cancelled, it is not. */
  get functions() {
    const is = (status) => () => (this.cancelled.signal.aborted ? "cancelled" : this.status) === status;
    return statusFunctions({ success: is("success"), failure: is("failure"), cancelled: is("cancelled") });
  }

  async run() {
    const name = at(this.token, "name");
    this.name = name === undefined ? this.path.at(-1) : text(evaluate(name, this.contexts));
    const runsOn = evaluate(at(this.token, "runs-on"), this.contexts);
    const timeout = evaluate(at(this.token, "timeout-minutes"), this.contexts) ?? 360;
    if (typeof timeout !== "number") throw new Error(`timeout-minutes of ${this.name} is no number`);
    const environment = evaluate(at(this.token, "environment"), this.contexts);
    const deadline = setTimeout(() => this.cancelled.abort(), timeout * 60_000);
    this.#tell(null);
    for (const step of at(this.token, "steps")) {
      await runStep(this, step);
      this.#tell(null);
    }
    clearTimeout(deadline);
    if (this.cancelled.signal.aborted && this.status === "success") this.status = "cancelled";
    const url = typeof environment === "object" ? evaluate(at(at(this.token, "environment"), "url"), this.seen()) : undefined;
    const outputs = this.#outputs();
    this.#tell(this.status, {
      "runs-on": runsOn,
      permissions: this.permissions,
      environment: environment && { name: environment.name ?? environment, url },
      outputs,
    });
    const forgiven = text(evaluate(at(this.token, "continue-on-error"), this.contexts) ?? false) === "true";
    // What is forgiven is a success to all that comes after: https://github.com/actions/runner/issues/1161.
    return { result: forgiven && this.status === "failure" ? "success" : this.status, outputs };
  }

  /** Outputs that hold a secret do not leave the job: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs. */
  #outputs() {
    const outputs = Object.entries(this.#values(at(this.token, "outputs"), this.seen()));
    return Object.fromEntries(
      outputs.filter(([name, value]) => {
        const isSecret = this.masks.isIn(value);
        if (isSecret) this.said.push({ name: `output ${name}`, conclusion: "skipped", error: "it may hold a secret", ms: 0 });
        return !isSecret;
      }),
    );
  }

  /** Evaluates a mapping into texts. */
  #values(token, contexts) {
    const values = evaluate(token, { ...this.contexts, ...contexts }) ?? {};
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]));
  }

  #tell(conclusion, more = {}) {
    this.run_.says({ job: this.path.join(" / "), name: this.name, conclusion, steps: this.said, ...more });
  }
}
