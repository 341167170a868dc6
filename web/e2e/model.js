// A language model's server that says what the stories want: word by word, slowly when the question asks for it.

import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const PORT = Number(process.env.E2E_MODEL_PORT ?? 18_099);
const WORDS = 120;
const SLOW_MS = 60;
const QUICK_MS = 20;

createServer(async (request, response) => {
  if (request.method === "GET") return response.end("{}");
  let body = "";
  for await (const chunk of request) body += chunk;
  const { messages } = JSON.parse(body);
  const slowly = /slowly/.test(messages.at(-1).content);
  response.writeHead(200, { "content-type": "text/event-stream" });
  /** @param {object} part */
  const send = (part) => response.write(`data: ${JSON.stringify(part)}\n\n`);
  for (let word = 1; word <= (slowly ? WORDS : 12) && !response.destroyed; word++) {
    send({ choices: [{ delta: { content: word === 5 ? "said [1] " : `word${word} ` } }] });
    await pause(slowly ? SLOW_MS : QUICK_MS);
  }
  send({ choices: [{ delta: {}, finish_reason: "stop" }], usage: { prompt_tokens: 20, completion_tokens: 12 } });
  response.end("data: [DONE]\n\n");
}).listen(PORT, "127.0.0.1");
