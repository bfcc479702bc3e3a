// How a run, a job or a step is cancelled:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation.

import { existsSync } from "node:fs";

/** What cancels a run: a file that the test makes. */
export function cancellation(file) {
  const controller = new AbortController();
  const timer = setInterval(() => existsSync(file) && controller.abort(), 20);
  return { signal: controller.signal, forget: () => clearInterval(timer) };
}

/**
 * What cancels one thing of several that `signal` cancels. Its `if` is asked once more then, and where it still holds
 * (`always()`, `cancelled()`) the thing goes on. What begins later has been asked already.
 */
export function unlessItHolds(signal, holds) {
  const own = new AbortController();
  const end = () => holds() || own.abort();
  if (!signal.aborted) signal.addEventListener("abort", end);
  own.forget = () => signal.removeEventListener("abort", end);
  return own;
}
