// A language model's server that says what the stories want: word by word, slowly or at length when the question asks for it.

import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const PORT = Number(process.env.E2E_MODEL_PORT ?? 18_099);
const WORDS = 120;
const FEW_WORDS = 12;
const SLOW_MS = 60;
const QUICK_MS = 20;
/** What an answer at length is made of: this many paragraphs in pieces of as many characters, a piece each so often. */
const PARAGRAPHS = 200;
const PIECE = 100;
const PIECE_MS = 10;

createServer(async (request, response) => {
  if (request.method === "GET") return response.end("{}");
  let body = "";
  for await (const chunk of request) body += chunk;
  const question = JSON.parse(body).messages.at(-1).content;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for await (const content of /at length/.test(question) ? atLength() : words(/slowly/.test(question))) {
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
  }
  const usage = { prompt_tokens: 20, completion_tokens: 12 };
  response.write(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }], usage })}\n\n`);
  response.end("data: [DONE]\n\n");
}).listen(PORT, "127.0.0.1");

/** @param {boolean} slowly */
async function* words(slowly) {
  for (let word = 1; word <= (slowly ? WORDS : FEW_WORDS); word++) {
    yield word === 5 ? "said [1] " : `word${word} `;
    await pause(slowly ? SLOW_MS : QUICK_MS);
  }
}

/** Some 100 kB with what Markdown has, on time whatever the sending itself takes. */
async function* atLength() {
  const text = Array.from({ length: PARAGRAPHS }, (_, index) => paragraph(index + 1)).join("");
  const began = Date.now();
  for (let at = 0, sent = 0; at < text.length; at += PIECE) {
    yield text.slice(at, at + PIECE);
    await pause(Math.max(0, began + ++sent * PIECE_MS - Date.now()));
  }
}

/** @param {number} number */
function paragraph(number) {
  const said = `It is said **here** in \`words\` and at length [1], ${"with more and more of them ".repeat(15)}.`;
  const code = '```rust\nfn main() {\n    println!("{}", 1 + 1);\n}\n```\n\n';
  return `### Part ${number}\n\n${said}\n\n- one of ${number}\n- another\n\n${number % 10 === 0 ? code : ""}`;
}
