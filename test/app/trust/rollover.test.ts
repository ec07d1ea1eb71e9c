// An issuer with a CA above it that signs by itself, at a real server, by real time.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { RenewingAgent } from '../../support/clients/renewing-agent.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { FakeUpstream, keyAskedFor } from '../../support/upstream/fake-upstream.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const AGENTS = 4;
const IN_TIME = { withinMs: 60_000 };

const settingsIn = (files: ServerFiles) => ({
  'issuer.chainFile': undefined,
  'issuer.keyFile': undefined,
  'issuer.directory': files.path('issuer'),
  'lifetimes.max': '50s',
  'lifetimes.default': '50s',
  // OpenSSL looks at time(2), which lags some milliseconds behind the clock that issues: the second before has to do.
  'lifetimes.backdate': '1s',
  'sds.ttl': '50s',
  'serving.ttl': '50s',
});

describe('An issuer with an upstream', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  let upstream: FakeUpstream;
  beforeEach(async () => {
    files = await ServerFiles.create();
    upstream = new FakeUpstream(files.pki.root);
  });
  afterEach(() => files[Symbol.dispose]());

  const inForce = (): X509Certificate => new X509Certificate(readFileSync(path.join(files.path('issuer'), 'tls.crt')));

  async function issuer(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const all = ['issuer', ...argv, '--data-dir', files.directory];
    const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(120_000) });
    return { code, output: out(), error: error() };
  }

  /** Sidecars that renew by the certificate that they have, each on a new connection, until they are told to stop. */
  async function underLoad(server: RunningServer, work: () => Promise<void>): Promise<readonly number[]> {
    const anchors = files.pki.root.certificatePem;
    let over = false;
    const counts = Array.from({ length: AGENTS }, async (_, index) => {
      const account = `agent-${index}`;
      using agent = new RenewingAgent(server.tlsPort, anchors, `spiffe://cluster.local/ns/default/sa/${account}`);
      const first = await agent.renew(await files.mint.tokenIn('default', account));
      assert.equal(first.code, 0, first.message);
      let renewed = 0;
      while (!over) {
        agent.restart();
        const { code, message } = await agent.renew();
        assert.equal(code, 0, message);
        renewed += 1;
      }
      return renewed;
    });
    const all = Promise.all(counts);
    all.catch(() => undefined);
    try {
      await Promise.race([work(), all]);
    } finally {
      over = true;
    }
    return all;
  }

  async function signsWith(server: RunningServer, wanted: () => X509Certificate): Promise<void> {
    const signer = async () => (await server.ask('default', 'demo')).response?.certChain[1]?.trim();
    await eventually('it signs', async () => (await signer()) === wanted().toString().trim(), IN_TIME);
  }

  it('gets its first certificate at the first start, and is live and not ready while its CA does not sign', async () => {
    upstream.problem = 'the fake CA is sealed: unseal it';
    const http = `127.0.0.1:${await freePort()}`;
    const settings = { ...settingsIn(files), 'listen.http.address': http };
    const starting = RunningServer.start({ files, settings, upstream });
    starting.catch(() => undefined);
    await eventually('it is asked twice', () => upstream.asked.length >= 2, IN_TIME);
    const ready = await fetch(`http://${http}/readyz`, { signal: AbortSignal.timeout(30_000) });
    assert.equal(ready.status, 503);
    assert.match(
      await ready.text(),
      /issuer default, since .*: the fake CA is sealed: unseal it; nothing is signed before/,
    );
    assert.equal((await fetch(`http://${http}/healthz`, { signal: AbortSignal.timeout(30_000) })).status, 200);
    upstream.problem = undefined;
    await using server = await starting;
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
    assert.equal(new Set(upstream.asked.map(({ csrPem }) => keyAskedFor(csrPem))).size, 1, 'one key is asked for');
    assert.match(inForce().subject, /Capstan issuer default/);
  });

  it('rolls over by itself, while those who renew notice nothing', async () => {
    // The fake CA dates a minute back: of 100 s a half is over before the first leaf, five sixths 23 s later.
    const rollover = { lifetime: 40_000, prepareAt: 0.62, activateAt: 0.7 };
    const settings = { ...settingsIn(files), ...SHORT_LEAVES };
    await using server = await RunningServer.start({ files, settings, upstream, rollover });
    const first = inForce();
    const renewed = await underLoad(server, async () => {
      await eventually('another one is in force', () => inForce().serialNumber !== first.serialNumber, IN_TIME);
      await signsWith(server, () => inForce());
    });
    assert.ok(Math.min(...renewed) > 0);
    const { output } = await issuer('show', 'default');
    assert.match(output, /preparing +prepared +capstan +62 % of the life of certificate [0-9a-f]{16} are over/);
    assert.match(output, /prepared +active +capstan +70 % of the life/);
    assert.match(output, /active +retiring +capstan/);
    assert.match(
      await (await server.get('/metrics')).text(),
      /^capstan_issuer_rollover_due_seconds\{issuer="default",step="(ask|activate)"\} \d/m,
    );
  });

  it('is rotated by a command, in two steps or in one, while those who renew notice nothing', async () => {
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const first = inForce();
    await underLoad(server, async () => {
      const prepared = await issuer('rotate', 'default', '--reason', 'a drill');
      assert.equal(prepared.code, 0, prepared.error);
      assert.match(
        prepared.output,
        /^Certificate [0-9a-f]{16} is prepared for issuer default; [0-9a-f]{16} signs until/,
      );
      assert.equal(inForce().serialNumber, first.serialNumber);
      assert.match((await issuer('list')).output, /^default +prepared /m);
      const activated = await issuer('rotate', 'default', '--activate', '--reason', 'a drill');
      assert.match(activated.output, /^Issuer default signs with certificate [0-9a-f]{16} from now on\.$/m);
      assert.notEqual(inForce().serialNumber, first.serialNumber);
      await signsWith(server, () => inForce());
    });
    assert.match((await issuer('show', 'default')).output, /prepared +active +local +a drill/);
    assert.equal(upstream.asked.length, 2);
  });

  it('says to who rotates it what its CA answered, and signs on', async () => {
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    upstream.problem = 'the fake CA is sealed: unseal it';
    const { code, error } = await issuer('rotate', 'default', '--reason', 'a drill');
    assert.equal(code, 69);
    assert.match(error, /issuer default was not rotated: CAP-S16 .*: the fake CA is sealed: unseal it/);
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
  });

  it('names what its CA sent and the rule that it breaks, and no file', async () => {
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const first = inForce();
    // Beyond the end of the root.
    upstream.lifetimeMs = 36_500 * 86_400_000;
    const { code, error } = await issuer('rotate', 'default', '--reason', 'a drill');
    assert.equal(code, 69);
    assert.match(
      error,
      /CAP-S16 .*: the fake CA sent what is not taken: the certificate has another lifetime than it needs: .* after its trust anchor/,
    );
    assert.ok(!error.includes(files.directory), error);
    assert.equal(inForce().serialNumber, first.serialNumber);
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
  });

  it('goes on when its folder is removed while it runs: by a command it has another certificate, and knows that leaves of the former live', async () => {
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const first = inForce();
    rmSync(files.path('issuer'), { recursive: true });
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
    const { code, error } = await issuer('rotate', 'default', '--activate', '--reason', 'a drill');
    assert.equal(code, 0, error);
    assert.notEqual(inForce().serialNumber, first.serialNumber);
    await signsWith(server, () => inForce());
    const states = (await issuer('list')).output.trim().split('\n').slice(1);
    assert.deepEqual(states.map((line) => / (active|retiring) /.exec(line)?.[1]).sort(), ['active', 'retiring']);
  });

  it('replaces a certificate that is tainted at once', async () => {
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const first = inForce();
    const tainted = await issuer('taint', 'default', '--reason', 'the key leaked', '--force');
    assert.equal(tainted.code, 0, tainted.error);
    const isAnother = (): boolean => inForce().serialNumber !== first.serialNumber;
    await eventually('another one is in force', isAnother, { withinMs: 20_000 });
    await signsWith(server, () => inForce());
  });

  it('is started while its certificate is tainted and its CA away: up and not ready, and well as soon as that signs', async () => {
    const before = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const first = inForce();
    upstream.problem = 'the fake CA is sealed: unseal it';
    assert.equal((await issuer('taint', 'default', '--reason', 'the key leaked', '--force')).code, 0);
    await before.stop();
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    assert.equal((await server.get('/readyz')).status, 503);
    const why = async () => (await (await server.get('/readyz')).text()).includes('the fake CA is sealed: unseal it');
    await eventually('it says what its CA answered', why, IN_TIME);
    assert.match((await issuer('list')).output, /^default \(default\) +tainted /m);
    upstream.problem = undefined;
    await signsWith(server, () => inForce());
    assert.notEqual(inForce().serialNumber, first.serialNumber);
    assert.equal((await server.get('/readyz')).status, 200);
  });

  it('goes on with what is in its folder after a restart, and asks nobody', async () => {
    const first = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    const { serialNumber } = inForce();
    await first[Symbol.asyncDispose]();
    upstream.problem = 'away';
    await using server = await RunningServer.start({ files, settings: settingsIn(files), upstream });
    assert.equal(inForce().serialNumber, serialNumber);
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
    assert.equal(upstream.asked.length, 1);
  });
});

/** For which an intermediate of a minute and a half lives long enough. */
const SHORT_LEAVES = { 'lifetimes.max': '15s', 'lifetimes.default': '15s', 'sds.ttl': '15s', 'serving.ttl': '15s' };
