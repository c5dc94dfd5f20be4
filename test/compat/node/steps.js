/**
 * What the scripts of the Node clients share: steps that tell their outcome, one JSON line each, and a way to ask for a restart
 * of the server. Everything told must be the same on every server: no session ids, no times, zxids only as distances.
 */
import { createInterface } from 'node:readline';

/** A session outlives the start of a JVM on a busy machine. */
export const SESSION_MS = 20_000;
const WAIT_MS_MAX = 15_000;
const SECTION_MS_MAX = 60_000;
const input = createInterface({ input: process.stdin });

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** A function that tells what a step returned, or the code of the error that it was refused with. */
export const section = (name) => async (step, call) => {
  let result;
  try {
    result = await call();
  } catch (error) {
    result = { error: error.code ?? error.name, message: String(error.message).slice(0, 200) };
  }
  tell({ section: name, step, result: plain(result) });
  return result;
};

/** Rejects when a step has not ended in time: clients lose answers. */
const silence = async (step) => {
  await pause(WAIT_MS_MAX);
  throw new Error(`${step}: no answer`);
};

const plain = (value) => {
  if (value === undefined) return 'nothing';
  if (Buffer.isBuffer(value))
    return value.length < 200 ? `text ${value.toString()}` : `${value.length} bytes`;
  if (Array.isArray(value)) return value.map(plain);
  return value;
};

/** Has the server killed and started again on the same files. */
export const restartServer = () => {
  const done = new Promise((resolve) => input.once('line', resolve));
  tell({ ask: 'restart' });
  return done;
};

/** Waits for a condition, and throws when it does not come true. */
export const until = async (condition, what) => {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await pause(20);
  }
};

export const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Runs the sections in turn; one that breaks off says so. */
export const runSections = async (sections) => {
  for (const [name, body] of Object.entries(sections)) {
    const say = section(name);
    try {
      await Promise.race([body(say), pause(SECTION_MS_MAX).then(() => silence(name))]);
    } catch (error) {
      tell({ section: name, step: 'the section itself', result: String(error.stack) });
    }
  }
  input.close();
  process.exit(0);
};
