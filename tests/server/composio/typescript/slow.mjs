// A completion that takes longer than the client waits for headers, and what the client does when none come.
import { createServer } from "node:http";
import { ask, step } from "./steps.mjs";

const { Composio } = await import(process.env.CORE);
const { PATIENCE } = process.env;
const CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION";
const question = { model: await ask("slow model"), messages: [{ role: "user", content: "What is 17 * 3?" }] };
const said = (answer) => [answer.error, answer.data.choices[0].message.content];

function composioAt(baseURL, patience) {
  const composio = new Composio({ baseURL, allowTracking: false, disableVersionCheck: true });
  if (patience) composio.getClient().timeout = Number(patience);
  return composio;
}

/** How often a server that sends no headers is asked to execute something in a session. */
async function askedInVain() {
  let asked = 0;
  const silent = createServer(() => (asked += 1)).listen(0, "127.0.0.1");
  await new Promise((ready) => silent.once("listening", ready));
  const late = composioAt(`http://127.0.0.1:${silent.address().port}`, 500);
  await late.getClient().toolRouter.session.execute("trs_1", { tool_slug: CHAT, arguments: question }).catch(() => null);
  silent.closeAllConnections();
  silent.close();
  return asked;
}

const vain = askedInVain();
await step("long completions", async () => {
  const composio = composioAt(process.env.COMPOSIO_BASE_URL, PATIENCE);
  const session = await composio.create("alice", { toolkits: ["openrouter"] });
  const start = performance.now();
  const executed = composio.tools.execute(CHAT, { userId: "alice", arguments: question, version: "20260316_00" });
  const answers = await Promise.all([executed, session.execute(CHAT, question)]);
  return { said: answers.map(said), seconds: (performance.now() - start) / 1000, patience: composio.getClient().timeout / 1000 };
});
await step("a server without headers", () => vain);
