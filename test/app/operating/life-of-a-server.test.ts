import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type DetailedPeerCertificate } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { buildCsr, testAuthority } from '../../support/certificates.ts';
import { pemOf, SdsClient, secretsOf } from '../../support/clients/sds-client.ts';
import { ChildServer } from '../support/child-server.ts';
import { KeyServer } from '../support/key-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';
import { assertNothingSpilled } from '../support/spilled-secrets.ts';
import { TOKEN_ISSUER } from '../support/token-mint.ts';

/** Less than the half minute after which files are read again in any case. */
const SOON = { withinMs: 30_000 };
/** Enough for hundreds of answers; less than the journal waits for a lock. */
const LOCKED_MS = 300;
const NO_SOCKETS = { 'sds.sockets': [] };

describe('A server that cannot open its listeners', () => {
  let files: ServerFiles;
  let first: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    first = await RunningServer.start({ files });
  });
  after(async () => {
    await first[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  it('says which address is taken', async () => {
    const addresses = {
      'listen.tls.address': first.report.tlsAddress,
      'listen.http.address': first.report.httpAddress,
    };
    for (const [key, address] of Object.entries(addresses)) {
      await refusesToStart({ [key]: address, ...NO_SOCKETS }, new RegExp(`${address} is already in use`));
    }
  });

  it('says which socket is taken, leaves it to the server that has it, and serves the rest', async () => {
    const beside = new RegExp(`${files.socket('demo')} is already in use`);
    const journal = { 'journal.store': files.path('second.db'), 'policy.bundle.stateFile': files.path('second.json') };
    await using second = await RunningServer.start({ files, settings: journal });
    assert.match(JSON.stringify(second.report.troubled), beside);
    const { ready, degraded } = (await (await second.get('/readyz')).json()) as { ready: boolean; degraded: unknown };
    assert.equal(ready, true);
    assert.match(JSON.stringify(degraded), beside);
    assert.equal((await ask(second)).code, status.OK);
    using envoy = first.envoy();
    const stream = envoy.sotw();
    stream.subscribe('ROOTCA');
    assert.equal(secretsOf(await stream.next()).length, 1);
    stream.cancel();
  });

  it('says that another server has its journal, and leaves that one to it', async () => {
    const free = { 'listen.tls.address': '127.0.0.1:0', 'listen.http.address': '127.0.0.1:0' };
    const journal = { 'journal.store': files.path('journal.db') };
    await refusesToStart({ ...free, ...journal, ...NO_SOCKETS }, /journal\.db is in use by another Capstan/);
    assert.equal((await first.get('/readyz')).status, 200);
    assert.ok(files.decisions().length > 0);
  });

  it('says which file is missing or broken', async () => {
    const broken: readonly (readonly [string, RegExp])[] = [
      ['issuer.keyFile', /no-such-file does not exist/],
      ['issuer.chainFile', /no-such-file does not exist/],
      ['trustAnchors.file', /no-such-file does not exist/],
      ['policy.bundle.file', /no-such-file does not exist/],
      ['policy.directory', /no-such-file does not exist/],
    ];
    for (const [key, words] of broken) {
      await refusesToStart({ [key]: files.path('no-such-file'), ...NO_SOCKETS }, words);
    }
    files.write('broken.pem', 'not a certificate');
    await refusesToStart({ 'trustAnchors.file': files.path('broken.pem'), ...NO_SOCKETS }, /broken\.pem/);
  });

  async function refusesToStart(settings: Readonly<Record<string, unknown>>, words: RegExp): Promise<void> {
    const own = { 'journal.store': files.path('second.db') };
    const start = RunningServer.start({ files, settings: { ...own, ...settings } });
    await assert.rejects(start, (error: Error) => {
      assert.match(error.message, /^CAP-X03 /);
      assert.match(error.message, words);
      return true;
    });
  }
});

describe('A running server', () => {
  let server: RunningServer;
  let files: ServerFiles;
  before(async () => {
    // Certificates so short that the serving one renews within the tests.
    server = await RunningServer.start({
      settings: { 'serving.ttl': '8s', 'lifetimes.backdate': '1s', 'sds.rotationSpread': '0s' },
    });
    ({ files } = server);
  });
  after(async () => server[Symbol.asyncDispose]());

  it('is alive and ready, and says what it decided', async () => {
    assert.equal((await ask(server)).code, status.OK);
    assert.deepEqual(await (await server.get('/healthz')).json(), { status: 'alive' });
    assert.deepEqual(await (await server.get('/readyz')).json(), { ready: true });
    const metrics = await (await server.get('/metrics')).text();
    assert.match(metrics, /^capstan_decisions_total\{[^}]*api="csr"[^}]*outcome="issued"[^}]*\} 1$/m);
    for (const part of ['server', 'listeners', 'journal', 'issuer', 'sds-sockets']) {
      assert.match(metrics, new RegExp(`^capstan_part_ready\\{part="${part}"\\} 1$`, 'm'));
      assert.match(metrics, new RegExp(`^capstan_part_degraded\\{part="${part}"\\} 0$`, 'm'));
    }
  });

  it('renews its own certificate, and no connection notices', async () => {
    using client = server.client();
    const former = (await handshake(server)).serialNumber;
    const renewed = await eventually(
      'another certificate',
      async () => {
        assert.equal((await askThrough(client, server)).code, status.OK);
        const { serialNumber } = await handshake(server);
        return serialNumber === former ? undefined : serialNumber;
      },
      SOON,
    );
    assert.notEqual(renewed, former);
    const peers = files
      .decisions({ outcome: 'issued' })
      .filter(({ api }) => api === 'csr')
      .slice(0, 2);
    assert.equal(peers[0]?.remoteAddress, peers[1]?.remoteAddress, 'the connection is the same');
  });

  it('heeds a new policy at once', async () => {
    assert.equal((await ask(server, 'team-a')).code, status.PERMISSION_DENIED);
    files.setPolicy([...POLICY, { namespaces: ['team-*'] }]);
    await eventually('team-a is allowed', async () => (await ask(server, 'team-a')).code === status.OK, SOON);
    files.setPolicy(POLICY);
    await eventually('team-a is not allowed', async () => (await ask(server, 'team-a')).code !== status.OK, SOON);
  });

  it('keeps the last good policy through a broken edit, and says what is wrong with it', async () => {
    await ask(server);
    const { policyRevision } = files.decisions({ outcome: 'issued' })[0]!;
    files.write('policies/broken.yaml', 'spec: [mode: enforce');
    // A bundle that was read between it and its signature may have been reported before.
    const reported = () => files.logged('reloadFailed').filter(({ source }) => source === 'policy');
    await eventually('the broken edit is reported', () => reported().length > 0, SOON);
    assert.match(String(reported()[0]!['problem']), /broken\.yaml:1:\d+/);
    assert.equal((await ask(server)).code, status.OK);
    assert.equal((await ask(server, 'team-a')).code, status.PERMISSION_DENIED);
    assert.equal(files.decisions({ outcome: 'issued' })[0]?.policyRevision, policyRevision);
    assert.equal((await server.get('/readyz')).status, 200);
    files.setLocal('broken.yaml');
  });

  it('goes over to a new issuer: new certificates, its own too, and those that Envoy has', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    const next = await testAuthority({ root: files.pki.root });
    files.useIssuer(next);
    await eventually(
      'the new issuer signs',
      async () => {
        const { response } = await ask(server);
        return response?.certChain[1] === next.intermediate.certificatePem;
      },
      SOON,
    );
    const [, intermediate] = certificatesIn(pemOf(secretsOf(await stream.accept())[0]!));
    assert.equal(intermediate?.fingerprint256, new X509Certificate(next.intermediate.certificatePem).fingerprint256);
    await eventually(
      'its own certificate',
      async () => {
        const { issuerCertificate } = await handshake(server);
        return issuerCertificate.fingerprint256 === intermediate.fingerprint256;
      },
      SOON,
    );
    stream.cancel();
  });

  it('tells Envoy of another anchor at once, and each in the same bytes', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('ROOTCA');
    const first = await stream.accept();
    const { root } = await testAuthority();
    files.setAnchors(files.pki.root.certificatePem + root.certificatePem);
    const second = await stream.accept();
    assert.equal(certificatesIn(pemOf(secretsOf(second)[0]!)).length, 2);
    assert.notEqual(second.versionInfo, first.versionInfo);
    files.setAnchors(files.pki.root.certificatePem);
    const third = await stream.accept();
    assert.equal(third.versionInfo, first.versionInfo);
    stream.cancel();
  });

  it('writes down no token, no key and no CSR, whatever it does', async () => assertNothingSpilled(server));
});

describe('A server that is told to stop', () => {
  it('is not ready at once, ends streams, finishes what is in flight, and is gone', async () => {
    await using keys = await KeyServer.start();
    await using server = await RunningServer.start({
      settings: { 'authentication.tokens.issuers': [{ issuer: TOKEN_ISSUER, keys: { url: keys.url } }] },
    });
    using client = server.client();
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('ROOTCA');
    await stream.accept();
    const inFlight = askThrough(client, server);
    await keys.asked();

    const stopped = server.stop();
    const { code, details } = await stream.ended;
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S03 /);
    const unready = await server.get('/readyz');
    assert.equal(unready.status, 503);
    assert.match(await unready.text(), /the server is shutting down/);
    assert.equal((await server.get('/healthz')).status, 200);
    assert.equal((await ask(server)).code, status.UNAVAILABLE, 'nobody new is let in');

    keys.answer(200, await server.files.mint.jwks());
    assert.equal((await inFlight).code, status.OK);
    await stopped;
    await assert.rejects(server.get('/readyz'), 'the last listener is closed');
    assert.deepEqual(
      server.files.logged('lifecycle').map(({ phase }) => phase),
      ['starting', 'ready', 'draining'],
    );
    assert.deepEqual(server.files.logged('unexpected'), []);
  });

  it('does not wait beyond its deadline for what never ends', async () => {
    await using keys = await KeyServer.start();
    await using server = await RunningServer.start({
      settings: {
        'authentication.tokens.issuers': [{ issuer: TOKEN_ISSUER, keys: { url: keys.url } }],
        'shutdown.drainDeadline': '0s',
      },
    });
    using client = server.client();
    const inFlight = askThrough(client, server);
    await keys.asked();
    await server.stop();
    assert.notEqual((await inFlight).code, status.OK);
  });

  it('ends by itself within moments, also right after it took another issuer', async () => {
    using files = await ServerFiles.create();
    const child = await ChildServer.start(files, NO_SOCKETS);
    try {
      const next = await testAuthority({ root: files.pki.root });
      files.useIssuer(next);
      using client = child.client();
      const headers = { authorization: `Bearer ${await files.mint.token()}` };
      await eventually(
        'the next issuer signs',
        async () => {
          const { response } = await client.call({ csr: (await buildCsr()).pem, headers });
          return new X509Certificate(response?.certChain[0] ?? '').verify(next.issuer.publicKey);
        },
        SOON,
      );
    } finally {
      // Kubernetes kills after half a minute.
      const code = await Promise.race([child.stop(), sleep(20_000, 'it goes on', { ref: false })]);
      if (code !== 0) await child.kill9();
      assert.equal(code, 0);
    }
  }).timeout(90_000);
});

describe('A server that is killed', () => {
  let files: ServerFiles;
  beforeEach(async () => {
    files = await ServerFiles.create();
  });
  afterEach(() => files[Symbol.dispose]());

  it('under load has lost no record of any certificate that somebody got', async () => {
    const authorization = `Bearer ${await files.mint.token()}`;
    const { pem: csr } = await buildCsr();
    const delivered: string[] = [];
    for (const whileJournalIsLocked of [false, true, true]) {
      await using server = await ChildServer.start(files);
      const clients = Array.from({ length: 4 }, () => server.client());
      const enough = delivered.length + 50;
      let end: Promise<void> | undefined;
      const asking = clients.map(async (client) => {
        for (;;) {
          const { response } = await client.call({ csr, headers: { authorization } });
          if (response === undefined) return end;
          delivered.push(new X509Certificate(response.certChain[0]!).serialNumber.toLowerCase());
          if (delivered.length >= enough) end ??= endOf(server, { whileJournalIsLocked });
        }
      });
      await Promise.all(asking);
      for (const client of clients) client[Symbol.dispose]();
    }
    const recorded = new Set(files.decisions({ outcome: 'issued' }).map((decision) => serialOf(decision)));
    assert.ok(delivered.length >= 150);
    assert.deepEqual(
      delivered.filter((serial) => !recorded.has(serial)),
      [],
    );
  });

  /** While the lock is held no record becomes durable, so no certificate may be delivered either. */
  async function endOf(
    server: ChildServer,
    { whileJournalIsLocked }: { whileJournalIsLocked: boolean },
  ): Promise<void> {
    if (!whileJournalIsLocked) return server.kill9();
    using journal = new DatabaseSync(files.path('journal.db'), { timeout: 5_000 });
    journal.exec('BEGIN IMMEDIATE');
    await sleep(LOCKED_MS);
    await server.kill9();
  }

  it('comes back on its own socket and serves anchors in the version that Envoy has', async () => {
    const versions: string[] = [];
    for (let life = 0; life < 2; life += 1) {
      await using server = await ChildServer.start(files);
      using envoy = new SdsClient(`unix:${files.socket('demo')}`);
      const stream = envoy.sotw();
      stream.subscribe('ROOTCA');
      versions.push((await stream.accept()).versionInfo);
      await server.kill9();
    }
    assert.match(versions[0]!, /^[0-9a-f]{32}$/);
    assert.equal(versions[1], versions[0]);
  });

  it('by SIGTERM ends with exit code 0', async () => {
    const server = await ChildServer.start(files);
    assert.equal(await server.stop(), 0);
  });
});

async function ask(server: RunningServer, namespace = 'default'): Promise<Outcome> {
  using client = server.client();
  return await askThrough(client, server, namespace);
}

async function askThrough(client: CsrWire, { files }: RunningServer, namespace = 'default'): Promise<Outcome> {
  const headers = { authorization: `Bearer ${await files.mint.tokenIn(namespace, 'demo')}` };
  return client.call({ csr: (await buildCsr()).pem, headers });
}

/** What the server shows of itself to whoever connects now. */
async function handshake(server: RunningServer): Promise<DetailedPeerCertificate> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.tlsPort,
    servername: 'localhost',
    ca: server.files.pki.root.certificatePem,
    ALPNProtocols: ['h2'],
  });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerCertificate(true);
  socket.destroy();
  return shown;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function serialOf(decision: DecisionRecord): string {
  return decision.outcome === 'issued' ? decision.serial : '';
}
