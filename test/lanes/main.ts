// `npm test`: every test file once, in two runs of mocha side by side. Options go to both: `npm test -- --grep renews`.
// `npx mocha FILE` runs one file.
import { environmentOf, type Lane, LANES, testFiles } from './lanes.ts';
import { MochaRun } from './mocha-run.ts';
import { reportOf } from './report.ts';

const options = process.argv.slice(2);
const files = testFiles();
const all: MochaRun[] = [];
let ending: NodeJS.Signals | undefined;
function started(chosen: readonly string[], lane: Lane): MochaRun {
  const run = new MochaRun(chosen, options, environmentOf(lane));
  all.push(run);
  if (ending) run.signal(ending);
  return run;
}
const runs = LANES.map((lane) => ({ name: lane.name, run: started(files.filter(lane.has), lane) }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending = signal;
    for (const run of all) run.signal(signal);
  });
}
// With options that choose tests a lane may have none of them, and whoever chose them looks at each failure himself.
const isWhole = options.length === 0;
const ok = await reportOf(runs, {
  mayBeEmpty: !isWhole,
  write: (text) => process.stdout.write(text),
  ...(isWhole && { again: (failed) => started(failed, LANES[0]!) }),
});
if (!ok) process.exitCode = 1;
