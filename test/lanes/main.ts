// `npm test`: every test file once, in two runs of mocha side by side. Options go to both: `npm test -- --grep renews`.
// `npx mocha FILE` runs one file.
import { environmentOf, LANES, testFiles } from './lanes.ts';
import { MochaRun } from './mocha-run.ts';
import { reportOf } from './report.ts';

const options = process.argv.slice(2);
const files = testFiles();
const runs = LANES.map((lane) => ({
  name: lane.name,
  run: new MochaRun(files.filter(lane.has), options, environmentOf(lane)),
}));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const { run } of runs) run.signal(signal);
  });
}
// With options that choose tests a lane may have none of them.
const ok = await reportOf(runs, { mayBeEmpty: options.length > 0, write: (text) => process.stdout.write(text) });
if (!ok) process.exitCode = 1;
