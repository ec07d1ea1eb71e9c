// A running server and a collector of OpenTelemetry logs: what is decided, and what operators do, is told as it is on record.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { BadCollector } from '../../../adapters/telemetry/bad-collector.ts';
import { OtlpCollector } from '../../../adapters/telemetry/otlp-collector.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, spiffe } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { nested, ServerFiles } from '../../support/server-files.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const DROPPED = /^capstan_log_records_dropped_total [1-9]/m;
/** A pod has 30 s to its end unless somebody says otherwise. */
const STOPS_WITHIN_MS = 20_000;
const SOON = { withinMs: 30_000 };

describe('A server with a collector of logs', () => {
  let files: ServerFiles;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings })));
  });
  afterEach(() => files[Symbol.dispose]());

  async function ask(server: RunningServer, name: string) {
    using client = server.client({});
    const token = await files.mint.token();
    const csr = (await buildCsr({ names: [spiffe(name)] })).pem;
    const { code } = await client.call({ csr, headers: { authorization: `Bearer ${token}` } });
    return { code, token, csr };
  }

  it('tells it every decision and every act, and no token and no CSR', async () => {
    await using collector = await OtlpCollector.start();
    await using server = await RunningServer.start({
      files,
      settings: { 'telemetry.logs.endpoint': collector.endpoint },
    });
    const issued = await ask(server, DEMO);
    const refused = await ask(server, 'spiffe://cluster.local/ns/default/sa/other');
    assert.equal(issued.code, status.OK);
    assert.notEqual(refused.code, status.OK);
    const { terminal, error } = recordTerminal();
    const words = ['revoke', '--identity', DEMO, '--reason', 'a test', '--config', files.path('capstan.json')];
    assert.equal(await runCli(words, { terminal, environment: {}, signal: new AbortController().signal }), 0, error());
    const has = (event: string, wanted: Readonly<Record<string, unknown>>): boolean =>
      collector.told.some(
        (one) => one.event === event && Object.entries(wanted).every(([name, value]) => one.attributes[name] === value),
      );
    await eventually('the certificate', () => has('capstan.decision', { outcome: 'issued', identity: DEMO }), SOON);
    await eventually('the refusal', () => has('capstan.decision', { outcome: 'refused', caller: DEMO }), SOON);
    await eventually('the act', () => collector.told.some(({ event }) => event === 'capstan.operation'), SOON);
    const act = collector.told.find(({ event }) => event === 'capstan.operation');
    const { actor, role, reason } = act?.attributes['details'] as Readonly<Record<string, unknown>>;
    assert.deepEqual([actor, role, reason], ['local', 'security', 'a test']);
    const all = collector.bodies.join('');
    for (const { token, csr } of [issued, refused]) {
      assert.ok(!all.includes(token.slice(-40)));
      assert.ok(!all.includes(csr.split('\n')[1] ?? csr));
    }
  });

  it('issues as without one while it is away, and counts what it did not get', async () => {
    await using server = await RunningServer.start({
      files,
      settings: { 'telemetry.logs.endpoint': 'http://127.0.0.1:9/v1/logs' },
    });
    assert.equal((await ask(server, DEMO)).code, status.OK);
    await eventually(
      'what was dropped is counted',
      async () => DROPPED.test(await (await server.get('/metrics')).text()),
      SOON,
    );
    assert.equal((await server.get('/readyz')).status, 200);
  });

  for (const bad of ['never answers', 'answers its head by single bytes'] as const) {
    it(`issues beside one that ${bad}, counts what it did not get, and stops in time`, async () => {
      await using collector = await BadCollector.start(bad);
      const server = await RunningServer.start({
        files,
        settings: {
          'telemetry.logs.endpoint': `${collector.origin}/v1/logs`,
          'telemetry.traces.endpoint': `${collector.origin}/v1/traces`,
          'telemetry.traces.sampleRatio': 1,
        },
      });
      const stopped = server[Symbol.asyncDispose].bind(server);
      try {
        assert.equal((await ask(server, DEMO)).code, status.OK);
        const isCounted = async () => DROPPED.test(await (await server.get('/metrics')).text());
        await eventually('what was dropped is counted', isCounted, SOON);
        assert.equal((await ask(server, DEMO)).code, status.OK);
        assert.equal((await server.get('/readyz')).status, 200);
      } finally {
        const beganMs = performance.now();
        await stopped();
        assert.ok(performance.now() - beganMs < STOPS_WITHIN_MS);
      }
      // The process could not end beside one.
      await eventually('no connection is left', async () => (await collector.open()) === 0, SOON);
    });
  }
});
