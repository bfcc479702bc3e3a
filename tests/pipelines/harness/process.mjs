// Starts the programs of steps.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

/**
 * Runs a program to its end, and gives what it printed; an exit code but 0 is an error. It is told to end when its step is
 * cancelled, or after `minutes`. What came of it is noted in `said`.
 */
export function start(job, program, options, { cwd, env }, said = {}, minutes = undefined) {
  if (!existsSync(cwd)) throw new Error(`there is no folder ${cwd}`);
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const cancel = () => child.kill("SIGTERM");
    const timer = minutes === undefined ? undefined : setTimeout(cancel, minutes * 60_000);
    job.endsStep.addEventListener("abort", cancel);
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (printed += bytes));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      job.endsStep.removeEventListener("abort", cancel);
      job.masks.addFrom(printed);
      said.printed = job.masks.hide((said.printed ?? "") + printed);
      said.exit = code;
      if (code === 0) resolve(printed);
      else reject(new Error(`exit code ${code ?? signal}`));
    });
  });
}

/** What is never shown: secrets, and what a step says to hide. */
export class Masks {
  #values = new Set();

  add(value) {
    String(value).split("\n").filter((line) => line.trim() !== "").forEach((line) => this.#values.add(line));
  }

  /** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log */
  addFrom(printed) {
    for (const [, value] of printed.matchAll(/^::add-mask::(.*)$/gm)) {
      this.add(value.replaceAll("%0A", "\n").replaceAll("%0D", "\r").replaceAll("%25", "%"));
    }
  }

  isIn(text) {
    return [...this.#values].some((value) => text.includes(value));
  }

  hide(text) {
    const shown = text.replace(/^::add-mask::.*$/gm, "::add-mask::***");
    return [...this.#values].reduce((hidden, value) => hidden.replaceAll(value, "***"), shown);
  }
}
