// Holds what was said to and by the stand-in for GitHub to GitHub's own GraphQL schema.
//
// Usage: graphql.mjs SCHEMA FOLDER; SCHEMA is the file of npm's @octokit/graphql-schema, FOLDER has the exchanges, one JSON
// object a line.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { buildSchema, execute, getVariableValues, parse, validate } from "graphql";

/** Each exchange of the GraphQL API, once. */
function exchanges(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n"));
  return [...new Set(lines)].map((line) => JSON.parse(line)).filter(({ request }) => request.path === "/api/graphql");
}

/** What is wrong with one exchange, a line each. */
async function mistakes(schema, { request, reply }) {
  const { query, variables } = JSON.parse(request.body);
  const document = parse(query);
  const wrong = validate(schema, document).map((error) => `the query: ${error.message}`);
  const [operation] = document.definitions;
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
  wrong.push(...(errors ?? []).map((error) => `the variables: ${error.message}`));
  if (wrong.length > 0 || reply === null || reply.status !== 200) return wrong;

  const body = JSON.parse(reply.body);
  if (body.errors?.some((error) => typeof error.message !== "string")) wrong.push("the reply: an error has no message");
  if (!body.data) return body.errors?.length > 0 ? wrong : [...wrong, "the reply: neither data nor errors"];
  // Asked of the reply's own data, the query gives the same data: each field is there, and of its type.
  const asked = await execute({ schema, document, rootValue: body.data, variableValues: variables });
  wrong.push(...(asked.errors ?? []).map((error) => `the reply: ${error.message}`));
  const again = JSON.parse(JSON.stringify(asked.data ?? null));
  if (!isDeepStrictEqual(again, body.data)) wrong.push(`the reply: ${reply.body} is not what was asked for`);
  return wrong;
}

async function main(schemaFile, folder) {
  const schema = buildSchema(readFileSync(schemaFile, "utf8"), { assumeValid: true });
  const found = exchanges(folder);
  const wrong = (await Promise.all(found.map((exchange) => mistakes(schema, exchange)))).flat();
  wrong.forEach((mistake) => console.error(mistake));
  console.log(`${found.length} different exchanges with GitHub's GraphQL API, ${wrong.length} mistakes`);
  process.exitCode = wrong.length > 0 || found.length === 0 ? 1 : 0;
}

main(...process.argv.slice(2));
