// A language model for the tests, with a chat completions API. It answers with numbered words. A test can
// hold the answer to a question after a number of words, see `scriptedModel.ts`.

import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const PORT = Number(process.env.E2E_MODEL_PORT ?? 18_099);
const DEFAULT_WORDS = 12;
/** Interval of the comments that keep the connection of a held answer alive. */
const KEEP_ALIVE_MS = 5_000;

/** A long answer for the measurements of `figures/`: 100 kB in chunks at a fixed rate. */
const PARAGRAPHS = 200;
const CHUNK_CHARACTERS = 100;
const CHUNK_INTERVAL_MS = 10;

/**
 * The number of words that a test has allowed for a question, and the answers that wait for more.
 * @type {Map<string, { total: number, allowed: number, waiting: Set<() => void> }>}
 */
const scripts = new Map();

/**
 * The answers that tests have written.
 * @type {Map<string, string>}
 */
const texts = new Map();

createServer(async (request, response) => {
  if (request.method === "GET") return response.end("{}");
  const body = JSON.parse(await readBody(request));
  if (request.method === "PUT") return response.end(JSON.stringify(setScript(body)));
  if (request.method === "DELETE") return response.end(JSON.stringify(removeScripts()));
  const question = body.messages.at(-1).content;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for await (const content of answerTo(question, response)) {
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
  }
  const usage = { prompt_tokens: 20, completion_tokens: 12 };
  response.write(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }], usage })}\n\n`);
  response.end("data: [DONE]\n\n");
}).listen(PORT, "127.0.0.1");

/** @param {import("node:http").IncomingMessage} request */
async function readBody(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body || "{}";
}

/**
 * @param {string} question
 * @param {import("node:http").ServerResponse} response
 */
function answerTo(question, response) {
  if (/at length/.test(question)) return longAnswer();
  const text = [...texts].find(([scripted]) => question.includes(scripted))?.[1];
  if (text !== undefined) return [text];
  const script = [...scripts].find(([scripted]) => question.includes(scripted))?.[1];
  return script ? scriptedAnswer(script, response) : words(1, DEFAULT_WORDS);
}

/** @param {{ question: string, total: number, allowed: number, text?: string }} body */
function setScript({ question, total, allowed, text }) {
  if (text !== undefined) {
    texts.set(question, text);
    return {};
  }
  const script = scripts.get(question) ?? { total, allowed, waiting: new Set() };
  Object.assign(script, { total, allowed });
  scripts.set(question, script);
  wake(script.waiting);
  return {};
}

function removeScripts() {
  texts.clear();
  const removed = [...scripts.values()];
  scripts.clear();
  for (const script of removed) {
    script.allowed = script.total;
    wake(script.waiting);
  }
  return {};
}

/** @param {Set<() => void>} waiting */
function wake(waiting) {
  for (const resume of [...waiting]) resume();
}

/**
 * @param {number} first
 * @param {number} last
 */
function* words(first, last) {
  for (let word = first; word <= last; word++) yield word === 5 ? "said [1] " : `word${word} `;
}

/**
 * Sends the allowed words, and waits for more until the answer is complete or the client disconnects.
 * @param {{ total: number, allowed: number, waiting: Set<() => void> }} script
 * @param {import("node:http").ServerResponse} response
 */
async function* scriptedAnswer(script, response) {
  const closed = once(response, "close");
  const keepAlive = setInterval(() => response.write(": keep-alive\n\n"), KEEP_ALIVE_MS);
  try {
    for (let sent = 0; sent < script.total && !response.destroyed; ) {
      const last = Math.min(script.allowed, script.total);
      yield* words(sent + 1, last);
      sent = Math.max(sent, last);
      if (sent < script.total) await Promise.race([nextChange(script), closed]);
    }
  } finally {
    clearInterval(keepAlive);
  }
}

/**
 * Resolves when the test allows more words.
 * @param {{ waiting: Set<() => void> }} script
 * @returns {Promise<void>}
 */
function nextChange({ waiting }) {
  return new Promise((resolve) => {
    const resume = () => {
      waiting.delete(resume);
      resolve();
    };
    waiting.add(resume);
  });
}

/** Paragraphs with all kinds of Markdown. Chunks are sent on schedule, however long the sending takes. */
async function* longAnswer() {
  const text = Array.from({ length: PARAGRAPHS }, (_, index) => paragraph(index + 1)).join("");
  const started = Date.now();
  for (let start = 0, sent = 0; start < text.length; start += CHUNK_CHARACTERS) {
    yield text.slice(start, start + CHUNK_CHARACTERS);
    await delay(Math.max(0, started + ++sent * CHUNK_INTERVAL_MS - Date.now()));
  }
}

/** @param {number} number */
function paragraph(number) {
  const prose = `It is said **here** in \`words\` and at length [1], ${"with more and more of them ".repeat(15)}.`;
  const code = '```rust\nfn main() {\n    println!("{}", 1 + 1);\n}\n```\n\n';
  return `### Part ${number}\n\n${prose}\n\n- one of ${number}\n- another\n\n${number % 10 === 0 ? code : ""}`;
}
