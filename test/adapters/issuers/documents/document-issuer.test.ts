import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, verify } from 'node:crypto';
import type { DocumentIssuer } from '../../../../src/adapters/issuers/documents/document-issuer.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import type { Issuer } from '../../../../src/domain/x509/issuer.ts';
import { notReady, READY } from '../../../../src/ports/platform/health.ts';
import { testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeSignerOpener } from '../../../support/fakes/keys/signer-opener.ts';
import { TEST_MATERIAL, testStore } from '../../../support/issuer-store.ts';

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;

type Documents = Record<'anchors' | 'chain' | 'key', string>;

function documentsOf({ root, intermediate }: TestAuthority): Documents {
  return { anchors: root.certificatePem, chain: intermediate.certificatePem, key: intermediate.keyPem };
}

async function started(texts: Partial<Documents>, nowMs = NOON_MS) {
  const { documents, events, store } = testStore(texts, { nowMs });
  await store.start({ signal: NEVER });
  const changes: string[] = [];
  store.onChange(() => void changes.push(store.current().issuer.id), { signal: NEVER });
  return { documents, events, store, changes };
}

async function refuses(texts: Partial<Documents>, problem: string, nowMs?: number): Promise<void> {
  await assert.rejects(started(texts, nowMs), (error: unknown) => {
    assert.ok(error instanceof AuthorityError);
    assert.equal(error.reason, 'CAP-X03');
    assert.ok(error.message.includes(problem), error.message);
    return true;
  });
}

describe('An issuer that should live longer', () => {
  const settings = { ...TEST_MATERIAL, longestLeafMs: DAY_MS };
  const leavesLiveFor = (store: DocumentIssuer): number => (store.named.bounds.shareOfRest ?? 1) * 100;
  let short: TestAuthority;
  before(async () => {
    short = await testAuthority({ nowMs: NOON_MS, intermediateLifetimeMs: 3 * DAY_MS });
  });

  it('is refused where it has never signed, with the arithmetic', async () => {
    const { store } = testStore(documentsOf(short), { settings });
    await assert.rejects(
      store.start({ signal: NEVER }),
      /\/chain has another lifetime than it needs: it lives for 72h, .* 6 x 24h = 144h.*no leaf live longer than 12h/,
    );
  });

  it('signs on where it has signed before, with leaves of a sixth of what it has left, and says so', async () => {
    const asked: string[] = [];
    const wasInForce = async ({ id }: Issuer): Promise<boolean> => asked.push(id) > 0;
    const { store, events } = testStore(documentsOf(short), { settings, wasInForce });
    await store.start({ signal: NEVER });
    assert.deepEqual(asked, [short.issuer.id]);
    assert.equal(store.named.state.kind, 'ready');
    assert.equal(Math.round(leavesLiveFor(store)), 17);
    const health = store.health(NOON_MS);
    assert.equal(health.state, 'degraded');
    assert.match(
      'why' in health ? health.why : '',
      /^leaves get no more than a sixth of what the issuer has left, because it lives for 72h/,
    );
    assert.match(String(events.of('trustWarning')[0]?.['problem']), /a sixth of what the issuer has left/);
  });

  it('does not take the place of one that lives long enough, and does not hinder other anchors beside itself', async () => {
    const long = await testAuthority({ nowMs: NOON_MS, root: short.root });
    const { store, documents } = testStore(documentsOf(long), { settings });
    await store.start({ signal: NEVER });
    assert.equal(leavesLiveFor(store), 100);
    await documents.edit(documentsOf(short));
    assert.equal(store.current().issuer.id, long.issuer.id);
    assert.match(
      JSON.stringify(store.health(NOON_MS)),
      /the last good issuer stays: .*has another lifetime than it needs/,
    );
  });

  it('goes on with more anchors when it is in force', async () => {
    const more = await testAuthority({ nowMs: NOON_MS });
    const { store, documents } = testStore(documentsOf(short), { settings, wasInForce: async () => true });
    await store.start({ signal: NEVER });
    await documents.edit({ anchors: short.root.certificatePem + more.root.certificatePem });
    assert.equal(store.current().bundle.anchors.length, 2);
    assert.equal(Math.round(leavesLiveFor(store)), 17);
  });
});

describe('The issuer in force', () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
  });

  it('signs with the key of its certificate, and says so when it is loaded', async () => {
    const { store, events } = await started(documentsOf(authority));
    const { issuer, signer, bundle } = store.current();
    const tbs = Buffer.from('to be signed');
    const signature = await signer.sign(tbs, { signal: NEVER });
    assert.ok(verify('sha256', tbs, issuer.publicKey, signature));
    assert.equal(bundle.digest, authority.bundle.digest);
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloaded', 'issuerInForce', 'bundleInForce'],
    );
    assert.deepEqual(store.health(NOON_MS), READY);
    assert.deepEqual(store.health(NOON_MS + 366 * DAY_MS), notReady('the issuer certificate has expired'));
  });

  it('waits for the anchors to be published before it takes the place of another, and not at the start', async () => {
    const foreign = await testAuthority({ nowMs: NOON_MS });
    const [waiting, { promise: published, resolve: publish }] = [[] as string[], Promise.withResolvers<undefined>()];
    const beforeInForce = async ({ bundle: { digest } }: { readonly bundle: TrustBundle }): Promise<void> => {
      waiting.push(digest);
      return published;
    };
    const { store, documents } = testStore(documentsOf(authority), { beforeInForce });
    await store.start({ signal: NEVER });
    assert.deepEqual(waiting, []);
    const edited = documents.edit(documentsOf(foreign));
    await eventually('the new anchors wait', () => waiting.length === 1, { withinMs: 30_000 });
    assert.deepEqual(waiting, [foreign.bundle.digest]);
    assert.equal(store.current().issuer.id, authority.issuer.id);
    assert.equal(store.trustAnchors.current().digest, authority.bundle.digest);
    publish(undefined);
    await edited;
    assert.equal(store.current().issuer.id, foreign.issuer.id);
    assert.equal(store.trustAnchors.current().digest, foreign.bundle.digest);
  });

  it('is not ready before the first load', () => {
    const { store } = testStore({});
    assert.throws(() => store.current(), { reason: 'CAP-S01' });
    assert.deepEqual(store.health(NOON_MS), notReady('no issuer is loaded'));
  });

  it('signs where its key is, when the document only names it', async () => {
    const opener = new FakeSignerOpener({ mesh: authority.intermediate.keyPem });
    const { store } = testStore({ ...documentsOf(authority), key: 'mesh' }, { opener });
    await store.start({ signal: NEVER });
    const tried = opener.signed.length;
    const { issuer, signer } = store.current();
    const tbs = Buffer.from('to be signed');
    assert.ok(verify('sha256', tbs, issuer.publicKey, await signer.sign(tbs, { signal: NEVER })));
    assert.deepEqual(opener.signed.slice(tried), ['mesh']);
  });

  it('stays the last good one when a name leads to no key, or to that of another issuer', async () => {
    const opener = new FakeSignerOpener({ mesh: authority.intermediate.keyPem, other: other.intermediate.keyPem });
    const good = { ...documentsOf(authority), key: 'mesh' };
    const { store, documents, events } = testStore(good, { opener });
    await store.start({ signal: NEVER });
    await documents.edit({ ...good, key: 'elsewhere' });
    await documents.edit({ ...good, key: 'other' });
    assert.equal(store.current().issuer.id, authority.issuer.id);
    assert.deepEqual(
      events.of('reloadFailed').map(({ problem }) => problem),
      [
        'CAP-X03 the configuration is invalid: /etc/capstan/key names no key that is here',
        'CAP-X03 the configuration is invalid: /etc/capstan/key is not the key of the certificate in /etc/capstan/chain',
      ],
    );
  });

  it('takes a key as PKCS#8, as SEC1 and as PKCS#1', async () => {
    const sec1 = createPrivateKey(authority.intermediate.keyPem).export({ format: 'pem', type: 'sec1' });
    await started({ ...documentsOf(authority), key: sec1 });
    const rsa = await testAuthority({ nowMs: NOON_MS, keyType: 'rsa-2048' });
    await started(documentsOf(rsa));
    const pkcs1 = createPrivateKey(rsa.intermediate.keyPem).export({ format: 'pem', type: 'pkcs1' });
    await started({ ...documentsOf(rsa), key: pkcs1 });
  });

  it('must be whole and fit together when the server starts, or the document at fault is named', async () => {
    const good = documentsOf(authority);
    const stranger = await testAuthority({ nowMs: NOON_MS });
    const encrypted = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { format: 'pem', type: 'spki' },
      privateKeyEncoding: { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' },
    }).privateKey;
    await refuses({ ...good, anchors: '' }, '/etc/capstan/anchors has no PEM block');
    await refuses({ ...good, anchors: stranger.root.certificatePem }, '/etc/capstan/chain');
    await refuses({ ...good, chain: good.chain.slice(0, 200) }, '/etc/capstan/chain has an unfinished PEM block');
    await refuses({ ...good, chain: authority.root.certificatePem }, '/etc/capstan/chain has only trust anchors');
    await refuses(
      { ...good, key: other.intermediate.keyPem },
      '/etc/capstan/key is not the key of the certificate in /etc/capstan/chain',
    );
    await refuses({ ...good, key: 'nonsense' }, '/etc/capstan/key is not a PEM private key');
    await refuses({ ...good, key: encrypted }, '/etc/capstan/key is encrypted');
    await refuses(good, '/etc/capstan/chain certificate CN=Test Mesh Issuer ended at', NOON_MS + 366 * DAY_MS);
    await refuses(good, '/etc/capstan/chain certificate CN=Test Mesh Issuer is not valid before', NOON_MS - DAY_MS);
  });

  it('follows an edit of all documents and tells who listens', async () => {
    const { documents, store, changes, events } = await started(documentsOf(authority));
    await documents.edit(documentsOf(other));
    assert.equal(store.current().issuer.id, other.issuer.id);
    assert.deepEqual(changes, [other.issuer.id]);
    assert.deepEqual(events.of('issuerInForce').at(-1), {
      name: 'default',
      issuer: other.issuer.id,
      notAfterMs: other.issuer.notAfterMs,
    });
  });

  it('stays the last good one through a half-finished edit, which is told once', async () => {
    const { documents, store, changes, events } = await started(documentsOf(authority));
    await documents.edit({ chain: other.intermediate.certificatePem });
    await documents.edit({});
    assert.equal(store.current().issuer.id, authority.issuer.id);
    assert.equal(events.of('reloadFailed').length, 1);
    assert.match(String(events.of('reloadFailed')[0]?.['problem']), /key is not the key of the certificate/);
    await documents.edit({ key: other.intermediate.keyPem });
    assert.deepEqual(changes, [other.issuer.id]);
  });

  it('takes over an issuer that was not valid yet once its time comes', async () => {
    const later = await testAuthority({ nowMs: NOON_MS + DAY_MS, root: authority.root });
    const { documents, clock, store } = testStore(documentsOf(authority));
    await store.start({ signal: NEVER });
    await documents.edit(documentsOf(later));
    assert.equal(store.current().issuer.id, authority.issuer.id);
    clock.jumpTo(NOON_MS + DAY_MS);
    await documents.edit({});
    assert.equal(store.current().issuer.id, later.issuer.id);
  });

  it('says when the clock has left its validity, whichever way', async () => {
    const { store } = testStore(documentsOf(authority));
    await store.start({ signal: NEVER });
    const whyNotReady = (nowMs: number): string => {
      const health = store.health(nowMs);
      return health.state === 'not ready' ? health.why : assert.fail(health.state);
    };
    assert.deepEqual(store.health(NOON_MS), READY);
    assert.match(whyNotReady(NOON_MS - 31 * DAY_MS), /is not valid before 2026-/);
    assert.match(whyNotReady(NOON_MS + 366 * DAY_MS), /has expired/);
  });

  it('bothers nobody who listens when a broken edit is taken back', async () => {
    const { documents, changes, events } = await started(documentsOf(authority));
    await documents.edit({ key: 'nonsense' });
    await documents.edit(documentsOf(authority));
    assert.deepEqual(changes, []);
    assert.equal(events.of('reloaded').length, 2);
  });

  it('never tells a key in an event or an error', async () => {
    const { documents, events } = await started(documentsOf(authority));
    const secret = other.intermediate.keyPem.split('\n')[1]!;
    await documents.edit({ key: other.intermediate.keyPem.replace('END', 'ENB') });
    await documents.edit({ key: other.intermediate.keyPem });
    assert.ok(!JSON.stringify(events.log).includes(secret));
  });
});
