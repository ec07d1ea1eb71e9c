// `npm run soak`: what only time shows, against a whole server, in real time; `npm test` has a short form of each.
// Each soak in turn, its numbers beside their bounds; the exit code is 1 when a bound is broken.
import { parseArgs } from 'node:util';
import { anchors } from './anchors.ts';
import { floodSoaks } from './flood/flood.ts';
import { consoles } from './inventory/console/console.ts';
import { inventories } from './inventory/inventory.ts';
import { outages } from './outage.ts';
import { renewals } from './renewals.ts';
import { replicas } from './replicas/replicas.ts';
import { replicaRotation } from './replicas/rotation.ts';
import { storms } from './storm/storm.ts';
import { upgrades } from './upgrade/upgrade.ts';
import { workerDeaths } from './worker-deaths.ts';
import { broken, type Measured, type Soak } from './soak.ts';

const SOAKS: readonly Soak[] = [
  renewals,
  ...floodSoaks,
  workerDeaths,
  ...storms,
  replicas,
  replicaRotation,
  outages,
  anchors,
  ...upgrades,
  ...inventories,
  consoles,
];

const USAGE = `usage: npm run soak -- [--only NAME] [--seconds N] [--from REVISION] [--ended N --live N]; soaks, each with its seconds: ${SOAKS.map(({ name, seconds }) => `${name} ${seconds}`).join(', ')}`;

function lineOf(measured: Measured): string {
  const { name, value, unit, bound } = measured;
  const verdict = bound === undefined ? '' : ` (bound ${bound})${broken(measured) ? ' BROKEN' : ''}`;
  return `  ${name}: ${Number(value.toFixed(1))} ${unit}${verdict}`;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string' },
    from: { type: 'string' },
    ended: { type: 'string' },
    live: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const chosen = SOAKS.filter(({ name }) => values.only === undefined || name.startsWith(values.only));
const { from, ended, live } = values;
const sizes = ended === undefined || live === undefined ? undefined : { ended: Number(ended), live: Number(live) };
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
if (values.help === true) {
  console.log(USAGE);
} else if (chosen.length === 0 || (seconds !== undefined && !(seconds > 0))) {
  console.error(USAGE);
  process.exitCode = 64;
} else {
  for (const soak of chosen) {
    const lasting = seconds ?? soak.seconds;
    console.log(`${soak.name}: ${lasting} s`);
    const measured = await soak.run({
      seconds: lasting,
      say: (line) => console.log(`  ${line}`),
      ...(from !== undefined && { from }),
      ...(sizes !== undefined && { sizes }),
    });
    for (const one of measured) console.log(lineOf(one));
    if (measured.some(broken)) process.exitCode = 1;
  }
}
