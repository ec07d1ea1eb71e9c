// What the port of the issuers' figures promises, of each implementation.
import assert from 'node:assert/strict';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { IssuerStatistics } from '../../../src/ports/storage/issuer-statistics.ts';
import { issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const NEVER = { signal: new AbortController().signal };
const WINDOW = { nowMs: NOON_MS, sinceMs: NOON_MS - 24 * HOUR_MS };
const [OLD, NEW] = ['a'.repeat(16), 'b'.repeat(16)];

const leaf = (
  id: string,
  namespace: string,
  { endsMs = NOON_MS + HOUR_MS, timeMs = NOON_MS - HOUR_MS, issuer = NEW, issuerName = 'gold', revision = 'r2' } = {},
): DecisionRecord =>
  issued(id, {
    identity: `spiffe://cluster.local/ns/${namespace}/sa/web`,
    timeMs,
    notAfterMs: endsMs,
    issuer,
    issuerName,
    policyRevision: revision,
  });
const no = (id: string, issuer: string, more: object = {}): DecisionRecord =>
  refused(id, { timeMs: NOON_MS - HOUR_MS, policyRevision: 'r2', policy: traced({ issuer }), ...more });

const RECORDS: readonly DecisionRecord[] = [
  leaf('1', 'shop', { endsMs: NOON_MS + 2 * HOUR_MS }),
  leaf('2', 'shop'),
  leaf('3', 'bank'),
  leaf('4', 'bank', { endsMs: NOON_MS - 1 }),
  leaf('5', 'shop', { issuer: OLD, revision: 'r1', timeMs: NOON_MS - 2 * HOUR_MS }),
  leaf('6', 'shop', { issuerName: 'default', issuer: 'c'.repeat(16) }),
  leaf('7', 'shop', { timeMs: NOON_MS - 25 * HOUR_MS, endsMs: NOON_MS - HOUR_MS }),
  issued('8', { timeMs: NOON_MS, identity: 'capstan.example', api: 'self', issuer: NEW, issuerName: 'gold' }),
  no('9', 'gold'),
  no('10', 'gold', { count: 40 }),
  no('11', 'default'),
  refused('12', { timeMs: NOON_MS }),
];

export function describeIssuerStatistics(
  what: string,
  make: (records: readonly DecisionRecord[]) => Promise<IssuerStatistics>,
): void {
  describe(`The figures of issuers ${what}`, () => {
    let statistics: IssuerStatistics;
    beforeEach(async () => (statistics = await make(RECORDS)));

    it('have the leaves that live of one certificate, and when the last of them ends', async () => {
      assert.deepEqual(await statistics.liveLeavesOf(NEW, WINDOW, NEVER), {
        count: 4,
        latestEndMs: NOON_MS + 2 * HOUR_MS,
      });
      assert.deepEqual(await statistics.liveLeavesOf(OLD, WINDOW, NEVER), { count: 1, latestEndMs: NOON_MS + HOUR_MS });
      assert.deepEqual(await statistics.liveLeavesOf('0'.repeat(16), WINDOW, NEVER), { count: 0 });
    });

    it('count what an issuer issued and was to issue, by namespace and by the policies that decided', async () => {
      assert.deepEqual(await statistics.figuresOf('gold', WINDOW, NEVER), {
        sinceMs: WINDOW.sinceMs,
        issued: 6,
        refused: 41,
        live: { count: 5, latestEndMs: NOON_MS + 2 * HOUR_MS },
        namespaces: [
          { namespace: 'shop', issued: 3, live: 3 },
          { namespace: 'bank', issued: 2, live: 1 },
        ],
        revisions: [
          { revision: '0123456789abcdef', issued: 1, refused: 0 },
          { revision: 'r2', issued: 4, refused: 41 },
          { revision: 'r1', issued: 1, refused: 0 },
        ],
      });
    });

    it('are nothing of an issuer that decided nothing', async () => {
      const { issued: some, refused: none, live, namespaces } = await statistics.figuresOf('silver', WINDOW, NEVER);
      assert.deepEqual([some, none, live, namespaces], [0, 0, { count: 0 }, []]);
    });

    it('are not read for who gave up', async () => {
      const reason = new Error('the server stops');
      await assert.rejects(statistics.figuresOf('gold', WINDOW, { signal: AbortSignal.abort(reason) }), reason);
    });
  });
}
