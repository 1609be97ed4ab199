// What the scripts share: the demo's facts, steps with names, and waiting with a deadline.
import { readFileSync } from "node:fs";

const PATIENCE = 30_000;
let steps = 0;

/// No script takes this long.
setTimeout(() => {
  console.error(`it takes too long, after ${steps} steps`);
  process.exit(1);
}, 8 * PATIENCE).unref();

/// The line that `careline demo --json` printed: the first argument, or standard input.
const line = JSON.parse(process.argv[2] ?? readFileSync(0, "utf8"));
export const told = () => line;

/// Asks again and again until something is there.
export async function within(what, look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`this never came: ${what}`);
    await new Promise((go) => setTimeout(go, 30));
  }
}

/// Runs one step; the first that fails ends the script and says what the client said.
export async function step(name, run) {
  try {
    await run();
    steps += 1;
  } catch (error) {
    console.error(`${name}: ${error?.stack ?? error}`);
    if (error?.data) console.error(JSON.stringify(error.data));
    process.exit(1);
  }
}

/// What has no API on the platforms goes by the demo's control address.
export async function control(path, body) {
  const answer = await fetch(`${told().control}/${path}`, body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/// The last line tells how many steps were taken, so that a test sees an early end.
export function done(name) {
  console.log(`${name}: ${steps} steps`);
  process.exit(0);
}
