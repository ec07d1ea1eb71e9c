import 'reflect-metadata';
import assert from 'node:assert/strict';
import * as x509 from '@peculiar/x509';
import { ANCHOR_LEDGER } from '../../../../src/adapters/storage/ledgers/anchor-ledger.ts';
import { ledgerIn } from '../../../../src/adapters/storage/ledgers/ledger-form.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import type { Authorship } from '../../../../src/domain/trust/issuer-ledger.ts';
import {
  advanced,
  bridged,
  NO_ANCHORS,
  started,
  type AnchorLedger,
} from '../../../../src/domain/trust/rotation/anchor-ledger.ts';
import { bridgeAt, bridgedChain, shortBridge, type Bridge } from '../../../../src/domain/trust/rotation/bridge.ts';
import { crossCertificateFrom } from '../../../../src/domain/trust/rotation/cross-certificate.ts';
import { obstaclesTo } from '../../../../src/domain/trust/rotation/gate.ts';
import type { WorkloadEvidence } from '../../../../src/domain/trust/rotation/evidence.ts';
import { joinedAnchorLedgers } from '../../../../src/domain/trust/rotation/joined-anchor-ledgers.ts';
import { progressOf } from '../../../../src/domain/trust/rotation/progress.ts';
import type { AnchorRotation } from '../../../../src/domain/trust/rotation/rotation.ts';
import { good, TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { nameConstraints, tiersAt, type Tier, type TierOptions } from '../../../support/paths/tiers.ts';
import { workloadEvidence } from '../../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const tier = tiersAt(NOON_MS);

function obstacles(
  { rotation }: AnchorLedger,
  workloads: readonly WorkloadEvidence[],
  nowMs = NOON_MS,
): readonly string[] {
  const progress = progressOf(rotation!, workloads, nowMs);
  return obstaclesTo(rotation!, progress, { places: [], issuers: [], own: [] }).map(({ text }) => text);
}
const BY: Authorship = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };

describe('The bridge of a rotation', () => {
  let old: Tier;
  let next: Tier;
  let issuer: Tier;
  let bundle: TrustBundle;
  let ledger: AnchorLedger;
  const rotation = (): AnchorRotation => ledger.rotation!;
  before(async () => {
    [old, next] = await Promise.all([tier('Old root'), tier('New root')]);
    issuer = await tier('Mesh issuer', { by: next, pathLength: 0 });
    bundle = bundleOf(old, next);
    ledger = good(started(NO_ANCHORS, { added: bundleOf(next), inForce: bundleOf(old), signing: [] }, BY));
  });

  const bundleOf = (...roots: readonly Tier[]): TrustBundle =>
    good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, roots.map(({ pem }) => pem).join('')));
  const cross = async (more: TierOptions = {}, name = 'New root'): Promise<Tier> =>
    tier(name, { by: old, keys: next.keys, ...more });
  const judged = (pem: string) => crossCertificateFrom(pem, rotation(), bundle, NOON_MS);
  const bridgeOf = async (more: TierOptions = {}): Promise<Bridge> => ({
    ...good(judged((await cross(more)).pem)),
    ...BY,
  });

  it('is a certificate of name and key of the new anchor that the old one signed', async () => {
    const certificate = good(judged((await cross({ endsInDays: 20 })).pem));
    assert.equal(certificate.from, bundleOf(old).anchors[0]!.sha256);
    assert.equal(certificate.subject, 'CN=New root');
    assert.equal(certificate.notAfterMs, NOON_MS + 20 * DAY_MS);
  });

  it('is nothing that whoever knows the old anchor alone would refuse, and each refusal says why', async () => {
    const [stranger, other] = [await tier('Stranger'), await tier('New root')];
    const td = (value: string) => nameConstraints({ permitted: [{ kind: 'uri', value }] });
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /has no PEM block of type CERTIFICATE/],
      ['nothing at all', /has no PEM block of type CERTIFICATE/],
      ['x'.repeat(20_000), /is larger than/],
      [(await cross()).pem.repeat(2), /is one certificate, and the file has 2/],
      [(await cross()).pem + issuer.pem, /is one certificate, and the file has 2/],
      [next.pem, /is self-signed: have the new trust anchor signed by the old one/],
      [(await tier('Old root', { by: next, keys: old.keys })).pem, /the other way round/],
      [(await cross({ keys: other.keys })).pem, /not of name and key of CN=New root/],
      [(await cross({}, 'Another name')).pem, /is of CN=Another name, and not of name and key/],
      [(await cross({ by: stranger })).pem, /is not signed by CN=Old root/],
      [(await cross({ ca: false })).pem, /is not a CA certificate/],
      [
        (await cross({ usage: x509.KeyUsageFlags.digitalSignature })).pem,
        /not a CA certificate: its key usage leaves out signing/,
      ],
      [(await cross({ pathLength: 0 })).pem, /allows 0 intermediates below it/],
      [(await cross({ more: [td('other.example')] })).pem, /name constraints that do not allow/],
      [(await cross({ uses: ['1.3.6.1.5.5.7.3.1'] })).pem, /extended key usage without clientAuth/],
      [(await cross({ startsInDays: -9, endsInDays: -1 })).pem, /ended|expired/],
      [(await cross({ startsInDays: 1 })).pem, /not valid before|not yet valid|begins/],
      [(await cross({ signedWith: 'SHA-1' })).pem, /SHA-?1/i],
      [(await cross({ ownKeyId: '00112233' })).pem, /another subject key identifier/],
    ];
    for (const [pem, why] of cases) {
      const verdict = judged(pem);
      assert.match('problem' in verdict ? verdict.problem : 'it was taken', why);
    }
    const bound = await cross({ more: [td(TEST_TRUST_DOMAIN)] });
    assert.ok(!('problem' in judged(bound.pem)));
  });

  it('stands behind the chain of an issuer below the new anchor, and never behind one that it does not lead to', async () => {
    const bridge = await bridgeOf();
    assert.deepEqual(bridgedChain(issuer.pem, bridge, bundle, NOON_MS), [issuer.pem, bridge.pem]);
    const stranger = await tier('Mesh issuer', { by: await tier('New root') });
    const verdict = bridgedChain(stranger.pem, bridge, bundle, NOON_MS);
    assert.ok('problem' in verdict);
    const deep = await tier('Middle', { by: next });
    const narrow = { ...bridge, ...good(judged((await cross({ pathLength: 1 })).pem)) };
    const below = await tier('Deep issuer', { by: deep });
    const tooDeep = bridgedChain(below.pem + deep.pem, narrow, bundle, NOON_MS);
    assert.match('problem' in tooDeep ? tooDeep.problem : 'it carries it', /path length/);
  });

  it('is in force from publish to the end of adopt, and not when it has ended', async () => {
    const bridge = await bridgeOf({ endsInDays: 10 });
    const given = good(bridged(ledger, bridge));
    const at = (known: AnchorLedger, ms = NOON_MS) => bridgeAt(known.rotation, ms)?.sha256;
    const adopt = good(advanced(given, 'advance', BY));
    assert.deepEqual([at(given), at(adopt)], [bridge.sha256, bridge.sha256]);
    assert.deepEqual(
      [at(good(advanced(adopt, 'retire', BY))), at(good(advanced(adopt, 'abort', BY)))],
      [undefined, undefined],
    );
    assert.equal(at(adopt, NOON_MS + 10 * DAY_MS), undefined);
    assert.equal(shortBridge(bridge, 10 * DAY_MS, NOON_MS), undefined);
    assert.match(shortBridge(bridge, 11 * DAY_MS, NOON_MS) ?? '', /helps until .* only/);
  });

  it('is given once, taken back once, and only while bundles have old and new', async () => {
    const bridge = await bridgeOf();
    const given = good(bridged(ledger, bridge));
    const problemOf = (outcome: object): unknown => ('problem' in outcome ? outcome.problem : undefined);
    assert.match(String(problemOf(bridged(given, bridge))), /has this bridge already/);
    assert.match(String(problemOf(bridged(ledger, undefined))), /has no bridge/);
    assert.match(String(problemOf(bridged(NO_ANCHORS, bridge))), /not started/);
    const done = good(advanced(good(advanced(given, 'advance', BY)), 'retire', BY));
    assert.match(String(problemOf(bridged(done, bridge))), /in phase retire/);
    assert.equal(good(bridged(given, undefined)).rotation.bridge, undefined);
  });

  it('is written down and read back, and comes with a backup of the same rotation', async () => {
    const given = good(bridged(ledger, await bridgeOf()));
    assert.deepEqual(ledgerIn(ANCHOR_LEDGER, JSON.parse(JSON.stringify(given))), given);
    assert.deepEqual(joinedAnchorLedgers(ledger, given).rotation, given.rotation);
    assert.deepEqual(joinedAnchorLedgers(given, ledger).rotation, given.rotation);
  });

  it('has whoever knows its anchor in nobody’s way of adopt, and in that of retire; who is not known to know it stays in both', async () => {
    const [given, bare] = [good(bridged(ledger, await bridgeOf())), ledger];
    const anchors = [bundleOf(old).anchors[0]!.sha256];
    const leaf = { ...workloadEvidence().leaf, issuedMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS };
    const knowing = workloadEvidence({ leaf, received: [{ anchors, timeMs: NOON_MS }] });
    const unknown = workloadEvidence({ leaf });
    const counts = (known: AnchorLedger) => {
      const { unaware, bridged: over } = progressOf(known.rotation!, [knowing, unknown], NOON_MS);
      return [unaware.count, over.count];
    };
    assert.deepEqual(
      [counts(bare), counts(given)],
      [
        [2, 0],
        [1, 1],
      ],
    );
    assert.deepEqual(obstacles(given, [knowing]), []);
    assert.match(
      obstacles(good(advanced(given, 'advance', BY)), [knowing]).join(),
      /1 live workload is bridged, and not known to have/,
    );
  });

  it('leaves whoever needed it in the way of retire when it has ended, or was taken back, in adopt', async () => {
    const adopt = good(advanced(good(bridged(ledger, await bridgeOf({ endsInDays: 10 }))), 'advance', BY));
    const anchors = [bundleOf(old).anchors[0]!.sha256];
    const laggardAt = (issuedMs: number) => [
      workloadEvidence({
        // Of an issuer below the new anchor: nothing of its own is in the way.
        leaf: {
          ...workloadEvidence().leaf,
          trustAnchor: bundleOf(next).anchors[0]!.sha256,
          issuedMs,
          notAfterMs: issuedMs + HOUR_MS,
        },
        received: [{ anchors, timeMs: issuedMs }],
      }),
    ];
    const without = good(bridged(adopt, undefined));
    const endMs = NOON_MS + 10 * DAY_MS;
    for (const texts of [obstacles(without, laggardAt(NOON_MS)), obstacles(adopt, laggardAt(endMs), endMs)]) {
      assert.equal(texts.length, 1);
      assert.match(texts.join(), /^1 live workload is not known to have the new trust anchor: /);
    }
  });
});
