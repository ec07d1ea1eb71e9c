import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { IssuerKeys } from '../../../src/authority/administration/issuer-keys.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../src/domain/x509/path/certificate.ts';
import type { HeldKey } from '../../../src/ports/issuing/key-inventory.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { UNCHANGED } from '../../../src/ports/storage/ledgers.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { fakeIssuers, readyState, type FakeIssuers } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';

const ALICE = { actor: 'CN:alice', role: 'security', local: false };
const LEFT = Uint8Array.of(7);
const digestOf = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex');
const nameOf = (spki: Uint8Array): string => digestOf(spki).slice(0, 16);

describe('The keys beside that of an issuer', () => {
  let authorities: readonly TestAuthority[];
  let issuers: FakeIssuers;
  let ledgers: MemoryLedgers<IssuerLedger>;
  let held: HeldKey[];
  let given: readonly PathCertificate[];
  let former: readonly Uint8Array[];
  let log: string[];
  let stop: AbortController;
  before(async () => {
    authorities = await Promise.all([testAuthority(), testAuthority(), testAuthority()]);
  });
  beforeEach(() => {
    issuers = fakeIssuers(authorities[0]!.material);
    ledgers = new MemoryLedgers(NO_LEDGER);
    held = [];
    given = [];
    former = [];
    log = [];
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  const certificateOf = (index: number): PathCertificate =>
    pathCertificatesOf(authorities[index]!.intermediate.certificatePem)[0]!;
  const key = (label: string, spki?: Uint8Array, hasCertificate = false): HeldKey => ({
    label,
    id: '01',
    hasCertificate,
    ...(spki !== undefined && { spki }),
  });

  async function keysOf(): Promise<IssuerKeys> {
    const clock = new FakeClock();
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of issuers' });
    await ledger.start(stop);
    return new IssuerKeys({
      issuers,
      ledger,
      clock,
      settled: new SettledTime(clock),
      former: { issuersAt: async () => former.map((certificateDer) => ({ certificateDer, untilMs: Infinity })) },
      journal: { recordOperation: async (record: OperationRecord) => void log.push(JSON.stringify(record)) },
      inventoryOf: (name) =>
        name === 'default'
          ? { keys: async () => held, remove: async (spki) => void log.push(nameOf(spki)) }
          : undefined,
      given: async () => given,
    });
  }
  const remove = async (spki: Uint8Array) =>
    (await keysOf()).remove({ issuer: 'default', key: nameOf(spki), reason: 'given up' }, ALICE, stop);
  const refusal = (words: RegExp) => (error: unknown) =>
    error instanceof AuthorityError && error.reason === 'CAP-O03' && words.test(error.message);

  it('are told by what they are for', async () => {
    given = [certificateOf(1)];
    former = [certificateOf(2).x509.raw];
    held = [
      key('in force', certificateOf(0).spki),
      key('to come', certificateOf(1).spki),
      key('former', certificateOf(2).spki),
      key('certified', LEFT, true),
      key('left', LEFT),
      key('unknown'),
    ];
    const rows = await (await keysOf()).list('default', stop);
    assert.deepEqual(
      rows.map(({ label, use }) => `${label}: ${use}`),
      [
        'in force: issuer',
        'to come: issuer',
        'former: issuer',
        'certified: certified',
        'left: orphaned',
        'unknown: orphaned',
      ],
    );
    assert.deepEqual(rows[4], { label: 'left', id: '01', use: 'orphaned', key: nameOf(LEFT) });
  });

  it('are deleted where they are orphaned, once that is on record', async () => {
    held = [key('left', LEFT)];
    assert.equal((await remove(LEFT)).label, 'left');
    const [record = '', gone] = log;
    assert.deepEqual(JSON.parse(record), {
      timeMs: new FakeClock().nowMs(),
      operation: 'issuer keys --delete',
      was: 'left 01',
      is: 'deleted',
      details: {
        actor: 'CN:alice',
        role: 'security',
        target: `issuer default key ${nameOf(LEFT)}`,
        reason: 'given up',
      },
    });
    assert.equal(gone, nameOf(LEFT));
  });

  it('stay where an issuer has them: in force, in its files, with leaves that live, or suspended', async () => {
    const spki = [0, 1, 2].map((index) => certificateOf(index).spki);
    held = [...spki.map((one) => key('of an issuer', one)), key('suspended', LEFT)];
    given = [certificateOf(1)];
    former = [certificateOf(2).x509.raw];
    const suspended = { issuer: 'old', id: '0'.repeat(16), keyId: digestOf(LEFT), notAfterMs: Number.MAX_SAFE_INTEGER };
    const by = { timeMs: 0, actor: 'local', role: 'security', reason: 'a drill' };
    const ledger = { moves: [{ ...suspended, ...by, from: 'active' as const, to: 'suspended' as const }], pending: [] };
    const record = { timeMs: 0, operation: 'issuer suspend', was: 'active', is: 'suspended' };
    await ledgers.replace(UNCHANGED, ledger, record, stop);
    for (const one of [...spki, LEFT]) await assert.rejects(remove(one), refusal(/cannot lose key/));
    assert.deepEqual(log, []);
  });

  it('stay where a certificate lies beside them, and where nothing has that name', async () => {
    held = [key('certified', LEFT, true)];
    await assert.rejects(remove(LEFT), refusal(/a certificate for it lies beside it/));
    held = [key('unknown')];
    await assert.rejects(remove(LEFT), refusal(/has no key/));
  });

  it('stay while any issuer has no certificate in force: one of them may be its own', async () => {
    held = [key('left', LEFT)];
    issuers.put('gold', { kind: 'unavailable', why: 'is not loaded' });
    await assert.rejects(remove(LEFT), refusal(/issuer gold has no certificate in force/));
    assert.deepEqual(log, []);
  });

  it('are none where the key of the issuer lies alone, and nobody is asked of an issuer that is none', async () => {
    issuers.put('gold', readyState(authorities[1]!.material));
    await assert.rejects((await keysOf()).list('gold', stop), refusal(/nothing lies beside it/));
    await assert.rejects((await keysOf()).list('silver', stop), /CAP-O02 .*there are default, gold/);
  });
});
