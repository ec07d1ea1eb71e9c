// The clock of a server is set while it rotates its trust anchor, by more than the longest certificate lives: what was there is
// there, nothing is done that has no evidence, and it goes on when the clock is right again.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { credentials, status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { CsrWire } from '../../../adapters/grpc/wire.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { AnchorDrill, WITHIN } from '../../support/anchor-drill.ts';
import { RunningServer } from '../../support/running-server.ts';
import { claimsOf } from '../../support/token-mint.ts';

const HOUR_MS = 3_600_000;
const LEAVES = { 'lifetimes.max': '20m', 'lifetimes.default': '20m', 'sds.ttl': '20m' };
const STEPS = [
  ['an hour forwards', HOUR_MS],
  ['an hour back', -HOUR_MS],
] as const;
/** More than two looks of whoever goes on by itself. */
const LOOKS_MS = 6_000;

describe('A rotation while the clock is set', function () {
  this.timeout(240_000);
  let offsetMs: number;
  let drill: AnchorDrill;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
  beforeEach(async () => {
    offsetMs = 0;
    drill = await AnchorDrill.create({ nowMs: Date.now() - 48 * HOUR_MS });
    settings = { ...drill.settingsIn('issuer'), ...LEAVES };
    drill.files.setAnchors(drill.files.pki.root.certificatePem);
    server = await RunningServer.start({ files: drill.files, settings, clock });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    drill[Symbol.dispose]();
  });

  /** By the clock as it is set now. */
  async function ask(name: string): Promise<{ readonly leaf: X509Certificate; readonly anchors: number }> {
    const seconds = Math.floor(clock.nowMs() / 1000);
    const times = { iat: seconds, nbf: seconds - 5, exp: seconds + 3_600 };
    const authorization = `Bearer ${await drill.files.mint.token(name, { ...claimsOf('default', name), ...times })}`;
    // Whose own clock is right, and who would not take the certificate of the server meanwhile.
    const trusting = credentials.createSsl(null, null, null, { rejectUnauthorized: false });
    using client = new CsrWire(`127.0.0.1:${server.tlsPort}`, trusting);
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers: { authorization } });
    assert.equal(code, status.OK, details);
    const chain = response?.certChain ?? [];
    return { leaf: new X509Certificate(chain[0] ?? ''), anchors: (chain.at(-1) ?? '').match(/BEGIN/g)?.length ?? 0 };
  }
  /** What was done; not what was refused. */
  const operations = async (): Promise<string> =>
    (await drill.run('journal', 'operations', '--data-dir', drill.files.directory)).output
      .split('\n')
      .slice(1)
      .filter((line) => !/ refused /.test(line))
      .map((line) => line.replace(/ +/g, ' '))
      .join('\n');

  async function begun(): Promise<void> {
    await drill.start();
    drill.files.setAnchors(drill.files.pki.root.certificatePem + drill.next.root.certificatePem);
    await drill.untilAll(server.tlsPort, { anchors: 'old,new' }, 'api');
  }
  /** `web` does not follow. */
  const until: Readonly<Record<string, () => Promise<void>>> = {
    publish: async () => {
      await ask('web');
      await begun();
    },
    adopt: async () => {
      await begun();
      await ask('web');
      const imported = await drill.importNext(settings);
      assert.equal(imported.code, 0, imported.error);
      await drill.stepDone('advance');
      await drill.untilAll(server.tlsPort, { below: 'new' }, 'api');
    },
    retire: async () => {
      await until['adopt']?.();
      await ask('web');
      await drill.stepDone('retire');
      await drill.untilAll(server.tlsPort, { anchors: 'new' }, 'api');
    },
  };
  const next: Readonly<Record<string, () => Promise<void>>> = {
    publish: async () => {
      await ask('web');
      const imported = await drill.importNext(settings);
      assert.equal(imported.code, 0, imported.error);
      await drill.stepDone('advance');
    },
    adopt: async () => {
      await ask('web');
      await drill.stepDone('retire');
    },
    retire: async () => {
      await ask('web');
      await drill.untilPhase('done');
    },
  };

  for (const [phase, anchors, tried] of [
    ['publish', 2, 'advance'],
    ['adopt', 2, 'retire'],
    ['retire', 1, undefined],
  ] as const) {
    for (const [way, stepMs] of STEPS) {
      it(`${way} in phase ${phase} loses no root, does nothing early, and goes on afterwards`, async () => {
        await until[phase]?.();
        const before = await operations();
        offsetMs = stepMs;
        await clock.sleep(LOOKS_MS, { signal: AbortSignal.timeout(60_000) });
        const { leaf, anchors: sent } = await eventually('it issues by this clock', async () => ask('batch'), WITHIN);
        assert.equal(sent, anchors);
        assert.ok(leaf.validFromDate.getTime() <= clock.nowMs() && clock.nowMs() < leaf.validToDate.getTime());
        if (tried !== undefined) {
          const refused = await drill.anchor([tried, '--reason', 'a drill']);
          assert.notEqual(refused.code, 0);
          assert.match(refused.error, /CAP-O03 .*live workload.*default\/sa\/web \(pod web-0\)/s);
        }
        assert.equal(await drill.phase(), phase);
        assert.equal(await operations(), before);
        offsetMs = 0;
        await ask('batch');
        await next[phase]?.();
      });
    }
  }
});
