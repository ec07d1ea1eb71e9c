// Trust material that was met in the world, at the day it was made: what comes in force, and what is refused for
// which reason. The certificates are never judged by the machine's clock, so they do not rot.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { DocumentIssuer } from '../../../../src/adapters/issuers/documents/document-issuer.ts';
import type { DocumentIssuerSettings } from '../../../../src/adapters/issuers/documents/issuer-parts.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import { READY } from '../../../../src/ports/platform/health.ts';
import { TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';
import { TEST_MATERIAL, testStore } from '../../../support/issuer-store.ts';

const CASES = path.resolve(import.meta.dirname, '../../../vectors/cases');
const MADE_MS = Date.UTC(2026, 10, 28, 6, 0, 0);
const NEVER = new AbortController().signal;

const textOf = (folder: string, name: string): string => readFileSync(path.join(CASES, folder, name), 'utf8');

async function started(folder: string, nowMs = MADE_MS, settings: DocumentIssuerSettings = TEST_MATERIAL) {
  const texts = {
    anchors: textOf(folder, 'anchors.pem'),
    chain: textOf(folder, 'chain.pem'),
    key: textOf(folder, 'key.pem'),
  };
  const parts = testStore(texts, { nowMs, settings });
  await parts.store.start({ signal: NEVER });
  return parts;
}

async function problemWith(folder: string, nowMs?: number, settings?: DocumentIssuerSettings): Promise<string> {
  const error = await started(folder, nowMs, settings).then(
    () => assert.fail(`${folder} came in force`),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof AuthorityError && error.reason === 'CAP-X03', String(error));
  return error.message;
}

/** A trial takes real time, so a change is waited for. */
async function changeOf(store: Pick<DocumentIssuer, 'onChange'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<true>();
  store.onChange(() => resolve(true), { signal: NEVER });
  await promise;
}

const REFUSED: Readonly<Record<string, RegExp>> = {
  'issuer-nobody-accepts/intnc_uri_other':
    /chain certificate .*CN=xintnc_uri_other has name constraints that do not allow spiffe:\/\/cluster\.local/,
  'issuer-nobody-accepts/intnc_dns':
    /chain certificate .*CN=xintnc_dns has name constraints that do not allow localhost/,
  'issuer-nobody-accepts/inteku_code':
    /CN=xinteku_code may not stand above TLS servers \(extended key usage without serverAuth\); .*TLS clients/,
  'issuer-nobody-accepts/intunkcrit': /CN=xintunkcrit has a critical extension that nobody knows \(1\./,
  'issuer-nobody-accepts/ec-explicit': /CN=exp has a key that spells out its curve \(explicit EC parameters\)/,
  'issuer-nobody-accepts/sha1-int': /CN=sha1 is signed with RSA with SHA-1/,
  'issuer-nobody-accepts/root-rsa1024': /anchors certificate .*CN=r1024 has a key that is RSA of 1024 bits/,
  'issuer-nobody-accepts/anchor-is-intermediate':
    /anchors has .*CN=pol, which .*CN=re signed: Envoy's SPIFFE validator and OpenSSL want a self-signed/,
  'poor-messages/chain-missing-mid':
    /chain certificate .*CN=iss is signed by .*CN=pol, which is neither in this file nor a trust anchor/,
  'poor-messages/chain-reversed-nonroot':
    /chain begins with .*CN=pol, which signed .*CN=iss: the issuer's own certificate comes first/,
  'poor-messages/akis-renewed-root':
    /CN=xintakis is signed by the key of .*CN=re, but names serial [0-9a-f]+ in its authority key identifier/,
  'poor-messages/anchor-only-expired':
    /anchors has no trust anchor that is valid now or later: .*CN=re \(SHA-256 [0-9a-f]{16}\) ended at 2020-01-01/,
  'poor-messages/rsa-pss': /chain has an RSA key that is bound to RSASSA-PSS; Capstan signs with PKCS #1 v1\.5/,
};

describe('Trust material that peers would refuse', () => {
  for (const [folder, words] of Object.entries(REFUSED)) {
    it(`does not come in force: ${folder}`, async () => {
      assert.match(await problemWith(folder), words);
    });
  }

  it('says of a root of version 1 what it is', () => {
    const bundle = TrustBundle.fromPem(TEST_TRUST_DOMAIN, textOf('poor-messages/anchor-v1', 'anchors.pem'));
    assert.ok('problem' in bundle);
    assert.match(bundle.problem, /CN=v1root is of X\.509 version 1, which cannot say that it is one of a CA/);
  });

  it('stays the last good one when it is swapped under a running server, with the reason in its state', async () => {
    const { store, documents, events } = await started('poor-messages/intnoski');
    const before = store.current().issuer.id;
    for (const folder of Object.keys(REFUSED)) {
      const texts = {
        anchors: textOf(folder, 'anchors.pem'),
        chain: textOf(folder, 'chain.pem'),
        key: textOf(folder, 'key.pem'),
      };
      await documents.edit(texts);
      assert.equal(store.current().issuer.id, before, folder);
      const health = store.health(MADE_MS);
      assert.match(health.state === 'degraded' ? health.why : health.state, REFUSED[folder]!);
    }
    assert.equal(events.of('reloadFailed').length, Object.keys(REFUSED).length);
  });
});

describe('Trust material that peers take', () => {
  for (const folder of [
    'cross-signed-root/cross-anchors-both',
    'cross-signed-root/cross-anchors-new',
    'cross-signed-root/cross-oldroot-soon',
    'reissued-root-not-yet-valid',
    'poor-messages/chain-dup-leaf',
    'poor-messages/intnoski',
    'poor-messages/indented-key',
    'issuer-nobody-accepts/subject-empty',
  ]) {
    it(`comes in force: ${folder}`, async () => {
      const { store, events } = await started(folder);
      assert.deepEqual(store.health(MADE_MS), READY);
      assert.deepEqual(events.of('reloadFailed'), []);
    });
  }

  it('has as many certificates below an anchor as peers may need, each once', async () => {
    const lengthOf = async (folder: string): Promise<number> =>
      (await started(folder)).store.current().issuer.chainPems.length;
    assert.equal(await lengthOf('cross-signed-root/cross-anchors-new'), 1, 'nobody has the old root');
    assert.equal(await lengthOf('cross-signed-root/cross-anchors-both'), 2, 'some have the old root alone');
    assert.equal(await lengthOf('cross-signed-root/cross-oldroot-soon'), 1, 'the old root has ended');
    assert.equal(await lengthOf('poor-messages/chain-dup-leaf'), 2);
  });

  it('lives as long as the path that ends last, whatever becomes of a cross-signature', async () => {
    const soonMs = Date.UTC(2026, 10, 28, 5, 38, 0);
    const { store, clock, events } = await started('cross-signed-root/cross-oldroot-soon', soonMs);
    const end = store.current().issuer.notAfterMs;
    assert.equal(
      end,
      new X509Certificate(textOf('cross-signed-root/cross-oldroot-soon', 'chain.pem')).validToDate.getTime(),
    );
    assert.equal(store.current().bundle.anchors.length, 2);
    const changed = changeOf(store);
    await clock.advance(60_000);
    await changed;
    assert.deepEqual(store.health(clock.nowMs()), READY);
    assert.equal(store.current().issuer.notAfterMs, end);
    assert.equal(store.current().bundle.anchors.length, 1, 'the old root has ended and is not distributed');
    assert.match(
      String(events.of('trustWarning').at(-1)?.['problem']),
      /CN=ra \(SHA-256 [0-9a-f]{16}\) ended at 2026-11-28T05:38:30/,
    );
  });

  it('is warned of where it works and should not be as it is', async () => {
    const warnings = async (folder: string, settings?: DocumentIssuerSettings): Promise<string> =>
      JSON.stringify((await started(folder, MADE_MS, settings)).events.of('trustWarning'));
    assert.match(await warnings('issuer-nobody-accepts/subject-empty'), /is one of a CA, which must have a name/);
    const plain = { ...TEST_MATERIAL, partialAnchors: true };
    assert.match(await warnings('issuer-nobody-accepts/anchor-is-intermediate', plain), /CN=pol is signed by .*CN=re/);
    assert.match(
      await warnings('poor-messages/intnoski'),
      /CN=xintnoski sets no path length: whoever has its key can make CAs below it/,
    );
    assert.equal(await warnings('cross-signed-root/cross-anchors-both'), '[]');
  });

  it('takes a root that was issued anew over when it begins, and not before', async () => {
    const { store, clock } = await started('reissued-root-not-yet-valid');
    const [old] = store.current().bundle.anchors;
    assert.equal(store.current().bundle.anchors.length, 1);
    const begun = changeOf(store);
    clock.jumpTo(Date.UTC(2026, 11, 1, 0, 0, 1));
    await clock.advance(5_000);
    await begun;
    const { bundle, issuer } = store.current();
    assert.equal(bundle.anchors.length, 1);
    assert.notEqual(bundle.anchors[0]?.sha256, old?.sha256);
    assert.equal(issuer.anchorSha256, bundle.anchors[0]?.sha256);
    const setBack = changeOf(store);
    clock.jumpTo(MADE_MS);
    await clock.advance(5_000);
    await setBack;
    assert.equal(store.current().bundle.anchors[0]?.sha256, old?.sha256, 'the clock was set back');
  });
});
