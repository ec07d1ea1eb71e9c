// The console over HTTPS: what it shows to browsers, and who signs in with a client certificate.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { MAX_RECORDS, type LatelyRefused } from '../../../../src/adapters/http/admin/records/administer-records.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { InventoryRow } from '../../../../src/authority/inventory/inventory-overview.ts';
import type { RefusalGroup } from '../../../../src/review/explain/refusal-groups.ts';
import { refused } from '../../../adapters/storage/sqlite/records.ts';
import { createRoot, issueLeaf, type TestAuthority, type TestLeaf } from '../../../peers/support/pki.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { Visitor } from './support/visitor.ts';

interface Listed {
  readonly status: number;
  readonly rows: readonly InventoryRow[];
  readonly names: readonly string[];
}

const OPS = 'spiffe://corp.example/ops';

describe('The console over HTTPS', () => {
  let web: TestAuthority;
  let corporate: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer | undefined;
  before(async () => {
    web = await createRoot('Authorities of the Web');
    corporate = await createRoot('People of the Corporation');
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('people.pem', corporate.certificatePem);
  });
  afterEach(async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
    files[Symbol.dispose]();
  });

  async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
    server = await RunningServer.start({
      files,
      settings: {
        'listen.console.address': '127.0.0.1:0',
        'listen.administration.clientCaFile': files.path('people.pem'),
        'listen.administration.roles.viewer': [`URI:${OPS}/victor`],
        'listen.console.teams': [
          { member: `URI:${OPS}/tina`, namespaces: ['shop'] },
          { member: `URI:${OPS}/dora`, namespaces: ['shop', 'default'] },
        ],
        ...settings,
      },
    });
    return `https://localhost:${new URL(server.report.consoleUrl!).port}`;
  }

  const anchors = (): string => files.pki.root.certificatePem;

  async function person(name: string, authority = corporate): Promise<{ readonly cert: string; readonly key: string }> {
    const { chainPem: cert, keyPem: key } = await issueLeaf(authority, { uri: `${OPS}/${name}` });
    return { cert, key };
  }

  function give(leaf: TestLeaf): string {
    files.write('console-key.pem', leaf.keyPem);
    files.write('console.pem', leaf.chainPem);
    return new X509Certificate(leaf.chainPem).fingerprint256;
  }

  it('shows the certificate of the TLS listener where it has none of its own', async () => {
    const visitor = new Visitor(await start(), { ca: anchors() });
    assert.deepEqual(await visitor.get('/api/session'), { status: 401, body: { ways: ['certificate'] } });
  });

  it('has browsers come back over TLS alone, under this name and no other', async () => {
    const visitor = new Visitor(await start(), { ca: anchors() });
    for (const path of ['/', '/api/session', '/no/such/page']) {
      const answer = await visitor.ask('GET', path);
      answer.resume();
      assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000', path);
    }
  });

  it('shows a certificate of its own, and the next one as soon as it is there', async () => {
    const first = give(await issueLeaf(web, { dns: 'localhost' }));
    const pair = {
      'listen.console.chainFile': files.path('console.pem'),
      'listen.console.keyFile': files.path('console-key.pem'),
    };
    const visitor = new Visitor(await start(pair), { ca: web.certificatePem });
    assert.equal(await visitor.shownCertificate(), first);
    const second = give(await issueLeaf(web, { dns: 'localhost' }));
    await eventually('the next one', async () => (await visitor.shownCertificate()) === second, { withinMs: 20_000 });
    files.write('console.pem', 'nothing');
    await eventually(
      'degraded',
      async () => (await (await server!.get('/readyz')).text()).includes('console certificate'),
      {
        withinMs: 20_000,
      },
    );
    assert.equal(await visitor.shownCertificate(), second);
  });

  it('does not start with a certificate that is none', async () => {
    files.write('console.pem', 'nothing');
    const pair = {
      'listen.console.chainFile': files.path('console.pem'),
      'listen.console.keyFile': files.path('console.pem'),
    };
    await assert.rejects(start(pair), /CAP-X03.*console\.pem and .* are no certificate with its key/);
  });

  it('lets an operator in by the certificate that the browser shows', async () => {
    const visitor = new Visitor(await start(), { ca: anchors(), shown: await person('victor') });
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
    const { body } = await visitor.get('/api/session');
    assert.equal((body as { role: string }).role, 'viewer');
    assert.equal((await visitor.get('/api/issuers')).status, 200);
  });

  it('lets a team see its namespaces, by certificate too', async () => {
    const visitor = new Visitor(await start(), { ca: anchors(), shown: await person('tina') });
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
    const { body } = await visitor.get('/api/session');
    assert.deepEqual((body as { namespaces: unknown }).namespaces, ['shop']);
    assert.equal((await visitor.get('/api/refusals')).status, 200);
    assert.equal((await visitor.get('/api/issuers')).status, 403);
  });

  it('shows a team its refusals behind thousands of another namespace, and back to when it looked', async () => {
    const nowMs = Date.now();
    const refusedTo = (namespace: string, at: number, timeMs: number) => {
      const caller = `spiffe://cluster.local/ns/${namespace}/sa/web`;
      return refused(`${namespace} ${at}`, { timeMs, caller, identity: caller });
    };
    const flood = Array.from({ length: 3 * MAX_RECORDS }, (_, at) => refusedTo('pay', at, nowMs - 60_000 + at));
    const writer = new JournalWriter({ file: files.path('journal.db') });
    writer.append([refusedTo('pay', -1, nowMs - 50 * 60_000), refusedTo('shop', 0, nowMs - 40 * 60_000), ...flood]);
    writer.close();
    const base = await start();
    const lately = async (name: string): Promise<LatelyRefused<RefusalGroup>> => {
      const visitor = new Visitor(base, { ca: anchors(), shown: await person(name) });
      await visitor.post('/login/certificate', {});
      return (await visitor.get('/api/refusals')).body as LatelyRefused<RefusalGroup>;
    };
    const [team, all] = [await lately('tina'), await lately('victor')];
    assert.deepEqual(
      team.groups.map(({ namespace, count }) => [namespace, count]),
      [['shop', 1]],
    );
    assert.ok(team.sinceMs <= nowMs - 50 * 60_000);
    assert.deepEqual([all.groups[0]?.count, all.sinceMs > nowMs - 60_000], [MAX_RECORDS, true]);
  });

  it('shows a team whoever has a certificate in its namespaces, and nobody else', async () => {
    const base = await start();
    assert.equal((await server!.ask('default', 'web')).code, status.OK);
    const signedIn = async (name: string): Promise<(query: string) => Promise<Listed>> => {
      const visitor = new Visitor(base, { ca: anchors(), shown: await person(name) });
      assert.equal((await visitor.post('/login/certificate', {})).status, 200);
      return async (query) => {
        const visit = await visitor.get(`/api/inventory${query}`);
        const { rows = [] } = visit.body as { readonly rows?: readonly InventoryRow[] };
        return { status: visit.status, rows, names: rows.map(({ identity }) => identity.replace(/.*\//, '')) };
      };
    };
    const [victor, tina, dora] = [await signedIn('victor'), await signedIn('tina'), await signedIn('dora')];
    const everybody = await eventually(
      'both certificates',
      async () => {
        const listed = await victor('');
        return listed.rows.length === 2 && listed;
      },
      { withinMs: 20_000 },
    );
    const web = everybody.rows.find(({ namespace }) => namespace === 'default')!;
    assert.deepEqual((await dora('')).names, ['web']);
    assert.deepEqual((await tina('')).names, []);
    for (const query of [`?serial=${web.serial}`, `?identity=${web.identity}`, `?podName=${web.podName ?? ''}`]) {
      assert.deepEqual((await dora(query)).names, ['web'], query);
      assert.deepEqual((await tina(query)).names, [], query);
      assert.equal((await tina(`${query}&namespace=default`)).status, 403);
    }
    assert.equal((await dora('?namespace=istio-system')).status, 403);
    const one = `/identity?identity=${web.identity}`;
    assert.deepEqual((await dora(one)).names, ['web']);
    assert.deepEqual((await victor(one)).names, ['web']);
    assert.equal((await tina(one)).status, 403);
    const chains = async (name: string, identity: string): Promise<readonly string[]> => {
      const visitor = new Visitor(base, { ca: anchors(), shown: await person(name) });
      await visitor.post('/login/certificate', {});
      const { body } = await visitor.get(`/api/inventory/identity?identity=${identity}`);
      return Object.keys((body as { readonly chains: object }).chains);
    };
    assert.deepEqual(await chains('dora', web.identity), [web.issuer]);
    assert.deepEqual(await chains('tina', web.identity.replace('/default/', '/shop/')), []);
    assert.equal((await victor('/identity')).status, 400);
  });

  it('knows nobody by a certificate of another authority, and none without a role', async () => {
    const base = await start();
    const stranger = new Visitor(base, { ca: anchors(), shown: await person('victor', web) });
    assert.equal((await stranger.post('/login/certificate', {})).status, 401);
    const mallory = new Visitor(base, { ca: anchors(), shown: await person('mallory') });
    assert.equal((await mallory.post('/login/certificate', {})).status, 403);
    const tries = await eventually(
      'both are in the log',
      () => {
        const found = files.logged('signIn').map(({ outcome, actor }) => [outcome, actor]);
        return found.length === 2 && found;
      },
      { withinMs: 20_000 },
    );
    assert.deepEqual(tries, [
      ['refused', undefined],
      ['refused', `URI:${OPS}/mallory`],
    ]);
  });

  it('does not start where nobody could sign in', async () => {
    const nobody = { 'listen.administration.clientCaFile': undefined };
    await assert.rejects(start(nobody), /needs a way to sign in/);
  });
});
