// Three servers, one after another on one journal: one whose records the next one deletes, as its retention is short, and one that
// has to keep them for longer. What the first one's heads name a witness has.
import { generateKeyPairSync } from 'node:crypto';
import { SystemClock } from '../../../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../../../src/cli/program.ts';
import { recordTerminal } from '../../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../../support/eventually.ts';
import { RunningServer } from '../../../support/running-server.ts';
import { nested, type ServerFiles } from '../../../support/server-files.ts';

export const DAY_MS = 24 * 3_600_000;
/** When the first one runs: its issuer has to be older. */
export const FIRST_DAYS_AGO = 60;
const SECOND_DAYS_AGO = 30;
const SHORT = { 'journal.retention': '10d', 'authentication.clientCertificates': false };
const LONG = { 'journal.retention': '90d' };
const SOON = { withinMs: 30_000 };

interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** @param more settings of the journal. @returns what the last one says of its heads, and the verifier of its export. */
export async function afterLengthening(
  files: ServerFiles,
  more: Readonly<Record<string, unknown>>,
): Promise<{ readonly readiness: string; readonly verified: Said }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  files.write('heads.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  const settings = {
    ...more,
    'listen.administration.socket': files.path('admin.sock'),
    'audit.keyFile': files.path('heads-key.pem'),
    'audit.headEvery': '1s',
    'audit.witness.file': files.path('witness.jsonl'),
  };
  files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings, ...LONG })));
  await runOnce(files, { ...settings, ...SHORT }, FIRST_DAYS_AGO);
  await runOnce(files, { ...settings, ...SHORT }, SECOND_DAYS_AGO);
  await using server = await RunningServer.start({ files, settings: { ...settings, ...LONG } });
  await headsOf(server);
  const exported = await run(files, 'export', '--sign', '--to', files.path('journal.jsonl'));
  if (exported.code !== 0) throw new Error(exported.error);
  const proofs = ['--key', files.path('heads.pem'), '--witness', files.path('witness.jsonl')];
  const readiness = await (await server.get('/readyz')).text();
  return { readiness, verified: await run(undefined, 'verify', files.path('journal.jsonl'), ...proofs) };
}

/** Until its heads are made, and retention has taken what is of before. */
async function runOnce(
  files: ServerFiles,
  settings: Readonly<Record<string, unknown>>,
  daysAgo: number,
): Promise<void> {
  const clock = new SystemClock({ wallMs: () => Date.now() - daysAgo * DAY_MS });
  const startedMs = clock.nowMs();
  await using server = await RunningServer.start({ files, settings, clock });
  await headsOf(server);
  await eventually('retention took what is old', async () => (await oldestMs(files)) >= startedMs, SOON);
  await server.stop();
}

async function headsOf(server: RunningServer): Promise<void> {
  const isSigned = async () => /^capstan_audit_unsigned_seconds 0$/m.test(await (await server.get('/metrics')).text());
  await eventually('a head is made', isSigned, SOON);
}

async function oldestMs(files: ServerFiles): Promise<number> {
  const { out } = await run(files, 'list', '--issued', '--output', 'json');
  return Math.min(...(JSON.parse(out) as readonly { readonly time: string }[]).map(({ time }) => Date.parse(time)));
}

async function run(files: ServerFiles | undefined, ...words: readonly string[]): Promise<Said> {
  const { terminal, out, error } = recordTerminal();
  const named = files === undefined ? [] : ['--config', files.path('capstan.json')];
  const code = await runCli(['journal', ...words, ...named], {
    terminal,
    environment: {},
    signal: new AbortController().signal,
  });
  return { code, out: out(), error: error() };
}
