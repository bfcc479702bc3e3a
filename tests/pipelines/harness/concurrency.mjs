// Concurrency groups: https://docs.github.com/en/actions/concepts/workflows-and-actions/concurrency.

import { evaluate, text } from "./expressions.mjs";

/** What is refused because whoever waits holds what it waits for. */
export class Deadlock extends Error {}

/** What is ended because something newer waits in its group. */
export class Superseded extends Error {}

/**
 * Takes a turn in a group, and gives what ends the turn. One runs, one waits: another that comes to wait ends the one
 * before it, unless the group's queue is `max`. What `path` comes below holds its own groups already: to wait for one of
 * these would never end, and GitHub says so.
 */
export async function acquire(run, group, held, path) {
  if (group === undefined) return () => {};
  if (held.includes(group.name)) {
    const name = path.at(-1) ?? "top level workflow";
    throw new Deadlock(`Canceling since a deadlock for concurrency group '${group.name}' was detected between 'top level workflow' and '${name}'`);
  }
  const state = run.groups.get(group.name) ?? { busy: false, waiting: [] };
  run.groups.set(group.name, state);
  run.concurrency.push({ at: path.join(" / "), ...group });
  if (state.busy) {
    if (group.queue !== "max") state.waiting.splice(0).forEach(({ end }) => end(new Superseded(`a newer one waits in ${group.name}`)));
    await new Promise((begin, end) => state.waiting.push({ begin, end }));
  }
  state.busy = true;
  return () => {
    state.busy = false;
    state.waiting.shift()?.begin();
  };
}

/** The group that a workflow or a job takes its turn in. */
export function concurrency(token, contexts) {
  const said = evaluate(token, contexts);
  if (said === undefined || said === null) return undefined;
  if (typeof said !== "object") return { name: text(said), cancelInProgress: false, queue: "single" };
  return {
    name: text(said.group),
    cancelInProgress: text(said["cancel-in-progress"] ?? false) === "true",
    queue: said.queue ?? "single",
  };
}
