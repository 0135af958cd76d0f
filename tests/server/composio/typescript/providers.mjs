// A whole agent loop over a model of the sandbox by each of Composio's providers.
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AnthropicProvider } from "@composio/anthropic";
import { OpenAIProvider, OpenAIResponsesProvider } from "@composio/openai";
import { VercelProvider } from "@composio/vercel";
import { generateText, stepCountIs } from "ai";
import OpenAI from "openai";
import { step } from "./steps.mjs";

const { Composio } = await import(process.env.CORE);
const { SANDBOX_KEY, SANDBOX_URL } = process.env;
const MODEL = "acme/atlas-large";
const QUESTION = "Count the available models";
const TOOLS = { tools: ["OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_CURRENT_KEY"] };
const ROUNDS = 4;
const composioWith = (provider) => new Composio({ provider, allowTracking: false, disableVersionCheck: true });

await step("openai", async () => {
  const composio = composioWith(new OpenAIProvider());
  const model = new OpenAI({ baseURL: SANDBOX_URL, apiKey: SANDBOX_KEY, maxRetries: 0 });
  const tools = await composio.tools.get("alice", TOOLS);
  const messages = [{ role: "user", content: QUESTION }];
  for (let round = 0; round < ROUNDS; round++) {
    const answer = await model.chat.completions.create({ model: MODEL, messages, tools });
    messages.push(answer.choices[0].message);
    if (!answer.choices[0].message.tool_calls?.length) break;
    messages.push(...(await composio.provider.handleToolCalls("alice", answer)));
  }
  return messages.at(-1).content;
});

// The sandbox has no /responses, so its model's call is written by hand.
await step("openai responses", async () => {
  const composio = composioWith(new OpenAIResponsesProvider());
  const tools = await composio.tools.get("alice", TOOLS);
  const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: tools[0].name, arguments: "{}" };
  return (await composio.provider.handleResponse("alice", { output: [call] }))[0].output;
});

await step("anthropic", async () => {
  const composio = composioWith(new AnthropicProvider());
  const model = new Anthropic({ baseURL: SANDBOX_URL.replace(/\/v1$/, ""), authToken: SANDBOX_KEY, apiKey: null, maxRetries: 0 });
  const tools = await composio.tools.get("alice", TOOLS);
  const messages = [{ role: "user", content: QUESTION }];
  let answer;
  for (let round = 0; round < ROUNDS; round++) {
    answer = await model.messages.create({ model: MODEL, max_tokens: 1000, messages, tools });
    messages.push({ role: "assistant", content: answer.content });
    if (answer.stop_reason !== "tool_use") break;
    messages.push(...(await composio.provider.handleToolCalls("alice", answer)));
  }
  return answer.content[0].text;
});

async function generated(tools) {
  const model = createOpenAICompatible({ name: "sandbox", baseURL: SANDBOX_URL, apiKey: SANDBOX_KEY })(MODEL);
  return (await generateText({ model, tools, prompt: QUESTION, stopWhen: stepCountIs(ROUNDS), maxRetries: 0 })).text;
}

await step("vercel", async () => generated(await composioWith(new VercelProvider()).tools.get("alice", TOOLS)));

await step("vercel in a session", async () => {
  const enable = TOOLS.tools;
  const session = await composioWith(new VercelProvider()).create("alice", { toolkits: ["openrouter"], tools: { openrouter: { enable } } });
  return generated(await session.tools());
});

await step("all tools by each", async () => {
  const found = {};
  const providers = { openai: OpenAIProvider, responses: OpenAIResponsesProvider, anthropic: AnthropicProvider, vercel: VercelProvider };
  for (const [name, Provider] of Object.entries(providers)) {
    const tools = await composioWith(new Provider()).tools.get("alice", { toolkits: ["openrouter"], limit: 500 });
    found[name] = Array.isArray(tools) ? tools.map((tool) => tool.name ?? tool.function.name) : Object.keys(tools);
  }
  return found;
});
