import assert from 'node:assert/strict';
import { describe as wordsOn } from '../../../../src/domain/trust/rotation/dependants.ts';
import type { WorkloadEvidence } from '../../../../src/domain/trust/rotation/evidence.ts';
import { obstaclesTo, planOf, type Surroundings } from '../../../../src/domain/trust/rotation/gate.ts';
import { MAX_LAGGARDS, progressOf } from '../../../../src/domain/trust/rotation/progress.ts';
import {
  begun,
  stepped,
  type AnchorName,
  type AnchorRotation,
} from '../../../../src/domain/trust/rotation/rotation.ts';
import { good } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { workloadEvidence } from '../../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const [OLD, NEW] = ['0'.repeat(64), 'f'.repeat(64)];
const anchor = (sha256: string, subject: string): AnchorName => ({ sha256, subject, notAfterMs: NOON_MS * 2 });
const BY = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };
const PUBLISH = begun({ added: [anchor(NEW, 'CN=New')], old: [anchor(OLD, 'CN=Old')], signing: [] }, BY);
const ADOPT = good(stepped(PUBLISH, 'advance', BY));
const RETIRE = good(stepped(ADOPT, 'retire', BY));
const PLACES = [
  { kind: 'ConfigMap', name: 'kube-system/istio-ca-root-cert', version: '7', anchors: [OLD, NEW] },
  { kind: 'ConfigMap', name: 'shop/istio-ca-root-cert', version: '5', anchors: [OLD] },
  { kind: 'ClusterTrustBundle', name: 'capstan.dev:mesh:roots', anchors: [] },
];
const ALL_WELL: Surroundings = { places: [], issuers: [], own: [] };

/** With a certificate of one hour, a quarter of which is over. */
function workload(parts: Partial<WorkloadEvidence> & { readonly below?: string } = {}): WorkloadEvidence {
  const { below = OLD, ...rest } = parts;
  const leaf = {
    serial: 'ab12',
    api: 'csr',
    issuer: '00112233aabbccdd',
    issuerName: 'default',
    trustAnchor: below,
    issuedMs: NOON_MS - HOUR_MS / 4,
    notAfterMs: NOON_MS + (HOUR_MS * 3) / 4,
  };
  const live = [{ trustAnchor: below, latestEndMs: leaf.notAfterMs }];
  return workloadEvidence({ podUid: 'uid', podName: 'web-0', leaf, live, ...rest });
}
const received = (...anchors: readonly string[]) => [{ anchors, timeMs: NOON_MS }];
const stream = (proxy: string, ...anchors: readonly string[]) => ({ proxy, anchors, timeMs: NOON_MS });
const textsOf = (rotation: AnchorRotation, workloads: readonly WorkloadEvidence[], more: Partial<Surroundings> = {}) =>
  obstaclesTo(rotation, progressOf(rotation, workloads, NOON_MS), { ...ALL_WELL, ...more }).map(({ text }) => text);

describe('The progress of a rotation of trust anchors', () => {
  it('counts by namespace who knows the new anchor, by which evidence, and who presents it', () => {
    const { all, namespaces } = progressOf(
      PUBLISH,
      [
        workload({ received: received(OLD, NEW) }),
        workload({ streams: [stream('a', OLD, NEW)], below: NEW }),
        workload({ identity: 'spiffe://corp.example/ns/pay/sa/api', received: received(OLD) }),
      ],
      NOON_MS,
    );
    assert.deepEqual(all, { workloads: 3, know: 2, acknowledged: 1, present: 1 });
    assert.deepEqual(
      namespaces.map(({ namespace, workloads, know }) => [namespace, workloads, know]),
      [
        ['pay', 1, 0],
        ['shop', 2, 2],
      ],
    );
  });

  it('takes a certificate for moved only when each of its proxies has acknowledged it, and counts the one before until it ends', () => {
    const endMs = NOON_MS + HOUR_MS / 2;
    const renewed = workload({ below: NEW });
    const leaf = { ...renewed.leaf, api: 'sds' };
    const live = [...renewed.live, { trustAnchor: OLD, latestEndMs: endMs }];
    const having = (...anchors: readonly (string | undefined)[]): WorkloadEvidence => {
      const acknowledged = (trustAnchor?: string) =>
        trustAnchor === undefined ? {} : { leaf: { trustAnchor, notAfterMs: endMs } };
      const streams = anchors.map((one, index) => ({ ...stream(`p${index}`, OLD, NEW), ...acknowledged(one) }));
      return workload({ leaf, live, streams });
    };
    for (const late of [having(NEW, OLD), having(NEW, undefined)]) {
      const { all, dependent } = progressOf(ADOPT, [late], NOON_MS);
      assert.equal(all.present, 0);
      assert.match(wordsOn(dependent.first[0]!), /web-0.* has not acknowledged its new certificate in proxy p1/);
      assert.equal(dependent.untilMs, endMs);
      assert.equal(progressOf(ADOPT, [late], endMs).dependent.count, 0);
    }
    const { all, dependent } = progressOf(ADOPT, [having(NEW, NEW)], NOON_MS);
    assert.deepEqual([all.present, dependent.count], [1, 0]);
  });

  it('goes by every proxy of a workload, whatever it was sent with a CSR', () => {
    const late = { ...stream('b', OLD), rejected: { message: 'no such CA', timeMs: NOON_MS } };
    const { unaware } = progressOf(
      PUBLISH,
      [
        workload({ streams: [stream('a', OLD, NEW), late], received: received(OLD, NEW) }),
        workload({ streams: [stream('a', OLD, NEW)], received: received(OLD) }),
        workload({ streams: [stream('c')] }),
      ],
      NOON_MS,
    );
    assert.equal(unaware.count, 2);
    assert.deepEqual(
      unaware.first.map(({ why }) => why),
      ['rejected the trust bundle in proxy b: no such CA', 'has not acknowledged a trust bundle in proxy c'],
    );
  });

  it('names each that lags behind, with its pod, why and since when', () => {
    const { unaware } = progressOf(PUBLISH, [workload({ received: received(OLD) })], NOON_MS);
    assert.deepEqual(unaware.first.map(wordsOn), [
      'spiffe://corp.example/ns/shop/sa/web (pod web-0) was sent a trust bundle without it, since 2026-01-06 12:00:00 UTC',
    ]);
  });

  it('takes the newest certificate of a pod for the one in use, and of holders without a pod each that lives', () => {
    const live = [OLD, NEW].map((trustAnchor) => ({ trustAnchor, latestEndMs: NOON_MS + HOUR_MS / 2 }));
    const { identity, leaf, streams } = workload({ below: NEW });
    const without = { identity, leaf, streams, live };
    const { dependent } = progressOf(ADOPT, [workload({ below: NEW, live }), without], NOON_MS);
    assert.equal(dependent.count, 1);
    assert.match(
      dependent.first[0]?.why ?? '',
      /^has no pod, so that an earlier certificate below it may be in use until/,
    );
  });

  it('takes a certificate of before anchors were recorded for one below the old', () => {
    const { serial, api, issuer, issuedMs, notAfterMs } = workload().leaf;
    const leaf = { serial, api, issuer, issuedMs, notAfterMs };
    assert.equal(progressOf(ADOPT, [workload({ leaf, live: [] })], NOON_MS).dependent.count, 1);
  });

  it('names a bounded number, those that are due first, and counts all', () => {
    const many = Array.from({ length: 3 * MAX_LAGGARDS }, (_, index) => {
      const one = workload();
      return { ...one, leaf: { ...one.leaf, serial: String(index), issuedMs: NOON_MS - index } };
    });
    const { unaware } = progressOf(PUBLISH, many, NOON_MS);
    assert.deepEqual([unaware.count, unaware.first.length], [3 * MAX_LAGGARDS, MAX_LAGGARDS]);
    assert.equal(unaware.first[0]?.sinceMs, NOON_MS - (3 * MAX_LAGGARDS - 1));
  });
});

describe('The gate of a rotation of trust anchors', () => {
  it('stands against adopt while a workload, a place or an issuer is not ready', () => {
    const issuer = { name: 'default', anchors: [OLD], holdsBack: true };
    const texts = textsOf(PUBLISH, [workload({ received: received(OLD) })], { places: PLACES, issuers: [issuer] });
    assert.match(
      texts[0] ?? '',
      /^1 live workload is not known to have the new trust anchor: spiffe.*web-0.*; by 2026/,
    );
    assert.deepEqual(texts.slice(1), [
      'the new trust anchor is missing in 2 places: ConfigMap shop/istio-ca-root-cert; ClusterTrustBundle capstan.dev:mesh:roots',
      'issuer default has no certificate below the new trust anchor',
    ]);
    const unprepared = obstaclesTo(PUBLISH, progressOf(PUBLISH, [], NOON_MS), {
      issuers: [issuer],
      own: [],
      places: [],
    });
    assert.match(
      unprepared.find(({ advice }) => advice !== undefined)?.advice ?? '',
      /^capstan issuer csr default --config FILE, .*, capstan issuer import default --config FILE --chain FILE: /,
    );
    const prepared = { ...issuer, prepared: { id: 'ab', anchors: [NEW] } };
    assert.deepEqual(textsOf(PUBLISH, [workload({ received: received(OLD, NEW) })], { issuers: [prepared] }), []);
  });

  it('stands against adopt while nobody can know where the anchor is published', () => {
    const found = obstaclesTo(PUBLISH, progressOf(PUBLISH, [], NOON_MS), { issuers: [], own: [] });
    assert.deepEqual(
      found.map(({ text }) => text),
      ['it is not known where the new trust anchor is published'],
    );
  });

  it('stands against retire while a workload, an issuer or a certificate of ours is below the old anchor', () => {
    const own = { name: 'the serving certificate', trustAnchor: OLD, notAfterMs: NOON_MS + HOUR_MS };
    const issuers = [{ name: 'gold', anchors: [OLD], holdsBack: false }];
    const knows = { received: received(OLD, NEW) };
    const texts = textsOf(ADOPT, [workload(knows)], { own: [own], issuers });
    assert.equal(texts.length, 3);
    assert.match(texts[0] ?? '', /^issuer gold signs below the old trust anchor$/);
    assert.match(
      texts[1] ?? '',
      /^1 live workload is below the old trust anchor: .*certificate ab12 of issuer default/,
    );
    assert.match(texts[2] ?? '', /^the serving certificate hangs on the old trust anchor/);
    const moved = workload({ ...knows, below: NEW });
    assert.deepEqual(textsOf(ADOPT, [moved], { own: [{ ...own, trustAnchor: NEW }] }), []);
  });

  it('stands against done while a workload is known to have the old anchor', () => {
    assert.equal(textsOf(RETIRE, [workload({ below: NEW, received: received(OLD, NEW) })]).length, 1);
    assert.deepEqual(textsOf(RETIRE, [workload({ below: NEW, received: received(NEW) })]), []);
  });

  it('goes by what each holder without a pod was sent, however new the newest answer is', () => {
    const before = { anchors: [OLD], timeMs: NOON_MS - HOUR_MS };
    const now = { anchors: [NEW], timeMs: NOON_MS };
    const machines = (...those: readonly (typeof now)[]) => {
      const { identity, leaf, streams, live } = workload({ below: NEW });
      return { identity, leaf, streams, live, received: those };
    };
    const [late] = textsOf(RETIRE, [machines(now, before)]);
    const words =
      / has no pod, so that a holder may be left that was sent a trust bundle with it, since 2026-01-06 11:00:00 UTC; by /;
    assert.match(late ?? '', words);
    const { unaware } = progressOf(PUBLISH, [machines(now, before)], NOON_MS);
    assert.match(
      unaware.first.map(wordsOn).join(),
      /may be left that was sent a trust bundle without it, since 2026-01-06 11:00:00 UTC$/,
    );
    assert.deepEqual(textsOf(RETIRE, [machines(now)]), []);
    // What one of them acknowledged or presented says nothing of the others.
    const one = { ...machines(before), streams: [stream('p', NEW)], presented: { trustAnchor: NEW, timeMs: NOON_MS } };
    for (const those of [one, { ...one, streams: [] }])
      assert.deepEqual(
        [PUBLISH, RETIRE]
          .map((rotation) => progressOf(rotation, [those], NOON_MS))
          .map((of) => [of.unaware.count, of.holding.count]),
        [
          [1, 1],
          [1, 1],
        ],
      );
  });

  it('stands against retire while a place lacks the new anchor, and against done while one has the old one, by name', () => {
    const missing = 'the new trust anchor is missing in 2 places: ConfigMap shop/istio-ca-root-cert; ';
    assert.ok(textsOf(ADOPT, [], { places: PLACES })[0]?.startsWith(missing));
    assert.deepEqual(textsOf(RETIRE, [], { places: PLACES }), [
      'the old trust anchor is still in 2 places: ConfigMap kube-system/istio-ca-root-cert; ConfigMap shop/istio-ca-root-cert',
    ]);
  });

  it('counts the certificate of a Secret as one of ours, and neither as a workload nor twice', () => {
    const istiod = workload({ received: received(OLD) });
    const inSecret = { ...istiod, leaf: { ...istiod.leaf, api: 'secret' } };
    for (const phase of [PUBLISH, ADOPT, RETIRE]) assert.deepEqual(textsOf(phase, [inSecret]), []);
    const unseen = { name: 'the certificate of istiod (istiod-tls)', problem: 'it could not be read: 403' };
    assert.deepEqual(textsOf(ADOPT, [], { own: [unseen] }), [
      'it is not known what the certificate of istiod (istiod-tls) hangs on: it could not be read: 403',
    ]);
  });

  it('names three of many, and how many others there are', () => {
    const [text] = textsOf(
      ADOPT,
      Array.from({ length: 5 }, () => workload()),
    );
    assert.match(text ?? '', /^5 live workloads are below .*; and 2 others; by /);
  });
});

describe('The plan of a rotation of trust anchors', () => {
  const planAt = (rotation: AnchorRotation, workloads: readonly WorkloadEvidence[], nowMs = NOON_MS) =>
    planOf(rotation, progressOf(rotation, workloads, nowMs), { nowMs, spreadMs: 60_000 });

  it('has publish end when the last has renewed at its half life, and at the latest when its certificate ends', () => {
    const [publish] = planAt(PUBLISH, [workload()]);
    assert.deepEqual(publish, {
      phase: 'publish',
      earliestMs: NOON_MS + HOUR_MS / 4,
      latestMs: NOON_MS + (HOUR_MS * 3) / 4,
    });
  });

  it('waits for one that is overdue until its certificate ends', () => {
    const [publish] = planAt(PUBLISH, [workload()], NOON_MS + HOUR_MS / 2);
    assert.equal(publish?.earliestMs, NOON_MS + (HOUR_MS * 3) / 4);
  });

  it('has each phase after that end a half life later, and no sooner than renewals over SDS are spread', () => {
    const plan = planAt(PUBLISH, [workload({ received: received(OLD, NEW) })]);
    assert.deepEqual(
      plan.map(({ phase, earliestMs }) => [phase, earliestMs - NOON_MS]),
      [
        ['publish', 0],
        ['adopt', HOUR_MS / 2],
        ['retire', HOUR_MS],
      ],
    );
    assert.deepEqual(
      planAt(PUBLISH, []).map(({ earliestMs }) => earliestMs - NOON_MS),
      [0, 60_000, 120_000],
    );
  });
});
