/** A small test runner for a browser page: `window.report` has each test's name and failure when done. */

const tests = [];

export function test(name, run) {
  tests.push({ name, run });
}

export async function runAll() {
  const report = {};
  for (const { name, run } of tests) {
    try {
      await run();
      report[name] = null;
    } catch (error) {
      report[name] = String(error?.stack ?? error);
    }
  }
  window.report = report;
}

export function equal(actual, expected) {
  const [a, b] = [actual, expected].map(canonical);
  if (a !== b) throw new Error(`got ${a}, expected ${b}`);
}

export function same(actual, expected) {
  if (actual !== expected) throw new Error(`not the same: ${canonical(actual)} and ${canonical(expected)}`);
}

export function throws(run, pattern) {
  try {
    run();
  } catch (error) {
    if (!pattern.test(error.message)) throw new Error(`"${error.message}" does not match ${pattern}`);
    return;
  }
  throw new Error(`nothing was thrown; expected ${pattern}`);
}

export async function rejects(promise, code) {
  const error = await promise.then(
    (value) => {
      throw new Error(`resolved with ${canonical(value)}; expected a rejection with ${code}`);
    },
    (rejection) => rejection,
  );
  equal(error.code, code);
  return error;
}

/** Waits, task by task, until the condition holds. */
export async function until(condition, what = condition.toString()) {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resume) => setTimeout(resume));
  }
}

/** JSON with members in order of name, and `undefined` told from `null`. */
function canonical(value) {
  return JSON.stringify(value, (_, part) => {
    if (part === undefined) return "(undefined)";
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(
      Object.keys(part)
        .sort()
        .map((key) => [key, part[key]]),
    );
  });
}
