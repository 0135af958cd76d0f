// Steps of a program: each prints one line of JSON, and goes on when it has read one.
import { createInterface } from "node:readline";

console.log = console.info = console.debug = console.error; // standard output is the steps' alone
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return JSON.parse((await answers.next()).value);
}

/** Have something done that clients don't do: a page filled in, an account expired. Returns what comes of it. */
export const ask = (wish, details = {}) => say({ ask: wish, ...details });

/** Print what an action returns, or how it fails; returns what it returned. */
export async function step(name, action) {
  const line = { step: name };
  let value;
  try {
    value = await action();
    line.value = value ?? null;
  } catch (error) {
    line.error = described(error);
  }
  await say(line);
  return value;
}

/** An error as hosts see it: its class, and what the server said, which is in one of its causes. */
function described(error) {
  const seen = { name: error?.constructor?.name === "Error" ? error.name : (error?.name ?? null), message: error?.message ?? String(error) };
  for (let at = error; at instanceof Error; at = at.cause) {
    if (typeof at.status === "number") {
      return { ...seen, status: at.status, ...(at.error?.error ?? {}) };
    }
  }
  return seen;
}

/** Let the process end. */
export const end = () => process.stdin.destroy();
