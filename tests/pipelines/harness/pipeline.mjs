// Runs the workflows of a repository that an event starts, as GitHub does: `node pipeline.cjs REQUEST.json`.
//
// What a workflow says is read by GitHub's own parser (@actions/workflow-parser) and evaluated by its own evaluator
// (@actions/expressions). What GitHub does around them (which job runs, what it sees, what becomes of its outputs) is done
// here, by GitHub's documentation; each module names its page. What is not supported is an error, never passed over.
//
// workflow.mjs reads, trigger.mjs tells what an event starts, check.mjs refuses, run.mjs orders the jobs, job.mjs and
// step.mjs run them, stand-ins.mjs stands in for the actions of others.
//
// It talks with the test in lines of JSON: each line on standard output is answered by one on standard input. `{"begin"}`
// asks for the number of a run, `{"job"}` tells of a job, `{"end"}` how a run ended. A request to `check` a folder runs
// nothing.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { check } from "./check.mjs";
import { cancellation } from "./cancellation.mjs";
import { closed, evaluate, text, Unsupported } from "./expressions.mjs";
import { conclusion, runWorkflow } from "./run.mjs";
import { isStartedBy } from "./trigger.mjs";
import { dispatchInputs, InvalidWorkflow, readWorkflow } from "./workflow.mjs";

/** Says something to the test, and gives what it answers. */
function ask(what) {
  writeSync(1, `${JSON.stringify(what)}\n`);
  const byte = Buffer.alloc(1);
  let line = "";
  while (readSync(0, byte, 0, 1) === 1 && byte[0] !== 10) line += byte.toString("latin1");
  return JSON.parse(line);
}

/** A commit of a repository. */
class Commit {
  constructor(name, folder, revision) {
    Object.assign(this, { name, folder, revision });
  }

  #git(...options) {
    return execFileSync("git", ["--git-dir", this.folder, ...options], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }

  read(path) {
    try {
      return this.#git("cat-file", "blob", `${this.revision}:${path}`);
    } catch {
      return undefined;
    }
  }

  /** The workflows in it. */
  workflows() {
    const listed = this.#git("ls-tree", "--name-only", this.revision, ".github/workflows/");
    return listed.split("\n").filter((path) => /\.ya?ml$/.test(path));
  }

  /** The paths that a push or a pull request changes. */
  changed({ name, payload }) {
    const range = name === "push" ? [payload.before, payload.after] : [`${payload.pull_request.base.sha}...${payload.pull_request.head.sha}`];
    return this.#git("diff", "--name-only", "--no-renames", ...range).split("\n").filter((path) => path !== "");
  }
}

/** The files of this project, which is the repository of the reusable workflows and the actions. */
class Folder {
  constructor(name, folder) {
    Object.assign(this, { name, folder });
  }

  read(path) {
    const file = join(this.folder, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }
}

/** Refuses what GitHub would not start in a folder that is to be copied into a repository. */
async function checkFolder({ check: folder, ours }) {
  const copied = new Folder("a copy", folder);
  const run = { ours: new Folder(ours.name, ours.folder) };
  for (const name of readdirSync(join(folder, ".github/workflows")).sort()) {
    const workflow = await readWorkflow(copied, `.github/workflows/${name}`);
    await check(run, workflow);
    ask({ checked: workflow.path });
  }
}

/** So many jobs at once. */
class Slots {
  constructor(count) {
    Object.assign(this, { free: count, waiting: [] });
  }

  async use(work) {
    if (this.free > 0) this.free -= 1;
    else await new Promise((begin) => this.waiting.push(begin));
    try {
      return await work();
    } finally {
      if (this.waiting.length > 0) this.waiting.shift()();
      else this.free += 1;
    }
  }
}

/** One run of one workflow. */
class Run {
  constructor(request, ours, workflow) {
    const { event, repository, urls } = request;
    Object.assign(this, { ours, repository, urls, jobs: 0, groups: new Map(), slots: new Slots(4) });
    Object.assign(this, { concurrency: [], images: [], logins: [], roles: [] });
    Object.assign(this, { binaries: request.binaries, tools: request.tools, machine: request.machine, aws: request.aws });
    this.vars = request.vars;
    this.cancelled = cancellation(request.cancel);
    this.kept = request.again?.kept ?? {};
    const begun = ask({ begin: { workflow: workflow.path, name: workflow.name } });
    this.folder = join(request.folder, `run-${begun.id}`);
    mkdirSync(this.folder, { recursive: true });
    // They outlive the run, as GitHub keeps them.
    this.artifacts = join(`${request.repositoryFolder}.artifacts`, String(begun.id));
    this.eventFile = join(this.folder, "event.json");
    this.facts = {
      actor: event.actor, api_url: urls.api, base_ref: event.base_ref ?? "", event_name: event.name, graphql_url: urls.graphql,
      head_ref: event.head_ref ?? "", ref: event.ref, ref_name: event.ref.replace(/^refs\/(heads|tags|pull)\//, ""),
      ref_protected: false, ref_type: event.ref.startsWith("refs/tags/") ? "tag" : "branch", repository,
      repository_id: "1", repository_owner: repository.split("/")[0], repository_owner_id: "1", repository_visibility: "private",
      retention_days: "90", run_attempt: request.again ? "2" : "1", run_id: String(begun.id), run_number: String(begun.number), server_url: urls.server,
      sha: event.sha, triggering_actor: event.actor, workflow: workflow.name,
      workflow_ref: `${repository}/${workflow.path}@${event.ref}`, workflow_sha: event.sha,
    };
    this.event = event.payload;
    this.github = closed("github", { ...this.facts, event: this.event });
  }

  githubFor(job) {
    return closed("github", { ...this.facts, ...job, event: this.event, event_path: this.eventFile, action: "", action_path: "" });
  }

  /** What the runner sets of it for each step. */
  githubVariables(job) {
    return { ...this.facts, job, event_path: this.eventFile };
  }

  says(job) {
    ask({ job: { ...job, name: job.name ?? job.job } });
  }
}

async function runOne(request, ours, workflow) {
  const run = new Run(request, ours, workflow);
  writeFileSync(run.eventFile, JSON.stringify(run.event));
  const ended = { workflow: workflow.path, conclusion: "startup_failure" };
  try {
    const given = request.event.payload.inputs ?? {};
    const inputs = request.event.name === "workflow_dispatch" ? dispatchInputs(workflow, given) : nothing(workflow);
    if (workflow.runName !== undefined) ended.title = text(evaluate(workflow.runName, { github: run.github, inputs, vars: run.vars }));
    await check(run, workflow);
    const scope = { inputs, secrets: request.secrets, permissions: undefined, path: [], held: [], cancelled: run.cancelled.signal };
    const results = await runWorkflow(run, workflow, scope);
    ended.conclusion = run.cancelled.signal.aborted ? "cancelled" : conclusion(results);
  } catch (error) {
    if (!(error instanceof InvalidWorkflow) && error.name !== "Deadlock") throw error;
    ended.error = error.message;
  }
  run.cancelled.forget();
  const { concurrency, images, logins, roles } = run;
  ask({ end: { ...ended, concurrency, images, logins, roles } });
}

/** The inputs of a workflow that another event starts than a dispatch: all are there, and empty. */
const nothing = (workflow) => Object.fromEntries((workflow.dispatch?.inputs ?? []).map(([name]) => [name, null]));

async function main(file) {
  const request = JSON.parse(readFileSync(file, "utf8"));
  if (request.check !== undefined) return checkFolder(request);
  const { event } = request;
  const commit = new Commit(request.repository, request.repositoryFolder, event.sha);
  const ours = new Folder(request.ours.name, request.ours.folder);
  const started = { ...event, files: () => commit.changed(event) };
  for (const path of commit.workflows()) {
    const workflow = await readWorkflow(commit, path);
    const meant = request.again?.workflow ?? (event.name === "workflow_dispatch" ? event.payload.workflow : path);
    if (meant === path && isStartedBy(workflow, started)) await runOne(request, ours, workflow);
  }
}

main(process.argv[2]).catch((error) => {
  console.error(error instanceof Unsupported || error instanceof InvalidWorkflow ? error.message : error);
  process.exit(1);
});
