import assert from 'node:assert/strict';
import { createRoot } from '../../../../src/adapters/dev/bootstrap-authority.ts';
import { DocumentFederatedBundles } from '../../../../src/adapters/issuers/documents/document-federated-bundles.ts';
import { parseTrustDomain } from '../../../../src/domain/identity/trust-domain.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';

const DAY_MS = 86_400_000;
const [B, C] = [parseTrustDomain('b.test')!, parseTrustDomain('c.test')!];

describe('Bundles of federated trust domains', () => {
  let clock: FakeClock;
  let events: RecordedEvents;
  let stop: AbortController;
  let ofB: DocumentSet;
  let ofC: DocumentSet;
  let bundles: DocumentFederatedBundles;
  let changes: number;
  let roots: readonly string[];

  before(async () => {
    roots = await Promise.all([rootFor(1), rootFor(30)]);
  });
  beforeEach(() => {
    clock = new FakeClock();
    events = recordEvents();
    stop = new AbortController();
    changes = 0;
    ofB = new DocumentSet({ 'b.pem': roots[0]! });
    ofC = new DocumentSet({ 'c.pem': roots[1]! });
    bundles = new DocumentFederatedBundles(
      { clock, events },
      new Map([
        [B, ofB],
        [C, ofC],
      ]),
    );
    bundles.onChange(() => (changes += 1), { signal: stop.signal });
  });
  afterEach(() => stop.abort());

  const inForce = () => bundles.current().map(({ trustDomain, pem }) => [trustDomain, pem]);

  it('come from a file for each trust domain, and follow it', async () => {
    await bundles.start({ signal: stop.signal });
    assert.deepEqual(inForce(), [
      [B, roots[0]],
      [C, roots[1]],
    ]);
    assert.equal(bundles.problem, undefined);
    const before = changes;
    await ofB.edit({ 'b.pem': roots[1]! });
    assert.deepEqual(inForce()[0], [B, roots[1]]);
    assert.equal(changes, before + 1);
  });

  it('keep the last good one of a file that breaks, name it once, and leave the others alone', async () => {
    await bundles.start({ signal: stop.signal });
    await ofB.edit({ 'b.pem': 'garbage' });
    await ofB.edit({ 'b.pem': 'garbage' });
    assert.deepEqual(inForce()[0], [B, roots[0]]);
    assert.match(bundles.problem!, /^b\.test: .*\/etc\/capstan\/b\.pem .*\(its last good bundle stays\)$/);
    assert.deepEqual(
      events.of('reloadFailed').map(({ kept }) => kept),
      [true],
    );
    await ofC.edit({ 'c.pem': roots[0]! });
    assert.deepEqual(inForce()[1], [C, roots[0]]);
    await ofB.edit({ 'b.pem': roots[0]! });
    assert.equal(bundles.problem, undefined);
  });

  it('leave out a trust domain whose file cannot be read at the start, until it can', async () => {
    ofB.failure = new Error('gone');
    await bundles.start({ signal: stop.signal });
    assert.deepEqual(
      bundles.current().map(({ trustDomain }) => trustDomain),
      [C],
    );
    assert.match(bundles.problem!, /^b\.test: .*\(its callers are refused\)$/);
    assert.deepEqual(
      events.of('reloadFailed').map(({ kept }) => kept),
      [false],
    );
    ofB.failure = undefined;
    await ofB.edit({});
    assert.equal(bundles.current().length, 2);
  });

  it('do not go out past their end', async () => {
    await bundles.start({ signal: stop.signal });
    await clock.advance(DAY_MS + 1);
    assert.deepEqual(
      bundles.current().map(({ trustDomain }) => trustDomain),
      [C],
    );
    assert.match(bundles.problem!, /^b\.test: .* ended at /);
    assert.deepEqual(
      events.of('reloadFailed').map(({ kept }) => kept),
      [false],
    );
  });

  async function rootFor(days: number): Promise<string> {
    const root = await createRoot({
      name: 'Other Root',
      nowMs: NOON_MS,
      lifetimeMs: days * DAY_MS,
      keyType: 'ec-p256',
    });
    return root.certificatePem;
  }
});
