// What the token of a job may do: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions.

import { at, literal } from "./expressions.mjs";
import { InvalidWorkflow } from "./workflow.mjs";

const SCOPES = [
  "actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token",
  "issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses",
];

/** What a repository gives that is set to restricted permissions, as new ones are. */
const RESTRICTED = { contents: "read", packages: "read" };

const LEVELS = ["none", "read", "write"];

/** What a workflow or a job asks for; `undefined` when it does not say. */
function asked(token) {
  const said = token === undefined ? undefined : literal(token);
  if (said === undefined || said === null) return undefined;
  if (said === "read-all") return Object.fromEntries(SCOPES.map((scope) => [scope, scope === "id-token" ? "none" : "read"]));
  if (said === "write-all") return Object.fromEntries(SCOPES.map((scope) => [scope, "write"]));
  return Object.fromEntries(Object.entries(said).filter(([, level]) => level !== "none"));
}

/** What a job of a called workflow gets: never more than the job that calls. GitHub refuses to start such a run. */
export function within(wanted, most, job) {
  for (const [scope, level] of Object.entries(wanted)) {
    const allowed = most[scope] ?? "none";
    if (LEVELS.indexOf(level) > LEVELS.indexOf(allowed)) {
      throw new InvalidWorkflow(`The nested job '${job}' is requesting '${scope}: ${level}', but is only allowed '${scope}: ${allowed}'`);
    }
  }
  return wanted;
}

/** A token that says itself what it may do: the stand-in for GitHub reads it, and refuses the rest. */
export function token(repository, permissions) {
  return `ghs_${Buffer.from(JSON.stringify({ repository, permissions })).toString("base64url")}`;
}

/** A job's own permissions stand before those of its workflow, and those before what calls it. */
export function permissionsOf(token, workflow, scope) {
  return asked(at(token, "permissions")) ?? asked(workflow.permissions) ?? scope.permissions ?? RESTRICTED;
}
