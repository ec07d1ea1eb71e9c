// The key of heads of an installed server, as docs/audit.md has it mounted: what it signs is proven by the public half.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { headsValues, type Values } from '../support/chart.ts';
import { ChartPod } from './support/chart-pod.ts';

const SOON = { withinMs: 60_000, everyMs: 100 };

describe('A server of the chart with a key of heads', function () {
  this.timeout(120_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  it('signs heads with the key in the Secret that its values mount', async () => {
    await using ended = new AsyncDisposableStack();
    const files = ended.use(await ServerFiles.create());
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    // A file on a volume, where there is no server that witnesses.
    const file = '/var/lib/capstan/witnessed.jsonl';
    const { config, ...mounted } = headsValues() as Values & {
      readonly config: { readonly audit: { readonly keyFile: string } };
    };
    const { keyFile } = config.audit;
    const values = { ...mounted, config: { audit: { keyFile, headEvery: '10s', witness: { file } } } };
    const pod = await ChartPod.installed(values, files, { 'capstan-heads': { 'heads-key.pem': pem } });
    await pod.start(ended);
    const head = await eventually('a head', () => witnessed(files.path(file)), SOON);
    assert.match(head, /"kind":"head"/);
  });
});

function witnessed(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8') || undefined;
  } catch {
    return undefined;
  }
}
