import assert from 'node:assert/strict';
import { readFileSync, statSync, chmodSync, mkdirSync, rmSync } from 'node:fs';
import { FileBundleState } from '../../../../../src/adapters/policy/bundle/file-bundle-state.ts';
import { DocumentPolicyBundleSource } from '../../../../../src/adapters/policy/bundle/sources/document-bundle-source.ts';
import { AuthorityError } from '../../../../../src/domain/errors.ts';
import type { PolicyBundleState } from '../../../../../src/ports/policy/policy-bundle-state.ts';
import { DocumentSet } from '../../../../support/fakes/document-set.ts';
import { FakeClock, NOON_MS, settle } from '../../../../support/fakes/fake-clock.ts';
import { SharedBundleState } from '../../../../support/fakes/policy-bundle-state.ts';
import { recordEvents } from '../../../../support/fakes/recorded-events.ts';
import { bundleText, HoldersFolder, signatureText, type BundleWish, type HolderName } from '../holders.ts';

const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');

/** A bundle and its signature under the names of one file. */
function pair(wish: BundleWish, { name = 'bundle.yaml', by = ['ada'] as readonly HolderName[] } = {}) {
  const text = bundleText(wish);
  return { [name]: text, [`${name}.sig`]: signatureText(text, by) };
}

describe('The policy bundle in force', () => {
  let folder: HoldersFolder;
  let life: AbortController;
  beforeEach(() => {
    folder = new HoldersFolder();
    life = new AbortController();
  });
  afterEach(() => {
    life.abort();
    folder[Symbol.dispose]();
  });

  interface Start {
    readonly texts: Readonly<Record<string, string>>;
    readonly clock?: FakeClock;
    readonly clusterId?: string;
    readonly unsigned?: true;
    readonly state?: PolicyBundleState;
  }

  /** A server's run; the next one remembers what this one did. */
  async function start({ texts, clock = new FakeClock(), clusterId = 'prod-1', unsigned, state: shared }: Start) {
    const documents = new DocumentSet(texts);
    const events = recordEvents();
    const keyFiles = folder.pin();
    const state = shared ?? new FileBundleState(folder.file('state.json'));
    const trust = unsigned ? { unsigned } : { keyFiles, threshold: 1, state };
    const source = new DocumentPolicyBundleSource({ documents, clock, events }, { clusterId, trust });
    await source.start({ signal: life.signal });
    let changes = 0;
    source.onChange(() => (changes += 1), { signal: life.signal });
    const inForce = (): number => source.current().bundle.sequence;
    const failures = (): string[] => events.of('reloadFailed').map(({ problem }) => String(problem));
    return { source, documents, events, clock, inForce, failures, changes: () => changes };
  }

  const startsWith = async (wish: BundleWish, more: Omit<Start, 'texts'> = {}) => start({ texts: pair(wish), ...more });
  const remembered = (): unknown => JSON.parse(readFileSync(folder.file('state.json'), 'utf8'));

  async function refusal(started: Promise<unknown>): Promise<string> {
    const error = await started.then(
      () => assert.fail('it started'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AuthorityError && error.reason === 'CAP-X03', String(error));
    return error.violations.length > 0
      ? error.violations.map(({ path, actual }) => `${path} ${actual}`).join('\n')
      : error.message;
  }

  it('is taken up once the store of the rollback state is back, without another edit', async () => {
    const state = new SharedBundleState();
    const { documents, inForce, failures, clock } = await startsWith({ sequence: 42 }, { state });
    state.failure = new AuthorityError('CAP-S04', { detail: 'the store is away' });
    await documents.edit(pair({ sequence: 43 }));
    await clock.advance(12_000);
    assert.equal(inForce(), 42);
    assert.match(failures().join('; '), /^CAP-S04 [^;]*the store is away$/, 'reported once');
    state.failure = undefined;
    await clock.advance(5_000);
    assert.equal(inForce(), 43);
    const { sleepers } = clock;
    await clock.advance(60_000);
    assert.equal(clock.sleepers, sleepers, 'nothing is tried again');
  });

  it('is not ready before the first load', () => {
    const source = new DocumentPolicyBundleSource(
      { documents: new DocumentSet({}), clock: new FakeClock(), events: recordEvents() },
      { clusterId: 'c', trust: { unsigned: true } },
    );
    assert.throws(() => source.current(), { reason: 'CAP-S02' });
  });

  it('must be good when the server starts', async () => {
    const text = bundleText();
    const said = await refusal(
      start({ texts: { 'bundle.yaml': text, 'bundle.yaml.sig': signatureText(text, ['eve']) } }),
    );
    assert.match(said, /bundle\.yaml\.sig:1:1 signatures 1 of 2 pinned keys must sign, 0 did/);
  });

  it('says who signed it, what it is and where it came from', async () => {
    const { source, events } = await startsWith({});
    const { bundle, digest, place, signedBy } = source.current();
    assert.equal(bundle.name, 'corp-mesh');
    assert.equal(place, '/etc/capstan/bundle.yaml');
    assert.equal(signedBy.length, 1);
    assert.deepEqual(events.log, [
      { event: 'reloaded', facts: { source: 'policy-bundle', revision: digest.slice(0, 16) } },
    ]);
  });

  it('follows a newer one and tells who listens', async () => {
    const { documents, inForce, changes } = await startsWith({ sequence: 42 });
    await documents.edit(pair({ sequence: 43 }));
    assert.deepEqual([inForce(), changes()], [43, 1]);
  });

  it('stays the last good one when a newer one is refused, which is told once', async () => {
    const { documents, inForce, changes, failures } = await startsWith({ sequence: 42 });
    await documents.edit({ 'bundle.yaml': bundleText({ sequence: 43 }) });
    await documents.edit({});
    assert.deepEqual([inForce(), changes()], [42, 0]);
    assert.equal(failures().length, 1);
    assert.match(failures()[0] ?? '', /bundle\.yaml\.sig:1:1 digest is of another bundle than this one/);
  });

  it('is told when a refused edit is taken back, though nothing has changed', async () => {
    const { documents, events, changes } = await startsWith({ sequence: 42 });
    await documents.edit({ 'bundle.yaml': 'kind: [' });
    await documents.edit(pair({ sequence: 42 }));
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloaded', 'reloadFailed', 'reloaded'],
    );
    assert.equal(changes(), 0);
  });

  it('outlives a file that is missing for a while', async () => {
    const { documents, inForce, failures } = await startsWith({ sequence: 42 });
    documents.failure = new AuthorityError('CAP-X03', { detail: '/etc/capstan/bundle.yaml does not exist' });
    await documents.edit({});
    assert.match(failures().join(), /does not exist/);
    documents.failure = undefined;
    await documents.edit(pair({ sequence: 43 }));
    assert.equal(inForce(), 43);
  });

  describe('is meant for this cluster', () => {
    it('when its audience names it', async () => {
      assert.equal((await startsWith({ audience: 'prod-*' })).inForce(), 42);
    });

    it('and refused when it is meant for another', async () => {
      const said = await refusal(startsWith({ audience: 'test-*' }));
      assert.match(said, /bundle\.yaml:4:\d+ audience\.clusters is meant for test-\*; this cluster is prod-1/);
    });
  });

  describe('never goes back', () => {
    it('to an older one while the server runs', async () => {
      const { documents, inForce, failures } = await startsWith({ sequence: 42 });
      await documents.edit(pair({ sequence: 41 }));
      assert.equal(inForce(), 42);
      assert.match(failures().join(), /bundle\.yaml:3:\d+ metadata\.sequence is a rollback: 41 is older than 42/);
    });

    it('to an older one over a restart', async () => {
      await startsWith({ sequence: 42 });
      assert.match(
        await refusal(startsWith({ sequence: 41 })),
        /is a rollback: 41 is older than 42, which .*state\.json/,
      );
    });

    it('to the same number with another content', async () => {
      await startsWith({ sequence: 42 });
      const said = await refusal(startsWith({ sequence: 42, contact: 'mallory@corp.example' }));
      assert.match(said, /metadata\.sequence 42 is that of another bundle already/);
    });

    it('but takes the very same up again', async () => {
      await startsWith({ sequence: 42 });
      assert.equal((await startsWith({ sequence: 42 })).inForce(), 42);
    });

    it('nor over to another name, unless the operator removes what is remembered', async () => {
      const { clock } = await startsWith({ sequence: 42 });
      await untilAsleep(clock);
      const said = await refusal(startsWith({ name: 'other-mesh', sequence: 1 }));
      assert.match(
        said,
        /metadata\.name is other-mesh, but .*state\.json remembers corp-mesh; .* stop Capstan and remove that/,
      );
      rmSync(folder.file('state.json'));
      assert.equal((await startsWith({ name: 'other-mesh', sequence: 1 })).inForce(), 1);
    });

    it('after a kill between remembering the new one and using it', async () => {
      const first = await startsWith({ sequence: 42 });
      let killed = false;
      first.source.onChange(() => (killed = true), { signal: life.signal });
      const state = folder.file('state.json');
      await first.documents.edit(pair({ sequence: 43 }));
      assert.ok(killed);
      // What is on disk at the moment of use is what a killed server leaves behind.
      assert.match(readFileSync(state, 'utf8'), /"sequence": 43/);
      assert.equal((await startsWith({ sequence: 43 })).inForce(), 43);
      assert.match(await refusal(startsWith({ sequence: 42 })), /is a rollback/);
    });
  });

  describe('remembers', () => {
    it('the newest before it comes in force, readable by nobody else', async () => {
      const state = folder.file('state.json');
      const { documents, source } = await startsWith({ sequence: 42 });
      const seen: unknown[] = [];
      source.onChange(() => seen.push((remembered() as { sequence: number }).sequence), { signal: life.signal });
      await documents.edit(pair({ sequence: 43 }));
      assert.deepEqual(seen, [43]);
      assert.equal(statSync(state).mode & 0o777, 0o600);
      const { digest } = source.current();
      assert.deepEqual(remembered(), {
        apiVersion: 'capstan.dev/v1alpha1',
        kind: 'PolicyBundleState',
        name: 'corp-mesh',
        sequence: 43,
        digest,
        latestSeenMs: NOON_MS,
      });
    });

    it('or does not take it up', async () => {
      const { documents, inForce, failures } = await startsWith({ sequence: 42 });
      rmSync(folder.file('state.json'));
      mkdirSync(folder.file('state.json'));
      await documents.edit(pair({ sequence: 43 }));
      assert.equal(inForce(), 42);
      assert.match(failures().join(), /state\.json (is a directory|cannot be written \(ENOTEMPTY\))/);
    });

    for (const [what, text] of [
      ['torn', '{"apiVersion": "capstan.dev/v1alpha1", "kind": "Policy'],
      ['empty', ''],
      ['of something else', '{"sequence": 1}'],
      [
        'with a sequence that is none',
        JSON.stringify({
          apiVersion: 'capstan.dev/v1alpha1',
          kind: 'PolicyBundleState',
          name: 'corp-mesh',
          sequence: -1,
          digest: '0'.repeat(64),
          latestSeenMs: 0,
        }),
      ],
    ] as const) {
      it(`and never starts from nothing when what it remembers is ${what}`, async () => {
        folder.file('state.json', text);
        const said = await refusal(startsWith({}));
        assert.match(said, /state\.json is not the rollback state of policy bundles; restore it/);
        assert.equal(readFileSync(folder.file('state.json'), 'utf8'), text);
      });
    }

    it('through the leftover of a write that was killed', async () => {
      folder.file('state.json.new', 'half');
      chmodSync(folder.file('state.json.new'), 0o400);
      await startsWith({ sequence: 42 });
      assert.match(await refusal(startsWith({ sequence: 41 })), /is a rollback/);
    });
  });

  describe('has its time', () => {
    it('and is refused before it has begun', async () => {
      const said = await refusal(startsWith({ notBefore: iso(NOON_MS + 1_000) }));
      assert.match(said, /bundle\.yaml:5:\d+ validity\.notBefore has not come; it is 2026-01-06T12:00:00\.000Z/);
      assert.equal((await startsWith({ notBefore: iso(NOON_MS) })).inForce(), 42);
    });

    it('and is taken up by itself once that has come', async () => {
      const { documents, clock, inForce, failures } = await startsWith({ sequence: 42 });
      await documents.edit(pair({ sequence: 43, notBefore: iso(NOON_MS + 1_000) }));
      assert.deepEqual([inForce(), failures().length], [42, 1]);
      await untilAsleep(clock);
      await clock.advance(1_000);
      await documents.edit({});
      assert.equal(inForce(), 43);
    });

    it('past its soft expiry comes in force with an alarm, which is raised again every hour', async () => {
      const wish = { softExpiry: iso(NOON_MS), hardExpiry: iso(NOON_MS + 24 * HOUR_MS) };
      const { events, clock, documents } = await startsWith(wish);
      const alarm = { policyBundle: 'corp-mesh@42', hardExpiryMs: NOON_MS + 24 * HOUR_MS };
      assert.deepEqual(events.of('policyBundleExpiring'), [alarm]);
      for (const hours of [2, 3]) {
        await untilAsleep(clock);
        await clock.advance(HOUR_MS);
        assert.equal(events.of('policyBundleExpiring').length, hours);
      }
      await documents.edit(pair({ sequence: 43 }));
      await untilAsleep(clock);
      await clock.advance(HOUR_MS);
      assert.equal(events.of('policyBundleExpiring').length, 3, 'a newer bundle ends the alarm');
    });

    it('past its hard expiry still loads at the start: the evaluator says why it refuses', async () => {
      const { inForce, events } = await startsWith({
        hardExpiry: iso(NOON_MS - 1_000),
        softExpiry: iso(NOON_MS - 2_000),
      });
      assert.equal(inForce(), 42);
      assert.equal(events.of('policyBundleExpiring').length, 1);
    });

    it('past its hard expiry never takes the place of one that is good', async () => {
      const { documents, inForce, failures } = await startsWith({ sequence: 42 });
      await documents.edit(pair({ sequence: 43, hardExpiry: iso(NOON_MS) }));
      assert.equal(inForce(), 42);
      assert.match(failures().join(), /bundle\.yaml:5:\d+ validity\.hardExpiry has passed; it is 2026-01-06T12:00/);
    });

    it('that a clock moved backwards does not give back, not even over a restart', async () => {
      const clock = new FakeClock(NOON_MS);
      await startsWith({ sequence: 42 }, { clock });
      for (let hours = 0; hours < 3; hours += 1) {
        await untilAsleep(clock);
        await clock.advance(HOUR_MS);
      }
      await untilAsleep(clock);
      // What is remembered is a minute old at most.
      await clock.advance(60_000);
      await untilAsleep(clock);
      const expiresAt = NOON_MS + 2 * HOUR_MS;
      const run = await startsWith({ sequence: 42 }, { clock: new FakeClock(NOON_MS) });
      await run.documents.edit(pair({ sequence: 43, hardExpiry: iso(expiresAt) }));
      assert.equal(run.inForce(), 42);
      assert.match(run.failures().join(), /validity\.hardExpiry has passed; it is 2026-01-06T15:01/);
    });
  });

  describe('out of a folder', () => {
    it('is the highest sequence, whatever the files are called', async () => {
      const texts = { ...pair({ sequence: 9 }, { name: 'z.yaml' }), ...pair({ sequence: 10 }, { name: 'a.yaml' }) };
      const { inForce, failures } = await start({ texts });
      assert.equal(inForce(), 10);
      assert.deepEqual(failures(), []);
    });

    it('is the highest that verifies; broken ones are told', async () => {
      const texts = {
        ...pair({ sequence: 42 }, { name: '42.yaml' }),
        ...pair({ sequence: 43 }, { name: '43.yaml', by: ['eve'] }),
        '44.yaml': 'nonsense',
      };
      const { inForce, failures } = await start({ texts });
      assert.equal(inForce(), 42);
      assert.match(failures().join(), /43\.yaml\.sig:1:1 signatures/);
      assert.match(failures().join(), /44\.yaml:1:1/);
    });

    it('is one that has not expired, if there is one', async () => {
      const texts = {
        ...pair({ sequence: 42 }, { name: '42.yaml' }),
        ...pair({ sequence: 43, hardExpiry: iso(NOON_MS) }, { name: '43.yaml' }),
      };
      assert.equal((await start({ texts })).inForce(), 42);
    });

    it('is neither of two that share a number', async () => {
      const texts = {
        ...pair({ sequence: 42 }, { name: 'a.yaml' }),
        ...pair({ sequence: 43 }, { name: 'b.yaml' }),
        ...pair({ sequence: 43, contact: 'other@corp.example' }, { name: 'c.yaml' }),
      };
      const { inForce, failures } = await start({ texts });
      assert.equal(inForce(), 42);
      assert.match(failures().join(), /43 is that of another bundle too, at \/etc\/capstan\/c\.yaml/);
    });

    it('must not be sought among more files than anybody keeps', async () => {
      const texts = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`${index}.yaml`, '']));
      assert.match(await refusal(start({ texts })), /there are more than 100 policy bundles/);
    });

    it('is missed when there is none', async () => {
      assert.match(await refusal(start({ texts: {} })), /there is no policy bundle/);
    });
  });

  describe('in development', () => {
    it('may be unsigned, which every start says, and be edited without counting on', async () => {
      const { documents, events, source, changes } = await start({ texts: { bundle: bundleText() }, unsigned: true });
      assert.deepEqual(events.of('policyBundleUnsigned'), [{ place: '/etc/capstan/bundle' }]);
      await documents.edit({ bundle: bundleText({ contact: 'me' }) });
      assert.equal(changes(), 1);
      assert.deepEqual(source.current().signedBy, []);
      assert.equal(events.of('policyBundleUnsigned').length, 1);
    });
  });
});

/** Until the look of each minute has written what it writes, and both it and the hourly one wait for the next. */
async function untilAsleep(clock: FakeClock): Promise<void> {
  while (clock.sleepers < 2) await settle();
}
