// Controls the language model of the tests, `model.js`: a test can hold an answer and allow it to continue.

const MODEL_URL = `http://127.0.0.1:${process.env.E2E_MODEL_PORT ?? 18_099}/`;

/** The number of words of a held answer. */
export const TOTAL_WORDS = 120;

export class ScriptedModel {
  /**
   * Answers to this question stop after a number of words, until the test allows more. Call before asking.
   */
  async hold(question: string, words: number): Promise<void> {
    await this.#send("PUT", { question, total: TOTAL_WORDS, allowed: words });
  }

  /** Lets the answers to a question continue up to a number of words. */
  async allow(question: string, words: number): Promise<void> {
    await this.hold(question, words);
  }

  /** Lets the answers to a question continue to their end. */
  async release(question: string): Promise<void> {
    await this.hold(question, TOTAL_WORDS);
  }

  /** Sets the answer to a question. Call before asking. */
  async answer(question: string, text: string): Promise<void> {
    await this.#send("PUT", { question, text });
  }

  /** Lets all answers continue to their end, and forgets all questions. */
  async reset(): Promise<void> {
    await this.#send("DELETE", {});
  }

  async #send(method: string, body: object): Promise<void> {
    const response = await fetch(MODEL_URL, { method, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the model answered with status ${response.status}`);
  }
}
