// A run of a workflow: which of its jobs run, in what order, with what, and how they end.

import { unlessItHolds } from "./cancellation.mjs";
import { acquire, concurrency, Superseded } from "./concurrency.mjs";
import { at, closed, condition, entries, evaluate, literal, statusFunctions, text, Unsupported } from "./expressions.mjs";
import { runJob } from "./job.mjs";
import { cells } from "./matrix.mjs";
import { permissionsOf } from "./permissions.mjs";
import { called } from "./uses.mjs";
import { callInputs, callSecrets } from "./workflow.mjs";

/**
 * Runs the jobs of a workflow. `scope` is what it was started with: `inputs`, `secrets`, the `permissions` of the job
 * that calls it, the names of the jobs that call (`path`), the concurrency groups that these hold, and the signal that it
 * is `cancelled` by. Where a run goes on that has failed, `run.kept` has the outputs of the jobs that succeeded: of these no
 * job runs anew but what comes after one that does, and `anew` says that what is called does.
 * https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
 */
export async function runWorkflow(run, workflow, scope) {
  const group = concurrency(workflow.concurrency, { github: run.github, inputs: scope.inputs, vars: run.vars });
  const held = group ? [...scope.held, group.name] : scope.held;
  const leave = await acquire(run, group, scope.held, scope.path);
  try {
    const jobs = new Jobs(run, workflow, { ...scope, held });
    await Promise.all([...workflow.jobs.keys()].map((id) => jobs.ended(id)));
    return jobs.results;
  } finally {
    leave();
  }
}

/** How a run ends whose jobs ended so: https://docs.github.com/en/actions/how-tos/monitor-workflows. */
export function conclusion(results) {
  const all = [...results.values()].map(({ result }) => result);
  return ["failure", "cancelled", "success"].find((one) => all.includes(one)) ?? "skipped";
}

class Jobs {
  constructor(run, workflow, scope) {
    Object.assign(this, { run, workflow, scope, results: new Map(), ending: new Map() });
  }

  /** Waits until a job has ended, which begins when those that it needs have ended. */
  ended(id) {
    if (!this.ending.has(id)) this.ending.set(id, this.#job(id));
    return this.ending.get(id);
  }

  async #job(id) {
    const needs = this.#needs(id);
    await Promise.all(needs.map((need) => this.ended(need)));
    const declared = await this.#declared(id);
    this.results.set(id, { ...(await this.#result(id, needs)), declared });
  }

  async #result(id, needs) {
    const token = this.workflow.jobs.get(id);
    const contexts = {
      github: this.run.github,
      inputs: closed("inputs", this.scope.inputs),
      needs: closed("needs", Object.fromEntries(needs.map((need) => [need, this.#needed(need)]))),
      vars: this.run.vars,
    };
    const path = [...this.scope.path, id];
    const anew = this.scope.anew || needs.some((need) => this.results.get(need).anew);
    try {
      if (!condition(at(token, "if"), contexts, this.#status(id))) {
        this.run.says({ job: path.join(" / "), conclusion: "skipped", steps: [] });
        return { result: "skipped", outputs: {} };
      }
      return await this.#cells(id, token, path, contexts, anew);
    } catch (error) {
      if (error instanceof Unsupported) throw error;
      this.run.says({ job: path.join(" / "), conclusion: "failure", error: error.message, steps: [] });
      return { result: "failure", outputs: {} };
    }
  }

  /** Runs a job once for each cell of its matrix; what ran last has the last word on an output. */
  async #cells(id, token, path, contexts, anew) {
    const strategy = evaluate(at(token, "strategy"), contexts) ?? {};
    const all = strategy.matrix === undefined ? [null] : cells(strategy.matrix);
    const failFast = text(strategy["fail-fast"] ?? true) !== "false";
    const most = strategy["max-parallel"] ?? all.length;
    const failed = new AbortController();
    const cancelled = AbortSignal.any([this.scope.cancelled, failed.signal]);
    const results = [];
    let next = 0;
    const lane = async () => {
      while (next < all.length) {
        const index = next++;
        const cell = {
          matrix: all[index],
          strategy: { "fail-fast": failFast, "job-index": index, "job-total": all.length, "max-parallel": most },
        };
        const name = all[index] === null ? path : [...path.slice(0, -1), `${id} (${values(all[index])})`];
        if (failed.signal.aborted) {
          this.run.says({ job: name.join(" / "), conclusion: "cancelled", steps: [] });
          results.push({ result: "cancelled", outputs: {} });
          continue;
        }
        const result = await this.#cell(id, token, name, { ...contexts, ...cell }, cancelled, anew).catch((error) => {
          if (!(error instanceof Superseded)) throw error;
          this.run.says({ job: name.join(" / "), conclusion: "cancelled", error: error.message, steps: [] });
          return { result: "cancelled", outputs: {} };
        });
        results.push(result);
        if (failFast && result.result === "failure") failed.abort();
      }
    };
    await Promise.all(Array.from({ length: Math.min(most, all.length) }, lane));
    const given = results.flatMap(({ outputs }) => Object.entries(outputs).filter(([, value]) => value !== ""));
    const result = conclusion(new Map(results.entries()));
    return { result, outputs: Object.fromEntries(given), anew: results.some((one) => one.anew) };
  }

  async #cell(id, token, path, contexts, cancelled, anew) {
    const permissions = permissionsOf(token, this.workflow, this.scope);
    const uses = literal(at(token, "uses"));
    const job = { id, token, path, contexts, permissions, workflow: this.workflow, scope: this.scope };
    // The jobs of a workflow that is called are asked each by itself.
    if (uses !== undefined) return this.#call(job, uses, cancelled, anew);
    const kept = anew ? undefined : this.run.kept[path.join(" / ")];
    if (kept !== undefined) return { result: "success", outputs: kept, anew: false };
    const own = unlessItHolds(cancelled, () => condition(at(token, "if"), contexts, this.#status(id, true)));
    const ended = await this.run.slots.use(() => runJob(this.run, job, own)).finally(own.forget);
    return { ...ended, anew: true };
  }

  /** Calls a reusable workflow: https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations. */
  async #call({ token, path, contexts, permissions }, uses, cancelled, anew) {
    const workflow = await called(this.run, this.workflow.repository, uses);
    const secrets = { ...this.scope.secrets };
    const given = evaluate(at(token, "secrets"), { ...contexts, secrets: this.scope.secrets });
    const inputs = callInputs(workflow, evaluate(at(token, "with"), contexts) ?? {}, {
      github: this.run.github,
      vars: this.run.vars,
    });
    const group = concurrency(at(token, "concurrency"), contexts);
    const leave = await acquire(this.run, group, this.scope.held, path);
    try {
      const results = await runWorkflow(this.run, workflow, {
        inputs,
        secrets: callSecrets(workflow, given === "inherit" ? {} : (given ?? {}), given === "inherit" ? secrets : undefined),
        permissions,
        path,
        cancelled,
        anew,
        held: group ? [...this.scope.held, group.name] : this.scope.held,
      });
      const jobs = Object.fromEntries([...results].map(([id, result]) => [id, seen(id, result)]));
      const told = { github: this.run.github, inputs, vars: this.run.vars, jobs: closed("jobs", jobs) };
      const outputs = workflow.call.outputs.map(([name, output]) => [name, text(evaluate(at(output, "value"), told))]);
      const isAnew = [...results.values()].some((one) => one.anew);
      return { result: conclusion(results), outputs: Object.fromEntries(outputs), anew: isAnew };
    } finally {
      leave();
    }
  }

  #needs(id) {
    const said = literal(at(this.workflow.jobs.get(id), "needs")) ?? [];
    return Array.isArray(said) ? said : [said];
  }

  /** The names of the outputs that a job says it has. */
  async #declared(id) {
    const token = this.workflow.jobs.get(id);
    const uses = literal(at(token, "uses"));
    if (uses === undefined) return entries(at(token, "outputs")).map(([name]) => name);
    return (await called(this.run, this.workflow.repository, uses)).call.outputs.map(([name]) => name);
  }

  /** What a job that needs another sees of it. */
  #needed(id) {
    return seen(id, this.results.get(id));
  }

  /**
   * All that a job comes after, near and far, count: `success()` is true when each of them succeeded, `failure()` when
   * one failed. https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#status-check-functions,
   * https://github.com/actions/runner/issues/491. Both are false in what is cancelled.
   */
  #status(id, cancelled = this.scope.cancelled.aborted) {
    const before = new Set();
    const collect = (one) =>
      this.#needs(one).forEach((need) => {
        before.add(need);
        collect(need);
      });
    collect(id);
    const results = [...before].map((one) => this.results.get(one).result);
    return statusFunctions({
      success: () => !cancelled && results.every((result) => result === "success"),
      failure: () => !cancelled && results.includes("failure"),
      cancelled: () => cancelled,
    });
  }
}

/** The result of a job, and its outputs: to ask for one that it never has is a mistake. */
const seen = (id, { result, outputs, declared }) =>
  closed(id, { result, outputs: closed(`${id}.outputs`, outputs, declared) });

const values = (cell) =>
  Object.values(cell)
    .map((value) => (typeof value === "object" ? JSON.stringify(value) : text(value)))
    .join(", ");
