// What the port of revoked leaves promises, of each implementation.
import assert from 'node:assert/strict';
import { OWN_CLUSTER, type BanTarget } from '../../../src/domain/revocation/ban.ts';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { RevokedLeaves } from '../../../src/ports/storage/revoked-leaves.ts';
import { issued, refused } from '../../adapters/storage/sqlite/records.ts';
import { banOf } from '../../authority/revocation/fake-bans.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const NEVER = { signal: new AbortController().signal };
const WINDOW = { nowMs: NOON_MS, sinceMs: NOON_MS - 24 * HOUR_MS };
const [OLD, NEW] = ['a'.repeat(16), 'b'.repeat(16)];

const idOf = (namespace: string, account = 'web'): string => `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
const leaf = (serial: string, identity: string, more: Partial<DecisionRecord> = {}): DecisionRecord =>
  issued(`d${serial}`, {
    serial,
    identity,
    timeMs: NOON_MS - HOUR_MS,
    notAfterMs: NOON_MS + HOUR_MS,
    issuer: NEW,
    proofId: `d${serial}`,
    provenAtMs: NOON_MS - HOUR_MS,
    ...more,
  } as object);

const RECORDS: readonly DecisionRecord[] = [
  leaf('1', idOf('shop')),
  leaf('2', idOf('shop', 'cart'), { issuer: OLD, notAfterMs: NOON_MS + 2 * HOUR_MS }),
  leaf('3', idOf('shop'), { proofId: 'd1' }),
  leaf('4', idOf('shop'), { notAfterMs: NOON_MS - 1 }),
  leaf('5', idOf('shop'), { remoteCluster: 'east' }),
  leaf('6', idOf('bank'), { nodeName: 'node-2' }),
  leaf('7', idOf('bank'), { nodeName: 'node-2', remoteCluster: 'east' }),
  // After the ban, as by a clock that was ahead: nobody who is concerned is given anything while the ban lasts.
  leaf('8', idOf('shop'), { timeMs: NOON_MS - 1 }),
  issued('9', { timeMs: NOON_MS - HOUR_MS, identity: 'capstan.example', api: 'self', serial: '9', nodeName: 'node-2' }),
  refused('10', { timeMs: NOON_MS - HOUR_MS, identity: idOf('shop') }),
];
/** Own certificates have no caller. */
const OWN = { caller: undefined, authenticationMethod: undefined, credentialId: undefined };

export function describeRevokedLeaves(
  what: string,
  make: (records: readonly DecisionRecord[]) => Promise<RevokedLeaves>,
): void {
  describe(`The certificates that bans hit ${what}`, () => {
    let leaves: RevokedLeaves;
    beforeEach(
      async () =>
        (leaves = await make(
          RECORDS.map((one) => (one.api === 'self' ? ({ ...one, ...OWN } as unknown as DecisionRecord) : one)),
        )),
    );

    async function hit(...targets: readonly BanTarget[]): Promise<readonly string[]> {
      const bans = targets.map((target) => banOf(target, { timeMs: NOON_MS - 30 * 60_000 }));
      const { certificates, count } = await leaves.revokedBy(bans, WINDOW, NEVER);
      assert.equal(count, certificates.length);
      return certificates.map(({ serial }) => serial).toSorted();
    }

    it('are those of an identity that live, in all clusters or in one', async () => {
      assert.deepEqual(await hit({ kind: 'identity', identity: idOf('shop') }), ['1', '3', '5', '8']);
      assert.deepEqual(await hit({ kind: 'identity', identity: idOf('shop'), cluster: OWN_CLUSTER }), ['1', '3', '8']);
      assert.deepEqual(await hit({ kind: 'identity', identity: idOf('shop'), cluster: 'east' }), ['5']);
      assert.deepEqual(await hit({ kind: 'identity', identity: idOf('nobody') }), []);
    });

    it('are none that were issued after a ban that has ended', async () => {
      const target = { kind: 'identity', identity: idOf('shop') } as const;
      const ban = banOf(target, { timeMs: NOON_MS - 30 * 60_000, untilMs: NOON_MS - 60_000 });
      const { certificates } = await leaves.revokedBy([ban], WINDOW, NEVER);
      assert.deepEqual(certificates.map(({ serial }) => serial).toSorted(), ['1', '3', '5']);
    });

    it('are those of a namespace', async () => {
      assert.deepEqual(await hit({ kind: 'namespace', namespace: 'shop' }), ['1', '2', '3', '5', '8']);
      assert.deepEqual(await hit({ kind: 'namespace', namespace: 'sho' }), []);
    });

    it('are those of a node of one cluster, and never our own', async () => {
      assert.deepEqual(await hit({ kind: 'node', node: 'node-2', cluster: OWN_CLUSTER }), ['6']);
      assert.deepEqual(await hit({ kind: 'node', node: 'node-2', cluster: 'east' }), ['7']);
    });

    it('are a certificate and what goes back to the same proof', async () => {
      assert.deepEqual(await hit({ kind: 'serial', serial: '3', identity: idOf('shop'), proofId: 'd1' }), ['1', '3']);
    });

    it('are each named once, with its issuer, end, reason and the first ban that hits it, those that end last first', async () => {
      const bans = [
        banOf({ kind: 'namespace', namespace: 'shop', cluster: OWN_CLUSTER }, { timeMs: NOON_MS - 60_000 }),
        banOf({ kind: 'node', node: 'node-1', cluster: OWN_CLUSTER }, { timeMs: NOON_MS - 120_000 }),
      ];
      const { certificates } = await leaves.revokedBy(bans, WINDOW, NEVER);
      assert.deepEqual(certificates[0], {
        serial: '2',
        issuer: OLD,
        notAfterMs: NOON_MS + 2 * HOUR_MS,
        revokedMs: NOON_MS - 120_000,
        reason: 'keyCompromise',
      });
      assert.deepEqual(certificates.map(({ serial }) => serial).toSorted(), ['1', '2', '3', '8']);
    });

    it('are found by a serial, while they live', async () => {
      assert.deepEqual(await leaves.leafOf('3', WINDOW, NEVER), {
        timeMs: NOON_MS - HOUR_MS,
        identity: idOf('shop'),
        serial: '3',
        issuer: NEW,
        notAfterMs: NOON_MS + HOUR_MS,
        proofId: 'd1',
        nodeName: 'node-1',
      });
      for (const serial of ['4', '9', 'abc']) assert.equal(await leaves.leafOf(serial, WINDOW, NEVER), undefined);
    });
  });
}
