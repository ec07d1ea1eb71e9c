import assert from 'node:assert/strict';
import { durabilityWarnings, type Durability } from '../../../src/adapters/storage/postgres/connection/durability.ts';

const SOUND: Durability = {
  fsync: true,
  fullPageWrites: true,
  synchronousCommit: 'on',
  synchronousStandbyNames: 'ANY 1 (a, b)',
  standbys: 2,
};

/** What PostgreSQL does, with how many hosts in the configuration, and what is warned of. */
const CASES: readonly (readonly [changes: Partial<Durability>, hosts: number, warning?: RegExp])[] = [
  [{}, 2],
  [{ synchronousCommit: 'remote_apply' }, 2],
  [{ synchronousStandbyNames: '', standbys: 0 }, 1],
  [{ fsync: false }, 1, /^fsync is off/],
  [{ fullPageWrites: false }, 1, /^full_page_writes is off/],
  [{ synchronousCommit: 'local' }, 1, /^synchronous_commit is local/],
  [{ synchronousStandbyNames: '', standbys: 0 }, 2, /a failover can lose the last records/],
  [{ synchronousStandbyNames: ' ', standbys: 1 }, 1, /a failover can lose the last records/],
];

describe('What a crash or a failover of PostgreSQL could lose', () => {
  for (const [changes, hosts, warning] of CASES) {
    it(`is ${warning === undefined ? 'nothing' : 'said'} with ${JSON.stringify(changes)} and ${hosts} hosts`, () => {
      const warnings = durabilityWarnings({ ...SOUND, ...changes }, hosts);
      if (warning === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join('\n'), warning);
      assert.ok(warnings.length < 2);
    });
  }
});
