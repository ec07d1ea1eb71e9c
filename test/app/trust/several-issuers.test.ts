// Two issuers on one server, each below a root of its own: policy says which signs for whom, over CSR and over SDS, and
// one that breaks takes nothing from the other.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { judgeCertificate } from '../../../src/domain/x509/path/judge-certificate.ts';
import { pathCertificatesOf } from '../../../src/domain/x509/path/certificate.ts';
import type { IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { pemOf, secretsOf, type SotwClientStream } from '../../support/clients/sds-client.ts';
import { eventually } from '../../support/eventually.ts';
import type { TestRule } from '../../support/policy/signed-bundle.ts';
import { RunningServer } from '../support/running-server.ts';
import { nested, ServerFiles } from '../support/server-files.ts';

/** Less than the half minute after which files are read again in any case. */
const SOON = { withinMs: 30_000 };
const HOUR_MS = 3_600_000;
const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');

/** Which issuer signs for which namespace. */
const byNamespace = (issuers: Readonly<Record<string, string>>): readonly TestRule[] =>
  Object.entries(issuers).map(([namespace, issuer]) => ({ namespaces: [namespace], bounds: { issuer } }));

describe('A server with two issuers', () => {
  let gold: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];
  beforeEach(async () => {
    gold = await testAuthority();
    files = await ServerFiles.create();
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    files.setPolicy(byNamespace({ shop: 'default', bank: 'gold' }));
    useGold(gold);
  });
  afterEach(async () => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  function useGold({ intermediate }: TestAuthority): void {
    files.write('gold-key.pem', intermediate.keyPem);
    files.write('gold-chain.pem', intermediate.certificatePem);
  }

  async function start(more: object = {}): Promise<void> {
    const entry = {
      name: 'gold',
      chainFile: files.path('gold-chain.pem'),
      keyFile: files.path('gold-key.pem'),
      ...more,
    };
    const settings = { additionalIssuers: [entry], 'sds.rotationSpread': '0s' };
    server = await RunningServer.start({ files, settings });
  }

  const ask = async (namespace: string): Promise<Outcome> => server.ask(namespace, 'web');

  /** Leaf, intermediates and all anchors, each text on its own. */
  async function issuedTo(namespace: string): Promise<readonly string[]> {
    const { code, details, response } = await ask(namespace);
    assert.equal(code, status.OK, details);
    return response?.certChain ?? [];
  }

  /** The stream of a workload's certificate. */
  async function watch(namespace: string): Promise<SotwClientStream> {
    const client = server.sdsClient({ token: await files.mint.tokenIn(namespace, 'web') });
    open.push(client);
    const stream = client.sotw();
    stream.subscribe('default');
    return stream;
  }

  /** What would have been renewed with the others has had its time. */
  async function assertLeftAlone(namespace: string, stream: SotwClientStream): Promise<void> {
    for (let turn = 0; turn < 2; turn += 1) await issuedTo(namespace);
    const identity = `spiffe://cluster.local/ns/${namespace}/sa/web`;
    const overSds = files.decisions({ identity }).filter(({ api }) => api === 'sds');
    assert.deepEqual([overSds.length, stream.responses.length], [1, 1]);
  }

  async function readiness(): Promise<readonly { readonly part: string; readonly why: string }[]> {
    const response = await server.get('/readyz');
    assert.equal(response.status, 200);
    const { degraded = [] } = (await response.json()) as { degraded?: { part: string; why: string }[] };
    return degraded;
  }

  const isDegraded = async (): Promise<boolean> =>
    (await readiness()).some(({ part, why }) => part === 'additional issuers' && why.startsWith('gold: '));

  it('signs over the CSR API with the one that policy names for the namespace, and peers take both', async () => {
    await start();
    for (const [namespace, authority] of [
      ['shop', files.pki],
      ['bank', gold],
    ] as const) {
      const [leaf = '', intermediate = '', anchors = ''] = await issuedTo(namespace);
      assert.ok(isOf(leaf, authority), namespace);
      await assertPeersTake(leaf, intermediate, anchors);
    }
  });

  it('signs over SDS with the one that policy names for the namespace, and peers take both', async () => {
    await start();
    const anchors = files.pki.root.certificatePem + gold.root.certificatePem;
    for (const [namespace, authority] of [
      ['shop', files.pki],
      ['bank', gold],
    ] as const) {
      const [leaf = '', intermediate = ''] = blocks(pemOf(secretsOf(await (await watch(namespace)).accept())[0]!));
      assert.ok(isOf(leaf, authority), namespace);
      await assertPeersTake(leaf, intermediate, anchors);
    }
  });

  it('records which issuer signed, below which trust anchor, and why this one', async () => {
    await start();
    for (const [namespace, name, { issuer, root }] of [
      ['shop', 'default', files.pki],
      ['bank', 'gold', gold],
    ] as const) {
      await issuedTo(namespace);
      const identity = `spiffe://cluster.local/ns/${namespace}/sa/web`;
      const [record] = files.decisions({ identity, outcome: 'issued' }) as readonly IssuedRecord[];
      assert.ok(record);
      assert.deepEqual([record.issuerName, record.issuer, record.policy?.issuer], [name, issuer.id, name]);
      assert.equal(
        record.trustAnchor,
        new X509Certificate(root.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase(),
      );
      const rule = namespace === 'shop' ? 'rule-0' : 'rule-1';
      assert.deepEqual(record.policy?.issuerChoice, {
        why: 'first-allowed',
        limitedBy: [`central test@2 ${rule}`],
      });
    }
  });

  it('signs with the first of the configuration where policies leave both, and refuses where they leave none', async () => {
    files.setPolicy([{ namespaces: ['shop'] }, ...byNamespace({ bank: 'silver' })]);
    await start();
    assert.ok(isOf((await issuedTo('shop'))[0] ?? '', files.pki));
    const { code, details } = await ask('bank');
    assert.equal(code, status.PERMISSION_DENIED);
    assert.match(details, /^CAP-P08 .*bounds\.issuer: default, allowed silver/);
    const [record] = files.decisions({ outcome: 'refused' });
    assert.equal(record?.policy?.issuerChoice?.why, 'none-allowed');
  });

  it('lets a namespace take by its own policy what the rules leave open, and nothing else', async () => {
    const takingGold = (namespace: string): string =>
      JSON.stringify({
        apiVersion: 'capstan.dev/v1alpha1',
        kind: 'IssuancePolicy',
        metadata: { name: 'own', namespace },
        spec: { narrow: { issuer: 'gold' } },
      });
    for (const namespace of ['shop', 'open']) files.setLocal(`${namespace}.yaml`, takingGold(namespace));
    files.setPolicy([{ namespaces: ['open'] }, ...byNamespace({ shop: 'default' })]);
    await start();
    assert.ok(isOf((await issuedTo('open'))[0] ?? '', gold));
    const { code, details } = await ask('shop');
    assert.equal(code, status.PERMISSION_DENIED);
    assert.match(details, /^CAP-P08 /);
  });

  it('signs no longer with an issuer than its own maxTtl says', async () => {
    await start({ maxTtl: '10m' });
    const leftMs = async (namespace: string): Promise<number> =>
      new X509Certificate((await issuedTo(namespace))[0] ?? '').validToDate.getTime() - Date.now();
    assert.ok((await leftMs('bank')) <= HOUR_MS / 6);
    assert.ok((await leftMs('shop')) > HOUR_MS / 2);
  });

  it('starts while the second is broken, refuses what policy sends there as not ready, and signs when it is mended', async () => {
    files.write('gold-key.pem', files.pki.intermediate.keyPem);
    await start();
    assert.ok(isOf((await issuedTo('shop'))[0] ?? '', files.pki));
    const waiting = await watch('bank');
    const { code, details } = await ask('bank');
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S01 no issuer is ready to sign: issuer gold is not loaded/);
    assert.doesNotMatch(details, /\.pem/, 'no path goes to a caller');
    assert.ok(await isDegraded());
    const [record] = files.decisions({ outcome: 'refused' });
    assert.deepEqual([record?.policy?.issuer, record?.policy?.failures], ['gold', undefined]);
    useGold(gold);
    await eventually('the second issuer', async () => !(await isDegraded()), SOON);
    assert.ok(isOf((await issuedTo('bank'))[0] ?? '', gold));
    assert.ok(isOf(blocks(pemOf(secretsOf(await waiting.accept())[0]!))[0] ?? '', gold));
  });

  it('keeps the last good state of the second when its files break, and says so until they are put back', async () => {
    await start();
    files.write('gold-chain.pem', 'nothing');
    await eventually('the complaint', isDegraded, SOON);
    assert.ok(isOf((await issuedTo('bank'))[0] ?? '', gold));
    useGold(gold);
    await eventually('the good state', async () => !(await isDegraded()), SOON);
  });

  it('signs nothing with an issuer whose trust anchor left the file, until that is back', async () => {
    await start();
    files.setAnchors(files.pki.root.certificatePem);
    // Not by asking: a leaf below it would keep the anchor.
    await eventually('the loss', isDegraded, SOON);
    const { code, details } = await ask('bank');
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /issuer gold leads to no trust anchor in force/);
    assert.ok(isOf((await issuedTo('shop'))[0] ?? '', files.pki));
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    await eventually('the issuer', async () => (await ask('bank')).code === status.OK, SOON);
    assert.ok(isOf((await issuedTo('bank'))[0] ?? '', gold));
  });

  it('renews over SDS when policy moves a namespace to the other issuer, and leaves alone who stays', async () => {
    await start();
    const [shop, bank] = [await watch('shop'), await watch('bank')];
    await shop.accept();
    await bank.accept();
    files.setPolicy(byNamespace({ shop: 'gold', bank: 'gold' }));
    assert.ok(isOf(blocks(pemOf(secretsOf(await shop.accept())[0]!))[0] ?? '', gold));
    await assertLeftAlone('bank', bank);
  });

  it('renews over SDS what an issuer signed when that issuer changes, and nothing else', async () => {
    await start();
    const [shop, bank] = [await watch('shop'), await watch('bank')];
    await shop.accept();
    await bank.accept();
    const successor = await testAuthority({ root: gold.root });
    useGold(successor);
    assert.ok(isOf(blocks(pemOf(secretsOf(await bank.accept())[0]!))[0] ?? '', successor));
    await assertLeftAlone('shop', shop);
  });

  it('warns in `config check` of a second that would sign nothing', async () => {
    await start();
    interface Warning {
      readonly path: string;
      readonly message: string;
    }
    const check = (): readonly Warning[] => {
      const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
      const settings = { ...files.settings, 'sds.sockets': [], additionalIssuers: [entry] };
      files.write('capstan.json', JSON.stringify(nested(settings)));
      const args = [MAIN, 'config', 'check', '--config', files.path('capstan.json'), '--output', 'json'];
      const { status: code, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.equal(code, 0, stdout);
      const { warnings } = JSON.parse(stdout) as { readonly warnings: readonly Warning[] };
      return warnings.filter(({ path: key }) => key === 'additionalIssuers');
    };
    assert.deepEqual(check(), []);
    files.write('gold-key.pem', files.pki.intermediate.keyPem);
    const [warning] = check();
    assert.match(warning?.message ?? '', /^gold: it signs nothing: .*gold-key\.pem is not the key of the certificate/);
  });

  it('takes a renewal by client certificate from a leaf of either', async () => {
    await start();
    const csr = await buildCsr();
    using first = server.client();
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('bank', 'web')}` };
    const { response } = await first.call({ csr: csr.pem, headers });
    const chainPem = (response?.certChain ?? []).slice(0, -1).join('');
    using renewing = server.client({ chainPem, keyPem: csr.privateKeyPem });
    const { code, details } = await renewing.call({ csr: (await buildCsr()).pem });
    assert.equal(code, status.OK, details);
  });

  /** As OpenSSL verifies under -x509_strict, for both ends of TLS, and as our own path validation does. */
  async function assertPeersTake(leaf: string, intermediate: string, anchors: string): Promise<void> {
    files.write('leaf.pem', leaf);
    files.write('intermediate.pem', intermediate);
    files.write('bundle.pem', anchors);
    for (const purpose of ['sslserver', 'sslclient']) {
      const { stdout } = await promisify(execFile)('openssl', [
        ...['verify', '-x509_strict', '-purpose', purpose, '-CAfile', files.path('bundle.pem')],
        ...['-untrusted', files.path('intermediate.pem'), files.path('leaf.pem')],
      ]);
      assert.equal(stdout, `${files.path('leaf.pem')}: OK\n`);
    }
    const [target] = pathCertificatesOf(leaf);
    const verdict = judgeCertificate(
      target!,
      pathCertificatesOf(intermediate),
      pathCertificatesOf(anchors),
      Date.now(),
    );
    assert.ok(verdict.path);
    assert.deepEqual([verdict.problems, verdict.untimely], [[], []]);
  }
});

function isOf(leafPem: string, { intermediate }: TestAuthority): boolean {
  const issuer = new X509Certificate(intermediate.certificatePem);
  return new X509Certificate(leafPem).verify(issuer.publicKey);
}

function blocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? [];
}
