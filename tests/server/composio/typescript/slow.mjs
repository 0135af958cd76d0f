// A completion that takes longer than the client waits for headers, and what the client does when none come.
import { createServer } from "node:http";
import { Composio } from "@composio/core";
import { end, step } from "./steps.mjs";

const { MODEL, PATIENCE } = process.env;
const CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION";
const question = { model: MODEL, messages: [{ role: "user", content: "What is 17 * 3?" }] };
const said = (answer) => [answer.error, answer.data.choices[0].message.content];

function composioAt(baseURL) {
  const composio = new Composio({ baseURL, allowTracking: false, disableVersionCheck: true });
  composio.getClient().timeout = Number(PATIENCE);
  return composio;
}

const composio = composioAt(process.env.COMPOSIO_BASE_URL);
const session = await composio.create("alice", { toolkits: ["openrouter"] });
await step("execute", async () =>
  said(await composio.tools.execute(CHAT, { userId: "alice", arguments: question, version: "20260316_00" })));
await step("the session executes", async () => said(await session.execute(CHAT, question)));

// So it is with a server that sends its headers late: this client asks it again.
if (process.env.CONTROL) {
  let asked = 0;
  const silent = createServer(() => (asked += 1)).listen(0, "127.0.0.1");
  await new Promise((ready) => silent.once("listening", ready));
  await step("a server without headers", async () => {
    const late = composioAt(`http://127.0.0.1:${silent.address().port}`);
    await late.getClient().toolRouter.session.execute("trs_1", { tool_slug: CHAT, arguments: question }).catch(() => null);
    return asked;
  });
  silent.closeAllConnections();
  silent.close();
}
await end();
