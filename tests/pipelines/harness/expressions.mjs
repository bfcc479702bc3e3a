// Evaluates expressions with GitHub's own evaluator: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions.

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { TokenType as TokenKind } from "@actions/expressions/lexer";
import { convertToIfCondition } from "@actions/workflow-parser/model/converter/if-condition";
import { TokenType } from "@actions/workflow-parser/templates/tokens/types";

/** What stops a run because no GitHub would go on, or because this harness can't. */
export class Unsupported extends Error {}

/** A dictionary that knows all its names: to ask for another is a mistake in the workflow. */
class Closed extends data.Dictionary {
  constructor(what, pairs, empty) {
    super(...pairs);
    Object.assign(this, { what, empty });
  }

  get(name) {
    const found = super.get(name);
    if (found !== undefined) return found;
    if (this.empty.includes(name)) return new data.Null();
    const names = [...this.pairs().map(({ key }) => key), ...this.empty];
    throw new Unsupported(`there is no ${this.what}.${name}; there are: ${names.join(", ") || "none"}`);
  }
}

const pairs = (object) => Object.entries(object).map(([key, value]) => ({ key, value: toData(value) }));

/** An object whose names are all known: those in it, and those that are empty here. */
export const closed = (what, object, empty = []) => new Closed(what, pairs(object), empty);

/** A value of JavaScript, or one that is already the evaluator's, as the evaluator holds it. */
export function toData(value) {
  if (value instanceof data.Dictionary) return value;
  if (value === undefined || value === null) return new data.Null();
  if (Array.isArray(value)) return new data.Array(...value.map(toData));
  if (typeof value === "object") return new data.Dictionary(...pairs(value));
  return data.reviver("", value);
}

const toPlain = (value) => JSON.parse(JSON.stringify(value, data.replacer));

/** How a value reads in text: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#operators. */
export const text = (value) => toData(value).coerceString();

/** The functions that depend on what happened so far, by name in lower case. */
export function statusFunctions({ success, failure, cancelled }) {
  const tells = (name, call) => [
    name,
    { name, description: name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(call()) },
  ];
  return new Map([
    tells("success", success),
    tells("failure", failure),
    tells("cancelled", cancelled),
    tells("always", () => true),
  ]);
}

function evaluateExpression(expression, contexts, functions = new Map()) {
  const { tokens } = new Lexer(expression).lex();
  // A quote is doubled in a string; this lexer undoes the first pair only, GitHub all of them.
  for (const token of tokens) {
    if (token.type === TokenKind.STRING) token.value = token.lexeme.slice(1, -1).replaceAll("''", "'");
  }
  const tree = new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse();
  const context = new data.Dictionary(...pairs(contexts));
  try {
    return new Evaluator(tree, context, functions).evaluate();
  } catch (error) {
    if (error instanceof Unsupported) throw new Unsupported(`${error.message} (in "${expression}")`);
    throw error;
  }
}

/** The value of a part of a workflow, its expressions evaluated. */
export function evaluate(token, contexts, functions) {
  if (token === undefined) return undefined;
  switch (token.templateTokenType) {
    case TokenType.BasicExpression:
      return toPlain(evaluateExpression(token.expression, contexts, functions));
    case TokenType.Mapping:
      return Object.fromEntries(
        [...token].map(({ key, value }) => [
          text(evaluate(key, contexts, functions)),
          evaluate(value, contexts, functions),
        ]),
      );
    case TokenType.Sequence:
      return [...token].map((item) => evaluate(item, contexts, functions));
    case TokenType.Null:
      return null;
    case TokenType.InsertExpression:
      throw new Unsupported("`${{ insert }}` is not supported");
    default:
      return token.value;
  }
}

/** The value of a part that may hold no expression. */
export const literal = (token) => evaluate(token, {});

/** Whether an `if` lets a job or a step run; without a status function `success() &&` stands before it. */
export function condition(token, contexts, functions) {
  if (token === undefined) return functions.get("success").call().value;
  const mistakes = [];
  const parsed = convertToIfCondition({ error: (_, error) => mistakes.push(error) }, token);
  if (mistakes.length > 0) throw mistakes[0];
  const result = evaluateExpression(parsed.expression, contexts, functions);
  const falsy = [0, "", null, false];
  const plain = toPlain(result);
  return !(falsy.includes(plain) || Number.isNaN(plain));
}

/** What stands at a key of a mapping. */
export function at(mapping, key) {
  if (mapping === undefined || mapping.templateTokenType === TokenType.Null) return undefined;
  return mapping.find(key);
}

/** The keys and values of a mapping. */
export function entries(mapping) {
  if (mapping === undefined || mapping.templateTokenType === TokenType.Null) return [];
  return [...mapping].map(({ key, value }) => [key.value, value]);
}
