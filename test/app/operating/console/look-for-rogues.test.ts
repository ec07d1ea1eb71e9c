// A look for rogue CAs in its thread: what comes back is bounded whoever planted what, and it ends when it is told to.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AskedLook } from '../../../../src/app/estate/estate-look.ts';
import { MAX_FOUND } from '../../../../src/app/estate/reported-look.ts';
import { lookInThread } from '../../../../src/app/estate/look-in-thread.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { tiersAt } from '../../../support/paths/tiers.ts';

describe('A look for rogue CAs in a thread of its own', function () {
  this.timeout(60_000);
  const tier = tiersAt(NOON_MS);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'capstan-look-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const asked = (more: Partial<AskedLook> = {}): AskedLook => ({
    ...{ corporate: '', federated: '', paths: [folder], nowMs: NOON_MS },
    ...more,
  });
  const { signal } = new AbortController();

  it('takes what signs below an anchor now for corporate, and what federated anchors signed for known', async () => {
    const [corporate, partner] = [await tier('Corporate'), await tier('Partner')];
    const issuing = await tier('Issuing', { by: corporate });
    const leaf = await tier('leaf', { by: issuing, ca: false });
    writeFileSync(path.join(folder, 'all.pem'), leaf.pem + partner.pem + (await tier('Shadow')).pem);
    const { findings, rogues, counts } = await lookInThread(
      asked({ corporate: corporate.pem + issuing.pem, federated: partner.pem }),
      { signal },
    );
    assert.deepEqual(
      findings.found.map(({ subject }) => subject),
      ['CN=Shadow'],
    );
    assert.deepEqual(rogues.length, 1);
    assert.deepEqual([counts['self-signed-ca'], counts['foreign-leaves']], [1, 0]);
  });

  it('tells of so many and counts the others, cuts names, and leaves what has expired out of the count', async () => {
    const planted = await Promise.all(
      Array.from({ length: MAX_FOUND + 5 }, async (_, i) => tier(`CA ${i}`, { subject: `CN=${'x'.repeat(900)}${i}` })),
    );
    const old = await tier('Old', { startsInDays: -9, endsInDays: -1 });
    writeFileSync(path.join(folder, 'many.pem'), [...planted, old].map(({ pem }) => pem).join(''));
    const { findings, counts, rogues } = await lookInThread(asked(), { signal });
    assert.deepEqual([findings.found.length, findings.hidden], [MAX_FOUND, 6]);
    assert.equal(counts['self-signed-ca'], MAX_FOUND + 5);
    assert.deepEqual(
      rogues.filter(({ expired }) => expired).map(({ name }) => name),
      ['CN=Old'],
    );
    assert.ok(findings.found.every(({ subject }) => subject.length < 600));
  });

  it('says that it did not see all where something lies beyond a bound, behind whatever else was left out', async () => {
    for (let link = 0; link < 1_200; link += 1) symlinkSync('/', path.join(folder, `a${link}`));
    mkdirSync(path.join(folder, ...Array.from({ length: 34 }, () => 'deep')), { recursive: true });
    writeFileSync(path.join(folder, 'shadow.pem'), (await tier('Shadow')).pem);
    const { missed, findings } = await lookInThread(asked(), { signal });
    assert.equal(missed.count, 1);
    assert.match(missed.first[0] ?? '', /is deeper than 32 folders$/);
    assert.equal(findings.found.length, 1);
  });

  it('finds the others beside a certificate that ends in a thirteenth month, and says that it passed over that', async () => {
    const shadow = await tier('Shadow');
    const der = Buffer.from(new X509Certificate(shadow.pem).raw);
    const utcTime = Buffer.from([0x17, 13]);
    der.write('261301000000Z', der.lastIndexOf(utcTime) + utcTime.length, 'latin1');
    writeFileSync(path.join(folder, 'a.der'), der);
    writeFileSync(path.join(folder, 'b.pem'), shadow.pem);
    const { findings } = await lookInThread(asked(), { signal });
    assert.deepEqual(
      [findings.found.map(({ subject }) => subject), findings.notRead],
      [
        ['CN=Shadow'],
        [
          {
            why: 'has a certificate whose validity has a moment that is none',
            count: 1,
            examples: [path.join(folder, 'a.der')],
          },
        ],
      ],
    );
  });

  it('passes over a path that is not there, and says so', async () => {
    const gone = path.join(folder, 'gone');
    const { findings, missed } = await lookInThread(asked({ paths: [gone] }), { signal });
    assert.deepEqual(missed, { count: 1, first: [`${gone} does not exist`] });
    assert.deepEqual(
      findings.notRead.map(({ why }) => why),
      ['does not exist'],
    );
  });

  it('fails in words where it may not go on without what it was to read', async () => {
    const knownFile = path.join(folder, 'empty.pem');
    writeFileSync(knownFile, '');
    await assert.rejects(lookInThread(asked({ knownFile }), { signal }), /rogue\.knownFile .* holds no certificate/);
  });

  it('ends when it is told to', async () => {
    const end = new AbortController();
    const looking = lookInThread(asked(), end);
    end.abort(new Error('the server stops'));
    await assert.rejects(looking, /the server stops/);
  });
});
