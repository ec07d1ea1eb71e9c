import assert from 'node:assert/strict';
import { RevokedByBans } from '../../../src/authority/revocation/revoked-by-bans.ts';
import { NO_BANS, type BanLedger } from '../../../src/domain/revocation/ban-ledger.ts';
import { Listeners } from '../../../src/live/listeners.ts';
import type { RevokedLeaves } from '../../../src/ports/storage/revoked-leaves.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { banOf } from './fake-bans.ts';

const HOUR_MS = 3_600_000;
const NEVER = { signal: new AbortController().signal };

describe('What bans have made void', () => {
  let clock: FakeClock;
  let ledger: BanLedger;
  let changed: Listeners;
  let asked: Parameters<RevokedLeaves['revokedBy']>[];
  let revoked: RevokedByBans;
  beforeEach(() => {
    [clock, ledger, changed, asked] = [new FakeClock(), NO_BANS, new Listeners(), []];
    const leaves: Pick<RevokedLeaves, 'revokedBy'> = {
      revokedBy: async (...question) => {
        asked.push(question);
        return { certificates: [], count: 0 };
      },
    };
    const followed = {
      current: () => ledger,
      onChange: (listener: () => void, options: typeof NEVER) => changed.add(listener, options),
    };
    revoked = new RevokedByBans({ ledger: followed, leaves, clock }, { longestLeafMs: 24 * HOUR_MS });
  });

  it('is asked of the journal for the bans that there are, as far back as leaves may live', async () => {
    ledger = { ...NO_BANS, bans: [banOf({ kind: 'namespace', namespace: 'shop' })] };
    await revoked.revoked(NEVER);
    assert.deepEqual(asked, [[ledger.bans, { nowMs: NOON_MS, sinceMs: NOON_MS - 24 * HOUR_MS }, NEVER]]);
  });

  it('is nothing without bans, and nobody is asked', async () => {
    assert.deepEqual(await revoked.revoked(NEVER), { certificates: [], count: 0 });
    assert.deepEqual(asked, []);
  });

  it('may be more at a ban, and once more when every server has heard of it', async () => {
    let changes = 0;
    revoked.onChange(() => (changes += 1), NEVER);
    changed.notify();
    assert.equal(changes, 1);
    await clock.advance(9_999);
    assert.equal(changes, 1);
    await clock.advance(1);
    assert.equal(changes, 2);
  });
});
