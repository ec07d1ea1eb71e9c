// A running server whose wall clock is set while it runs; its monotonic clock and its timers are real.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { pemOf, secretsOf } from '../../support/clients/sds-client.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SOON = { withinMs: 30_000 };

const steps = [
  ['an hour', HOUR_MS],
  ['25 hours', 25 * HOUR_MS],
  ['a month', 31 * DAY_MS],
] as const;

describe('A server whose clock is set', () => {
  let files: ServerFiles;
  let server: RunningServer;
  let offsetMs: number;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
  const now = (): number => clock.nowMs();

  beforeEach(async () => {
    offsetMs = 0;
    files = await ServerFiles.create(await testAuthority({ nowMs: Date.now() - 60 * DAY_MS }));
    server = await RunningServer.start({ files, clock });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  for (const [name, stepMs] of steps) {
    for (const [way, sign] of [
      ['forwards', 1],
      ['back', -1],
    ] as const) {
      it(`${name} ${way} serves and gives out what is valid by it within seconds, and is ready`, async () => {
        using envoy = server.envoy();
        const stream = envoy.sotw();
        stream.subscribe('default');
        const first = new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!));
        assert.ok(isValid(first, now()));
        offsetMs = sign * stepMs;
        const renewed = new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!));
        assert.ok(isValid(renewed, now()));
        await eventually('the serving certificate', async () => isValid(await serving(server.tlsPort), now()), SOON);
        await eventually('readiness', async () => (await server.get('/readyz')).status === 200, SOON);
        stream.cancel();
      });
    }
  }

  it('back notes no proof from the future, which would be too old only so much later', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    // To no time that the clock had in another test: it looks once in a while, and would see no step.
    offsetMs = -20 * DAY_MS;
    const renewed = new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!));
    const serial = renewed.serialNumber.toLowerCase().replace(/^0+/, '');
    const record = files.decisions({ outcome: 'issued' }).find((found) => 'serial' in found && found.serial === serial);
    assert.ok(record?.outcome === 'issued' && record.provenAtMs !== undefined);
    assert.ok(record.provenAtMs <= record.timeMs, `${record.provenAtMs - record.timeMs} ms ahead`);
    stream.cancel();
  });

  it('months ahead for a moment has forgotten no ban when it is right again', async () => {
    const revoke = async (...argv: readonly string[]): Promise<void> => {
      const { terminal, error } = recordTerminal();
      const all = ['revoke', ...argv, '--reason', 'a drill', '--data-dir', files.directory];
      const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
      assert.equal(code, 0, error());
    };
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr();
    const request = async (showing: Showing, headers: Readonly<Record<string, string>>): Promise<Outcome> => {
      using client = server.client(showing);
      return await client.call({ csr, headers });
    };
    const authorization = `Bearer ${await files.mint.tokenIn('default', 'demo')}`;
    const stolen = await request({}, { authorization });
    const chainPem = stolen.response?.certChain.slice(0, -1).join('') ?? assert.fail(stolen.details);
    await revoke('--serial', new X509Certificate(chainPem).serialNumber);
    offsetMs = 90 * DAY_MS;
    await revoke('--node', 'worker-3');
    offsetMs = 0;
    const { code, details } = await request({ chainPem, keyPem }, {});
    assert.equal(code, status.PERMISSION_DENIED, details);
    assert.match(details, /^CAP-R01 /);
  });

  it('back to before its issuer hands out nothing from the future, and says why it is not ready', async () => {
    using envoy = server.envoy();
    const held = envoy.sotw();
    held.subscribe('default');
    await held.accept();
    offsetMs = -61 * DAY_MS;
    const late = envoy.delta();
    late.subscribe('default');
    assert.deepEqual((await late.next()).removedResources, ['default']);
    const answer = await server.get('/readyz');
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /the issuer certificate is not valid before/);
    offsetMs = 0;
    await eventually('readiness', async () => (await server.get('/readyz')).status === 200, SOON);
    for (const stream of [held, late]) stream.cancel();
  });
});

function isValid({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
}

async function serving(port: number): Promise<X509Certificate> {
  const socket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });
  try {
    return await new Promise<X509Certificate>((resolve, reject) => {
      socket.once('secureConnect', () => resolve(new X509Certificate(socket.getPeerCertificate(true).raw)));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
  }
}
