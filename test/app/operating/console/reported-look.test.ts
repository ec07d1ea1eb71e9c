// What of a look leaves its thread, where somebody planted very much of one kind.
import assert from 'node:assert/strict';
import { MAX_FOUND, reportedLook } from '../../../../src/app/estate/reported-look.ts';
import type { IssuerData, RogueData } from '../../../../src/review/rogue/rogue-data.ts';

const issuer = (name: string): IssuerData => ({
  ...{ id: 'rogue/self-signed-issuer', severity: 'error', name, madeBy: 'somebody', usedBy: [] },
  ...{ why: 'it signs itself', bringHome: '' },
});
const ca = (subject: string): RogueData => ({
  ...{ id: 'rogue/self-signed-ca', severity: 'error', subject, issuer: subject, sha256: subject, serial: '1' },
  ...{ notBefore: '2026-01-01', notAfter: '2027-01-01', ca: true, privateKey: true, places: [], placeCount: 1 },
  ...{ selfSigned: true, signer: null, namesake: false, leaves: { count: 0, places: [] }, why: 'why', bringHome: '' },
});
const many = <T>(count: number, make: (name: string) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(`n${i}`));

describe('What is told of a look for rogue CAs', () => {
  const shown = (issuers: number, cas: number) => {
    const found = { found: many(cas, ca), issuers: many(issuers, issuer) };
    const { findings, rogues } = reportedLook({ ...found, notRead: [], certificates: cas, lookedThrough: [] });
    const told = rogues.filter(({ kind }) => kind === 'self-signed-ca').length;
    return { cas: findings.found.length, issuers: findings.issuers.length, hidden: findings.hidden, told };
  };

  it('has CAs also where issuers that sign themselves were planted by the thousand, and the other way round', () => {
    const half = MAX_FOUND / 2;
    assert.deepEqual(shown(5_000, 3), { cas: 3, issuers: MAX_FOUND - 3, hidden: 5_003 - MAX_FOUND, told: 3 });
    assert.deepEqual(shown(5_000, 5_000), { cas: half, issuers: half, hidden: 10_000 - MAX_FOUND, told: 500 });
    assert.deepEqual(shown(2, 5_000), { cas: MAX_FOUND - 2, issuers: 2, hidden: 5_002 - MAX_FOUND, told: 998 });
  });
});
