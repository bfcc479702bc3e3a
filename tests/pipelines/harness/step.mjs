// One step: its `if`, its environment, what it runs, and what it leaves in the runner's files.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { unlessItHolds } from "./cancellation.mjs";
import { at, condition, evaluate, literal, text, Unsupported } from "./expressions.mjs";
import { start } from "./process.mjs";
import { used } from "./uses.mjs";

/** How each shell is started: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell. */
const SHELLS = {
  "": ["bash", "-e"],
  bash: ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
  sh: ["sh", "-e"],
  python: ["python3"],
};

/** Runs a step, and notes in its job how it went. */
export async function runStep(job, token) {
  const id = literal(at(token, "id"));
  const said = { name: id ?? "step", conclusion: "success", ms: 0, ours: false };
  let env = { ...job.env };
  let outputs = {};
  try {
    const own = evaluate(at(token, "env"), job.seen(env)) ?? {};
    env = { ...env, ...Object.fromEntries(Object.entries(own).map(([name, value]) => [name, text(value)])) };
    said.name = nameOf(token, job.seen(env));
    if (!condition(at(token, "if"), job.seen(env), job.functions)) {
      note(job, id, said, "skipped", "skipped", {});
      return;
    }
    const files = new CommandFiles(job);
    const minutes = evaluate(at(token, "timeout-minutes"), job.seen(env));
    const step = { job, token, env, files, said, minutes };
    const uses = literal(at(token, "uses"));
    const cancelled = unlessItHolds(job.cancelled.signal, () => condition(at(token, "if"), job.seen(env), job.functions));
    job.endsStep = cancelled.signal;
    try {
      if (uses === undefined) await runScript(step);
      else outputs = (await runUsed(step, uses)) ?? {};
    } finally {
      cancelled.forget();
      // What a step wrote before it failed counts too.
      outputs = { ...outputs, ...files.outputs() };
      Object.assign(job.env, files.variables());
      job.paths.unshift(...files.paths().reverse());
      said.summary = files.summary();
    }
  } catch (error) {
    if (error instanceof Unsupported) throw error;
    said.error = error.message;
  }
  const outcome = said.error === undefined ? "success" : job.endsStep?.aborted ? "cancelled" : "failure";
  const forgiven = text(evaluate(at(token, "continue-on-error"), job.seen(env)) ?? false) === "true";
  note(job, id, said, outcome, forgiven ? "success" : outcome, outputs);
}

function note(job, id, said, outcome, conclusion, outputs) {
  said.conclusion = conclusion;
  if (outcome !== conclusion) said.outcome = outcome;
  job.said.push(said);
  if (id !== undefined) job.steps[id] = { outputs, outcome, conclusion };
  if (conclusion === "failure" || conclusion === "cancelled") job.status = conclusion;
}

function nameOf(token, contexts) {
  const name = at(token, "name");
  if (name !== undefined) return text(evaluate(name, contexts));
  return `Run ${literal(at(token, "uses")) ?? text(evaluate(at(token, "run"), contexts)).split("\n")[0]}`;
}

/** `run:`, in the shell that the step, the job or the workflow says. */
async function runScript({ job, token, env, files, said, minutes }) {
  const standard = (name) =>
    [token, at(at(job.token, "defaults"), "run"), at(job.workflow.defaults, "run")]
      .map((one) => at(one, name))
      .find((one) => one !== undefined);
  const shell = text(evaluate(standard("shell"), job.seen(env)) ?? "");
  if (!(shell in SHELLS)) throw new Unsupported(`the shell ${shell} is not supported`);
  const folder = text(evaluate(standard("working-directory"), job.seen(env)) ?? "");
  const script = join(files.folder, "script.sh");
  writeFileSync(script, text(evaluate(at(token, "run"), job.seen(env))));
  const [program, ...options] = SHELLS[shell];
  const variables = { ...machine(job), ...runnerVariables(job, files), ...env };
  const cwd = isAbsolute(folder) ? folder : join(job.workspace, folder);
  await start(job, program, [...options, script], { cwd, env: variables }, said, minutes);
}

async function runUsed({ job, token, env, files, said, minutes }, uses) {
  const workspace = { name: "the workspace", read: (path) => read(join(job.workspace, path)) };
  const found = used(job.run_, job.workflow.repository, uses, workspace);
  const given = evaluate(at(token, "with"), job.seen(env)) ?? {};
  const inputs = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, text(value)]));
  const unknown = Object.keys(inputs).find((name) => !found.inputs.includes(name));
  if (unknown !== undefined) throw new Unsupported(`${uses} has no input ${unknown}; it has: ${found.inputs.join(", ")}`);
  if (found.standIn !== undefined) {
    const variables = { ...machine(job), ...runnerVariables(job, files), ...env };
    return found.standIn.run({ job, inputs, env: variables, files, uses, said });
  }
  await runAction(job, found, { inputs, env, files, said, minutes });
  return {};
}

/**
 * One of our own actions, as the runner starts its image: each input that it declares, empty where none is given, and
 * nothing of the machine's environment. The binary of the same sources runs in the image's place: what an engine and an
 * image add (users, mounts, an empty root) is tested with the images themselves.
 */
async function runAction(job, { action, defaults }, { inputs, env, files, said, minutes }) {
  const declared = defaults.map(([name, standard]) => [
    `INPUT_${name.toUpperCase().replaceAll(" ", "_")}`,
    inputs[name] ?? text(evaluate(standard, { ...job.seen(env) }) ?? ""),
  ]);
  const variables = { HOME: job.home, ...runnerVariables(job, files), ...env, ...Object.fromEntries(declared) };
  said.ours = true;
  said.action = action;
  const binary = join(job.run_.binaries, action);
  if (!existsSync(binary)) throw new Unsupported(`${action} is not built: there is no ${binary}`);
  const begun = process.hrtime.bigint();
  try {
    await start(job, binary, [], { cwd: job.workspace, env: variables }, said, minutes);
  } finally {
    said.ms = Number(process.hrtime.bigint() - begun) / 1e6;
  }
}

/** What a `run:` step finds on a machine beside what the runner says. */
function machine(job) {
  const { PATH } = process.env;
  return { PATH: [...job.paths, job.run_.tools, PATH].join(":"), HOME: job.home, LANG: "C.UTF-8", ...job.run_.machine };
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables */
function runnerVariables(job, files) {
  const github = Object.entries(job.run_.githubVariables(job.github));
  const variables = Object.fromEntries(github.map(([name, value]) => [`GITHUB_${name.toUpperCase()}`, text(value)]));
  const identity = job.permissions["id-token"] === "write" && {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${job.run_.urls.server}/_actions/id-token`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "a-token-of-the-job",
  };
  return {
    CI: "true",
    GITHUB_ACTIONS: "true",
    ...variables,
    GITHUB_WORKSPACE: job.workspace,
    ...files.variablesOfPaths(),
    RUNNER_ARCH: "X64",
    RUNNER_OS: "Linux",
    RUNNER_TEMP: job.temporary,
    RUNNER_TOOL_CACHE: join(job.folder, "tools"),
    ...identity,
  };
}

/** The files that a step writes to: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. */
class CommandFiles {
  constructor(job) {
    this.folder = join(job.folder, "commands", String(job.said.length));
    mkdirSync(this.folder, { recursive: true });
    this.names = { OUTPUT: "output", ENV: "env", PATH: "path", STATE: "state", STEP_SUMMARY: "summary" };
    Object.values(this.names).forEach((name) => writeFileSync(join(this.folder, name), ""));
  }

  variablesOfPaths() {
    return Object.fromEntries(Object.entries(this.names).map(([name, file]) => [`GITHUB_${name}`, join(this.folder, file)]));
  }

  outputs() {
    return assignments(this.#read("OUTPUT"));
  }

  /** What a stand-in gives to the steps after it. */
  addVariables(variables) {
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    appendFileSync(join(this.folder, this.names.ENV), lines.join(""));
  }

  variables() {
    const variables = assignments(this.#read("ENV"));
    if ("NODE_OPTIONS" in variables) throw new Error("NODE_OPTIONS can't be set through GITHUB_ENV");
    return variables;
  }

  paths() {
    return this.#read("PATH").split("\n").filter((line) => line !== "");
  }

  summary() {
    const summary = this.#read("STEP_SUMMARY");
    if (Buffer.byteLength(summary) > 1024 * 1024) throw new Error("the summary is larger than 1 MiB");
    return summary;
  }

  #read(name) {
    return readFileSync(join(this.folder, this.names[name]), "utf8");
  }
}

/** `name=value`, and `name<<delimiter` over several lines; all else fails the step. */
function assignments(file) {
  const found = {};
  const lines = file.split("\n");
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    if (line === "") continue;
    const [equals, heredoc] = [line.indexOf("="), line.indexOf("<<")];
    if (heredoc >= 0 && (equals < 0 || heredoc < equals)) {
      const delimiter = line.slice(heredoc + 2);
      const end = lines.indexOf(delimiter);
      if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
      found[line.slice(0, heredoc)] = lines.splice(0, end + 1).slice(0, -1).join("\n");
    } else if (equals > 0) {
      found[line.slice(0, equals)] = line.slice(equals + 1);
    } else {
      throw new Error(`Unable to process file command: Invalid format '${line}'`);
    }
  }
  return found;
}

const read = (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
