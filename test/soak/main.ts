// `npm run soak -- <scenario> [minutes]`: what only time shows, against a whole server, in real time. Too long for
// `npm test`, which has a short form of each. Ends with exit code 1 when something is not as it should be.
import { renewals } from './renewals.ts';

/** @returns what was seen, a line each, and whether it is as it should be. */
export type Scenario = (minutes: number) => Promise<{ readonly lines: readonly string[]; readonly good: boolean }>;

const SCENARIOS: Readonly<Record<string, Scenario>> = { renewals };
const MINUTES = 10;

const [name = '', minutes = String(MINUTES)] = process.argv.slice(2);
const scenario = SCENARIOS[name];
if (scenario === undefined || !(Number(minutes) > 0)) {
  console.error(`Usage: npm run soak -- ${Object.keys(SCENARIOS).join(' | ')} [minutes]`);
  process.exitCode = 64;
} else {
  const { lines, good } = await scenario(Number(minutes));
  console.log(lines.join('\n'));
  process.exitCode = good ? 0 : 1;
}
