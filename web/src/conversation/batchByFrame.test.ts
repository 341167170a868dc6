import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batchByFrame } from "./batchByFrame";

let frames: (() => void)[] = [];

beforeEach(() => {
  frames = [];
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
  vi.stubGlobal("cancelAnimationFrame", () => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const nextFrame = () => {
  for (const callback of frames.splice(0)) callback();
};

describe("items of a stream", () => {
  it("are passed on once per frame, in order", () => {
    const apply = vi.fn(() => false);
    const batches = batchByFrame<number>(apply);
    batches.add(1);
    batches.add(2);
    expect(apply).not.toHaveBeenCalled();
    nextFrame();
    batches.add(3);
    nextFrame();
    expect(apply.mock.calls).toEqual([[[1, 2]], [[3]]]);
  });

  it("are passed on after a delay if the page has no frames", () => {
    const apply = vi.fn(() => false);
    batchByFrame<number>(apply).add(1);
    vi.advanceTimersByTime(250);
    expect(apply.mock.calls).toEqual([[[1]]]);
  });

  it("are passed on immediately by a flush", () => {
    const apply = vi.fn(() => false);
    const batches = batchByFrame<number>(apply);
    batches.add(1);
    batches.flush();
    batches.flush();
    expect(apply.mock.calls).toEqual([[[1]]]);
  });

  it("report the result of a batch with the next item", () => {
    const batches = batchByFrame<number>(() => true);
    expect(batches.add(1)).toBe(false);
    nextFrame();
    expect(batches.add(2)).toBe(true);
    expect(batches.add(3)).toBe(false);
  });
});
