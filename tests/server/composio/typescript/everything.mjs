// What a host does with Composio's client, and what goes wrong: one step each. CORE is the package to do it with.
import { ask, step } from "./steps.mjs";

const { AuthScheme, Composio, OpenAIProvider, experimental_createTool } = await import(process.env.CORE);
const { createMCPClient } = await import("@ai-sdk/mcp");
const { z } = await import("zod");

const { ALICES_TOKEN, BOBS_ACCOUNT, KEY, OTHER_KEY, CALLBACK } = process.env;
const CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION";
const WHOSE_KEY = "OPENROUTER_GET_CURRENT_KEY";
const COUNT = "OPENROUTER_GET_MODELS_COUNT";
const EARLIER = "20260316_00";
const CONFIG = "ac_openrouter";
const QUESTION = { model: "acme/atlas-small", messages: [{ role: "user", content: "What is 17 * 3?" }] };
const QUIET = { allowTracking: false, disableVersionCheck: true };

const composio = new Composio({ ...QUIET, provider: new OpenAIProvider() });
const client = composio.getClient();
const alices = new Composio({ ...QUIET, apiKey: ALICES_TOKEN });
const slugs = (tools) => tools.map((tool) => tool.function.name);
const execute = (slug, userId, args = {}, more = {}) =>
  composio.tools.execute(slug, { userId, arguments: args, version: EARLIER, ...more });
const byKey = (userId, key, more = {}) =>
  composio.connectedAccounts.initiate(userId, CONFIG, { config: AuthScheme.APIKey({ api_key: key }), ...more });

// What there is.
await step("tools of a toolkit", async () => slugs(await composio.tools.get("alice", { toolkits: ["openrouter"] })));
await step("all tools", async () => slugs(await composio.tools.get("alice", { toolkits: ["openrouter"], limit: 500 })));
await step("tools by name", async () => slugs(await composio.tools.get("alice", { tools: [CHAT, "OPENROUTER_NOTHING"] })));
await step("one tool", async () => (await composio.tools.get("alice", CHAT))[0].function.parameters);
await step("tools by words", async () => slugs(await composio.tools.get("alice", { search: "chat completion" })));
await step("tools of another toolkit", async () => slugs(await composio.tools.get("alice", { toolkits: ["gmail"] })));
await step("tools in pages of five", async () => {
  const pages = [];
  let cursor;
  do {
    const page = await client.tools.list({ toolkit_slug: "openrouter", limit: 5, cursor });
    pages.push(page.items.map((tool) => tool.slug));
    cursor = page.next_cursor;
  } while (cursor);
  return pages;
});
await step("toolkits", async () => (await composio.toolkits.get({})).map((toolkit) => toolkit.slug));
await step("a toolkit", () => composio.toolkits.get("openrouter"));
await step("another toolkit", () => composio.toolkits.get("gmail"));
await step("what a connection needs", () => composio.toolkits.getConnectedAccountInitiationFields("openrouter", "API_KEY"));

// Connecting.
await step("connect by link", async () => {
  const request = await composio.connectedAccounts.link("carol", CONFIG, { callbackUrl: CALLBACK, alias: "work" });
  const page = await ask("connect", { url: request.redirectUrl, key: KEY });
  const account = await request.waitForConnection(20_000);
  return { page, requested: request.id, id: account.id, status: account.status, toolkit: account.toolkit.slug };
});
await step("authorize", async () => {
  const request = await composio.toolkits.authorize("dora", "openrouter");
  await ask("connect", { url: request.redirectUrl, key: KEY });
  return (await request.waitForConnection(20_000)).status;
});
await step("connect by key", async () => {
  const request = await byKey("erin", KEY);
  return { status: (await request.waitForConnection(5_000)).status, link: request.redirectUrl };
});
await step("connect by key, three times", async () => {
  const ids = [];
  for (let time = 0; time < 3; time++) ids.push((await byKey("erin", KEY, { allowMultiple: true })).id);
  return ids;
});
await step("connect by link though connected", () => composio.connectedAccounts.link("erin", CONFIG));
await step("connect by a wrong key", () => byKey("frank", "sk-or-v1-wrong-0123456789"));
await step("connect and return to an address that is not registered", () =>
  composio.connectedAccounts.link("frank", CONFIG, { callbackUrl: "https://stranger.example/" }));
await step("connect with an unknown auth config", () => composio.connectedAccounts.link("frank", "ac_nothing"));
await step("wait for nobody", async () => {
  const request = await composio.connectedAccounts.link("frank", CONFIG);
  return request.waitForConnection(10);
});
await step("accounts in pages of five", async () => {
  const pages = [];
  let cursor;
  do {
    const page = await composio.connectedAccounts.list({ userIds: ["many"], limit: 5, cursor });
    pages.push(page.items.map((account) => account.id));
    cursor = page.nextCursor;
  } while (cursor);
  return pages;
});

// Executing.
await step("execute for each user", async () => {
  const labels = {};
  for (const user of ["alice", "bob", "carol", "dora", "erin"]) {
    const answer = await execute(WHOSE_KEY, user);
    labels[user] = [answer.successful, answer.error, answer.data.data.label];
  }
  return labels;
});
await step("execute a completion", async () => (await execute(CHAT, "alice", QUESTION)).data.choices[0].message.content);
await step("execute what is no object", async () => {
  const answer = await execute("OPENROUTER_LIST_AVAILABLE_MODELS", "alice", { use_rss: true });
  return { ...answer, data: Object.keys(answer.data) };
});
await step("execute in the current version", async () =>
  (await execute(COUNT, "alice", {}, { version: undefined, dangerouslySkipVersionCheck: true })).data);
await step("execute in the version of all calls", async () => {
  const pinned = new Composio({ ...QUIET, toolkitVersions: { openrouter: EARLIER } });
  return (await pinned.tools.execute(WHOSE_KEY, { userId: "alice", arguments: {} })).successful;
});
await step("execute without saying a version", () => execute(WHOSE_KEY, "alice", {}, { version: undefined }));
await step("execute in an unknown version", () => execute(WHOSE_KEY, "alice", {}, { version: "20990101_00" }));
await step("execute a tool that is switched off", async () => {
  await ask("switch", { action: COUNT, on: false });
  return execute(COUNT, "alice");
});
await step("execute a tool that is switched on again", async () => {
  await ask("switch", { action: COUNT, on: true });
  return (await execute(COUNT, "alice")).data;
});
await step("execute an unknown tool", () => execute("OPENROUTER_NOTHING", "alice"));
await step("execute another toolkit's tool", async () => (await execute("ECHO_SAY", "alice", { text: "hello" }, {
  version: undefined, dangerouslySkipVersionCheck: true })).successful);
await step("execute with wrong arguments", () => execute(CHAT, "alice", { model: 5 }));
await step("execute with an unknown model", () => execute(CHAT, "alice", { ...QUESTION, model: "acme/nothing" }));
await step("execute without an account", () => execute(WHOSE_KEY, "nobody"));
await step("execute with a stranger's account", () =>
  execute(WHOSE_KEY, "alice", {}, { connectedAccountId: BOBS_ACCOUNT }));
await step("execute with a key's place", () =>
  execute(WHOSE_KEY, "alice", {}, { customAuthParams: { baseURL: "https://stranger.example", parameters: [] } }));
await step("a wrong token", () => new Composio({ ...QUIET, apiKey: "ort_wrong" }).tools.get("alice", { toolkits: ["openrouter"] }));
await step("a token for its user", async () =>
  (await alices.tools.execute(WHOSE_KEY, { userId: "alice", arguments: {}, version: EARLIER })).successful);
await step("a token for another user", () =>
  alices.tools.execute(WHOSE_KEY, { userId: "bob", arguments: {}, version: EARLIER }));
await step("another user's account", () => alices.connectedAccounts.get(BOBS_ACCOUNT));
await step("another user's account deleted", () => alices.connectedAccounts.delete(BOBS_ACCOUNT));

// Accounts that change.
const [{ id: carols }] = (await composio.connectedAccounts.list({ userIds: ["carol"], statuses: ["ACTIVE"] })).items;
await step("disable", async () => {
  await composio.connectedAccounts.disable(carols);
  return (await composio.connectedAccounts.get(carols)).status;
});
await step("execute with a disabled account", () => execute(WHOSE_KEY, "carol"));
await step("enable", async () => {
  await composio.connectedAccounts.enable(carols);
  return (await execute(WHOSE_KEY, "carol")).successful;
});
await step("expire", async () => {
  await ask("expire", { user: "carol" });
  const account = await composio.connectedAccounts.get(carols);
  return [account.status, account.statusReason];
});
await step("execute with an expired account", () => execute(WHOSE_KEY, "carol"));
await step("wait for an expired account", () => composio.connectedAccounts.waitForConnection(carols, 1_000));
await step("refresh", () => composio.connectedAccounts.refresh(carols));
await step("delete", () => composio.connectedAccounts.delete(carols));
await step("execute with a deleted account", () => execute(WHOSE_KEY, "carol"));
await step("the deleted account", () => composio.connectedAccounts.get(carols));
await step("delete again", () => composio.connectedAccounts.delete(carols));

// Answers that get lost on their way: the client asks three times in all.
function unlucky() {
  const seen = { asked: 0 };
  const losing = async (...request) => {
    const answer = await fetch(...request);
    if (++seen.asked === 3) return answer;
    await answer.text();
    throw new TypeError("the answer was lost");
  };
  return [seen, client.withOptions({ fetch: losing })];
}
const ivan = { user_id: "ivan", state: { authScheme: "API_KEY", val: { status: "ACTIVE", api_key: KEY } } };
const ivans = async () => (await composio.connectedAccounts.list({ userIds: ["ivan"] })).items;
await step("connect by key while answers get lost", async () => {
  const [seen, losing] = unlucky();
  const { id } = await losing.connectedAccounts.create({ auth_config: { id: CONFIG }, connection: ivan });
  return [seen.asked, (await ivans()).map((account) => account.id === id && account.status)];
});
await step("disable while answers get lost", async () => {
  const [seen, losing] = unlucky();
  await losing.connectedAccounts.updateStatus((await ivans())[0].id, { enabled: false });
  return [seen.asked, (await ivans())[0].status];
});
await step("delete while answers get lost", async () => {
  const [seen, losing] = unlucky();
  const refused = await losing.connectedAccounts.delete((await ivans())[0].id).catch((error) => error);
  return [seen.asked, refused.status, await ivans()];
});

// Auth configs.
const config = await step("a new auth config", () =>
  composio.authConfigs.create("openrouter", { type: "use_custom_auth", name: "of a team", authScheme: "API_KEY", credentials: {} }));
await step("auth configs", async () => (await composio.authConfigs.list({ toolkit: "openrouter" })).items.map((one) => one.name));
await step("an account of the auth config", async () =>
  (await composio.connectedAccounts.initiate("gina", config.id, { config: AuthScheme.APIKey({ api_key: KEY }) })).status);
await step("execute with the auth config's account", async () => (await execute(WHOSE_KEY, "gina")).successful);
await step("the auth config disabled", async () => {
  await composio.authConfigs.disable(config.id);
  return (await composio.authConfigs.get(config.id)).status;
});
await step("execute with a disabled auth config", () => execute(WHOSE_KEY, "gina"));
await step("the auth config enabled", async () => {
  await composio.authConfigs.enable(config.id);
  return (await execute(WHOSE_KEY, "gina")).successful;
});
await step("the auth config deleted", () => composio.authConfigs.delete(config.id));
await step("execute with a deleted auth config", () => execute(WHOSE_KEY, "gina"));
await step("an auth config that promises limits", () => composio.authConfigs.update(CONFIG, { type: "default", restrictToFollowingTools: [CHAT] }));

// Sessions.
const session = await composio.create("alice", {
  toolkits: ["openrouter"], tools: { openrouter: { enable: [COUNT, WHOSE_KEY] } }, mcp: true });
await step("a session", async () => ({ mcp: session.mcp, version: session.configVersion, config: session.config }));
await step("the session's tools", async () => slugs(await session.tools()));
await step("the session's toolkits", async () => (await session.toolkits()).items.map((one) => [one.slug, one.connection?.isActive]));
await step("the session executes", () => session.execute(COUNT, {}));
await step("the session executes what it may not", () => session.execute(CHAT, QUESTION));
await step("the session executes with wrong arguments", () => session.execute(COUNT, { output_modalities: 5 }));
await step("the session searches", async () => (await session.search({ query: "count the models" })).results[0].primaryToolSlugs);
await step("the session's tools over MCP", () => overMcp(session, (mcp) => mcp.tools().then(Object.keys)));
await step("the session executes over MCP", () => overMcp(session, async (mcp) => {
  const answer = await (await mcp.tools())[COUNT].execute({}, { toolCallId: "1", messages: [] });
  return [answer.isError ?? false, JSON.parse(answer.content[0].text)];
}));
await step("the session executes over MCP what it may not", () => overMcp(session, (mcp) => {
  const definition = { name: CHAT, inputSchema: { type: "object", properties: {} } };
  return mcp.toolsFromDefinitions({ tools: [definition] })[CHAT].execute(QUESTION, { toolCallId: "1", messages: [] });
}));
const withKey = (key) => ({ mcp: { ...session.mcp, headers: key ? { "x-api-key": key } : {} } });
await step("the session over MCP with another user's token", () => overMcp(withKey(process.env.BOBS_TOKEN), (mcp) => mcp.tools()));
await step("the session over MCP with its user's token", () => overMcp(withKey(ALICES_TOKEN), (mcp) => mcp.tools().then(Object.keys)));
await step("the session over MCP with a wrong token", () => overMcp(withKey("ort_wrong"), (mcp) => mcp.tools()));
await step("the session over MCP without a token", () => overMcp(withKey(null), (mcp) => mcp.tools()));
await step("the session again", async () => slugs(await (await composio.use(session.sessionId)).tools()));
await step("the session changed", async () => {
  await session.update({ tools: { openrouter: { enable: [COUNT] } } });
  return [session.configVersion, slugs(await session.tools())];
});
await step("another user's session", () => new Composio({ ...QUIET, apiKey: process.env.BOBS_TOKEN }).use(session.sessionId));
await step("the session deleted", () => session.delete());
await step("the deleted session", () => composio.use(session.sessionId));
await step("the deleted session executes", () => session.execute(COUNT, {}));
await step("the deleted session over MCP", () => overMcp(session, (mcp) => mcp.tools()));
await step("a session that may change nothing", async () => {
  const readers = await composio.create("alice", { toolkits: ["openrouter"], tags: ["readOnlyHint"] });
  return slugs(await readers.tools());
});
await step("a session without an account", async () => (await composio.create("nobody")).execute(WHOSE_KEY, {}));
await step("a session connects", async () => {
  const newcomers = await composio.create("hugo");
  const request = await newcomers.authorize("openrouter");
  await ask("connect", { url: request.redirectUrl, key: OTHER_KEY });
  return [(await request.waitForConnection(20_000)).status, (await newcomers.execute(WHOSE_KEY, {})).data.data.label];
});
await step("a session of an unknown toolkit", () => composio.create("alice", { toolkits: ["gmail"] }));
await step("a session with a proxy", () => composio.create("alice", { workbench: { enableProxyExecution: true } }));
await step("a session with the host's own tool", async () => {
  const add = experimental_createTool("ADD", {
    name: "Add", description: "Adds two numbers.", inputParams: z.object({ a: z.number(), b: z.number() }),
    execute: async ({ a, b }) => ({ sum: a + b }),
  });
  const own = await composio.create("alice", { toolkits: ["openrouter"], experimental: { customTools: [add] } });
  return [await own.execute("LOCAL_ADD", { a: 17, b: 3 }), (await own.execute(COUNT, {})).error];
});

async function overMcp({ mcp: { url, headers } }, use) {
  const mcp = await createMCPClient({ transport: { type: "http", url, headers } });
  try {
    return await use(mcp);
  } finally {
    await mcp.close();
  }
}
