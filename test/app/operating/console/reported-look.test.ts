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

  const lying = (name: string, ...places: readonly string[]): RogueData => ({
    ...ca(name),
    places: places.map((place) => ({ kind: place.startsWith('/') ? 'file' : 'config-map', place, part: 'ca.pem' })),
    placeCount: places.length,
  });
  const shownOf = (found: readonly RogueData[], issuers: readonly IssuerData[] = [], paths: readonly string[] = []) =>
    reportedLook({ found, issuers, notRead: [], certificates: 0, lookedThrough: [] }, { paths });

  it('has a CA of each namespace, whoever planted how many of names that come first', () => {
    const planted = many(100_000, (name) => lying(name, `ConfigMap aaa/${name}`));
    const others = Array.from({ length: 50 }, (_, i) => lying(`victim ${i}`, `ConfigMap team-${i}/roots`));
    const { findings, rogues } = shownOf([...planted, ...others]);
    const subjects = findings.found.map(({ subject }) => subject);
    assert.equal(subjects.length, MAX_FOUND);
    assert.deepEqual(
      subjects.slice(-50),
      others.map(({ subject }) => subject),
    );
    assert.equal(findings.hidden, 100_050 - MAX_FOUND);
    assert.equal(rogues.filter(({ name }) => name.startsWith('victim')).length, 50);
  });

  it('has a CA of which somebody laid copies beside thousands of his own, and says where else it lies', () => {
    const copies = many(19, (name) => `ConfigMap aaa/${name}`);
    const copied = lying('victim', ...copies, 'ConfigMap zzz/roots');
    const { found } = shownOf([...many(5_000, (name) => lying(name, `ConfigMap aaa/${name}`)), copied]).findings;
    const { places } = found.find(({ subject }) => subject === 'victim')!;
    assert.equal(places.length, 5);
    assert.ok(places.some(({ place }) => place === 'ConfigMap zzz/roots'));
  });

  it('has issuers of each namespace, and files of each folder below what was named', () => {
    const issuers = [...many(5_000, (name) => issuer(`Issuer aaa/${name}`)), issuer('Issuer zzz/own')];
    assert.ok(shownOf([], issuers).findings.issuers.some(({ name }) => name === 'Issuer zzz/own'));
    const files = many(5_000, (name) => lying(name, `/srv/tenants/aaa/${name}`));
    const { found } = shownOf([...files, lying('victim', '/srv/tenants/zzz')], [], ['/srv/tenants']).findings;
    assert.ok(found.some(({ subject }) => subject === 'victim'));
  });
});
