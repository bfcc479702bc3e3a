// Whether an event starts a workflow: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows.

import { Unsupported } from "./expressions.mjs";

/** The activity types that start a workflow that names none. */
const TYPES = { pull_request: ["opened", "synchronize", "reopened"], pull_request_target: ["opened", "synchronize", "reopened"] };

const FILTERS = {
  push: ["branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"],
  pull_request: ["branches", "branches-ignore", "paths", "paths-ignore", "types"],
  pull_request_target: ["branches", "branches-ignore", "paths", "paths-ignore", "types"],
  workflow_run: ["workflows", "branches", "branches-ignore", "types"],
  issue_comment: ["types"],
  issues: ["types"],
  pull_request_review: ["types"],
  repository_dispatch: ["types"],
  release: ["types"],
  merge_group: ["types", "branches"],
  workflow_dispatch: ["inputs"],
  workflow_call: ["inputs", "secrets"],
};

/** Whether this event starts a workflow. `event.files` are the paths that it changed. */
export function isStartedBy(workflow, event) {
  const filters = workflow.events[event.name];
  if (filters === undefined) return false;
  if (event.name === "schedule") return filters.some(({ cron }) => cron === event.payload.schedule);
  const unknown = Object.keys(filters).find((name) => !FILTERS[event.name]?.includes(name));
  if (unknown !== undefined) throw new Unsupported(`the filter ${unknown} of ${event.name} is not supported`);
  return (
    isOfType(filters.types ?? TYPES[event.name], event) &&
    isOfRef(filters, event) &&
    isAmong(filters.workflows, event.payload.workflow_run?.name) &&
    isOfPaths(filters, event)
  );
}

const isAmong = (names, name) => names === undefined || names.includes(name);

const isOfType = (types, { payload }) => isAmong(types, payload.action);

function isOfRef(filters, { name, ref, payload }) {
  const branch = payload.pull_request?.base.ref ?? payload.workflow_run?.head_branch;
  if (branch !== undefined) return isLetThrough(filters, "branches", branch);
  if (name !== "push") return true;
  const tag = ref.match(/^refs\/tags\/(.*)$/)?.[1];
  const says = (kind) => filters[kind] !== undefined || filters[`${kind}-ignore`] !== undefined;
  // A filter of one kind alone lets nothing of the other through.
  if (tag !== undefined) return says("tags") || !says("branches") ? isLetThrough(filters, "tags", tag) : false;
  const pushed = ref.replace("refs/heads/", "");
  return says("branches") || !says("tags") ? isLetThrough(filters, "branches", pushed) : false;
}

function isOfPaths(filters, { files }) {
  if (filters.paths !== undefined) return files().some((file) => matches(filters.paths, file));
  if (filters["paths-ignore"] !== undefined) return !files().every((file) => matches(filters["paths-ignore"], file));
  return true;
}

function isLetThrough(filters, kind, name) {
  const ignored = filters[`${kind}-ignore`];
  if (ignored !== undefined) return !matches(ignored, name);
  return filters[kind] === undefined || matches(filters[kind], name);
}

/** The last pattern that matches decides; `!` takes out again. */
function matches(patterns, name) {
  return patterns.reduce((is, pattern) => {
    const negative = pattern.startsWith("!");
    return expression(negative ? pattern.slice(1) : pattern).test(name) ? !negative : is;
  }, false);
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet */
export function expression(pattern) {
  const parts = pattern.replace(/\*\*\/|\*\*|\*|[.^$(){}|]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return `\\${part}`;
  });
  return new RegExp(`^${parts}$`);
}
