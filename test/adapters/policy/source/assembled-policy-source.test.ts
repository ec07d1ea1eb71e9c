import assert from 'node:assert/strict';
import {
  AssembledPolicySource,
  type AssembledPolicyParts,
} from '../../../../src/adapters/policy/source/assembled-policy-source.ts';
import type {
  PolicyBundleSource,
  VerifiedPolicyBundle,
} from '../../../../src/adapters/policy/bundle/sources/bundle-source.ts';
import { KeptRevisions } from '../../../../src/adapters/policy/source/kept-revisions.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { byOwner } from '../../../support/policy/owned-documents.ts';
import { bundle, CLUSTER } from '../../../support/policy/policies.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';

const NEVER = new AbortController().signal;

function policy(namespace: string, spec = '{}'): string {
  return `apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nmetadata: { name: local, namespace: ${namespace} }\nspec: ${spec}\n`;
}
const BROKEN = policy('b', '{ mod: audit }');
const FIVE = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}/policy.yaml`, policy(name)]));

/** A bundle that was believed elsewhere. */
class BelievedBundle implements PolicyBundleSource {
  readonly #listeners = new Set<() => void>();
  #sequence = 1;

  current(): VerifiedPolicyBundle {
    const sequence = this.#sequence;
    return { bundle: bundle({ sequence }), digest: `digest-${sequence}`, place: '/etc/capstan/bundle', signedBy: [] };
  }

  timeMs(): number {
    return 0;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  sign(sequence: number): void {
    this.#sequence = sequence;
    for (const listener of this.#listeners) listener();
  }
}

async function started(
  files?: Readonly<Record<string, string>>,
  signal = NEVER,
  more: Pick<AssembledPolicyParts, 'kept'> = {},
) {
  const documents = files === undefined ? undefined : new DocumentSet(files);
  const bundles = new BelievedBundle();
  const events = recordEvents();
  const clock = new FakeClock();
  const owned = documents === undefined ? {} : { documents: byOwner(documents) };
  const parts: AssembledPolicyParts = { bundles, events, clock, ...owned, ...more };
  const source = new AssembledPolicySource(parts, { cluster: CLUSTER });
  await source.start({ signal });
  const revisions: string[] = [];
  source.onChange(() => revisions.push(source.current().revision), { signal: NEVER });
  const reported = () => events.of('reloadFailed').map(({ problem }) => String(problem));
  const namespaces = () =>
    source.current().local.flatMap(({ policy: local }) => (local.kind === 'IssuancePolicy' ? [local.namespace] : []));
  return {
    documents: documents ?? new DocumentSet({}),
    bundles,
    events,
    clock,
    source,
    revisions,
    reported,
    namespaces,
  };
}

/** Until the looks that began have ended. */
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('The policies in force', () => {
  it('are not ready before the first load', () => {
    const source = new AssembledPolicySource(
      { bundles: new BelievedBundle(), events: recordEvents(), clock: new FakeClock() },
      { cluster: CLUSTER },
    );
    assert.throws(() => source.current(), { reason: 'CAP-S02' });
  });

  it('are the bundle and every file of local policies', async () => {
    const { source, namespaces, events } = await started(FIVE);
    assert.deepEqual(namespaces(), ['a', 'b', 'c', 'd', 'e']);
    const { revision, bundleName, cluster } = source.current();
    assert.deepEqual([bundleName, cluster], ['corp@1', CLUSTER]);
    assert.deepEqual(events.log, [{ event: 'reloaded', facts: { source: 'policy', revision } }]);
  });

  it('are the bundle alone without a directory', async () => {
    const { source, bundles, namespaces, revisions } = await started();
    assert.deepEqual(namespaces(), []);
    bundles.sign(2);
    await turn();
    assert.equal(source.current().bundleName, 'corp@2');
    assert.equal(revisions.length, 1);
  });

  it('are in force when no copy of them can be written, which is not told as a failed reload', async () => {
    const kept = new KeptRevisions('/dev/null/kept', '/policies');
    const { namespaces, events } = await started({ 'a/policy.yaml': policy('a') }, NEVER, { kept });
    assert.deepEqual(namespaces(), ['a']);
    assert.deepEqual(events.of('reloadFailed'), []);
    assert.ok(events.of('policyNotKept').length > 0);
  });

  it('are those of the owners whose files are good when the server starts; of each other one all problems are told', async () => {
    const files = { ...FIVE, 'b/policy.yaml': BROKEN, 'c/policy.yaml': '[', 'd/other.yaml': policy('a') };
    const { source, namespaces, events } = await started(files);
    assert.deepEqual(namespaces(), ['a', 'e']);
    const missing = events.of('policyMissing');
    assert.deepEqual(
      missing.map(({ owner }) => owner),
      ['namespace b', 'namespace c', 'namespace d'],
    );
    const [b, c, d] = missing.map(({ problem }) => String(problem));
    assert.match(b ?? '', /^\/etc\/capstan\/b\/policy\.yaml:4:9 spec\.mod /);
    assert.match(c ?? '', /^\/etc\/capstan\/c\/policy\.yaml:\d/);
    assert.match(d ?? '', /^\/etc\/capstan\/d\/other\.yaml:3:26 metadata\.namespace is a, but a file below d\//);
    assert.deepEqual(events.of('reloadFailed'), []);
    const { cluster, namespaces: refused } = source.current().missing;
    assert.equal(cluster, undefined);
    assert.deepEqual([...refused.keys()], ['b', 'c', 'd']);
    assert.match(refused.get('d') ?? '', /^d\/other\.yaml:3:26 metadata\.namespace is a/);
  });

  it('follow an edit and tell who listens', async () => {
    const { documents, source, events, revisions } = await started(FIVE);
    await documents.edit({ 'a/policy.yaml': policy('a', '{ mode: audit }') });
    const { revision } = source.current();
    assert.deepEqual(revisions, [revision]);
    assert.deepEqual(events.of('reloaded').at(-1), { source: 'policy', revision });
    assert.equal(events.of('reloaded').length, 2);
  });

  it('tell which namespaces an edit concerns: its own, or all when it is of the cluster or the bundle', async () => {
    const { documents, source, bundles } = await started(FIVE);
    const concerned: string[] = [];
    source.onChange((change) => concerned.push(['a', 'b', 'none'].filter(change).join(' ')), { signal: NEVER });
    await documents.edit({ 'a/policy.yaml': policy('a', '{ mode: audit }') });
    bundles.sign(7);
    await turn();
    assert.deepEqual(concerned, ['a', 'a b none']);
  });

  it('change but for the owner of whom one file is broken, which is told once and in full', async () => {
    const { documents, source, revisions, reported, namespaces } = await started(FIVE);
    const edit = {
      'a/policy.yaml': policy('a', '{ mode: audit }'),
      'b/policy.yaml': BROKEN.replace('namespace: b', 'namespace: B'),
      'f/policy.yaml': policy('f'),
    };
    await documents.edit(edit);
    await documents.edit({});
    assert.deepEqual(namespaces(), ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.equal(source.current().local[0]?.policy.mode, 'audit');
    assert.equal(revisions.length, 1);
    assert.equal(reported().length, 1);
    assert.match(reported()[0] ?? '', /b\/policy\.yaml:3:26 metadata\.namespace .*; .*b\/policy\.yaml:4:9 spec\.mod /);
    await documents.edit({ 'b/policy.yaml': policy('b') });
    assert.equal(revisions.length, 1);
  });

  it('tell of another problem, but of no more than 20 at once', async () => {
    const { documents, reported } = await started(FIVE);
    await documents.edit({ 'b/policy.yaml': BROKEN });
    await documents.edit({ 'c/policy.yaml': Array.from({ length: 30 }, () => policy('C')).join('---\n') });
    assert.equal(reported().length, 2);
    assert.equal(reported()[1]?.match(/policy\.yaml:/g)?.length, 20);
    assert.match(reported()[1] ?? '', /; and 10 more$/);
  });

  it('tell when a broken edit is taken back, though nothing has changed', async () => {
    const { documents, events, revisions, reported } = await started(FIVE);
    await documents.edit({ 'b/policy.yaml': BROKEN });
    await documents.edit({ 'b/policy.yaml': policy('b') });
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloaded', 'reloadFailed', 'reloaded'],
    );
    assert.deepEqual(revisions, []);
    await documents.edit({ 'b/policy.yaml': BROKEN });
    assert.equal(reported().length, 2);
  });

  it('are one revision however the files are laid out', async () => {
    const { documents, source, revisions } = await started(FIVE);
    const { revision } = source.current();
    await documents.edit({ 'a/policy.yaml': `# why\n${policy('a').replace('{}', '{ }')}` });
    const reversed = Object.fromEntries(Object.entries(FIVE).toReversed());
    assert.equal((await started(reversed)).source.current().revision, revision);
    assert.deepEqual(revisions, []);
  });

  it('follow the bundle, with the last good local policies while an edit of those is broken', async () => {
    const { documents, bundles, source, namespaces, revisions, reported } = await started(FIVE);
    await documents.edit({ 'b/policy.yaml': BROKEN });
    bundles.sign(2);
    await turn();
    assert.equal(source.current().bundleName, 'corp@2');
    assert.deepEqual(namespaces(), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(revisions.length, 1);
    assert.equal(reported().length, 1);
    await documents.edit({ 'b/policy.yaml': policy('b') });
    assert.equal(revisions.length, 1);
  });

  it('outlive a directory that is missing for a while', async () => {
    const { documents, namespaces, reported } = await started(FIVE);
    documents.failure = new AuthorityError('CAP-X03', { detail: '/etc/capstan does not exist' });
    await documents.edit({});
    assert.equal(namespaces().length, 5);
    assert.match(reported()[0] ?? '', /does not exist/);
    documents.failure = undefined;
    await documents.edit({ 'f/policy.yaml': policy('f') });
    assert.equal(namespaces().length, 6);
  });

  it('of an owner whose folder went are withdrawn two seconds later, also while that of another is waited for', async () => {
    const { documents, clock, namespaces } = await started(FIVE);
    documents.remove('a/policy.yaml');
    await documents.edit({});
    await clock.advance(1_500);
    documents.remove('b/policy.yaml');
    await documents.edit({});
    assert.deepEqual(namespaces(), ['a', 'b', 'c', 'd', 'e']);
    await clock.advance(500);
    assert.deepEqual(namespaces(), ['b', 'c', 'd', 'e']);
    await clock.advance(1_500);
    assert.deepEqual(namespaces(), ['c', 'd', 'e']);
  });

  it('take a burst of 100 edits in few looks and end at the last', async () => {
    const { documents, source, revisions } = await started(FIVE);
    let reads = 0;
    const read = documents.read.bind(documents);
    documents.read = async () => {
      reads += 1;
      return read();
    };
    const ttl = (n: number) => ({ 'a/policy.yaml': policy('a', `{ narrow: { ttl: { max: ${n}m } } }`) });
    await Promise.all(Array.from({ length: 100 }, async (_, n) => documents.edit(ttl(n + 1))));
    const [{ policy: last } = assert.fail()] = source.current().local;
    assert.equal(last.narrow.ttl.maxMs, 100 * 60_000);
    assert.ok(reads <= 3, `${reads} reads`);
    assert.equal(new Set(revisions).size, revisions.length);
  });

  it('are never of two edits at once, whichever change comes while they are read', async () => {
    const { documents, bundles, source } = await started(FIVE);
    const seen: [string, number][] = [];
    source.onChange(
      () => {
        const { bundleName, local } = source.current();
        assert.equal(new Set(local.map(({ policy: { narrow } }) => narrow.ttl.maxMs)).size, 1);
        seen.push([bundleName, local[0]?.policy.narrow.ttl.maxMs ?? 0]);
      },
      { signal: NEVER },
    );
    const edits = Array.from({ length: 20 }, async (_, n) => {
      bundles.sign(n + 2);
      const spec = `{ narrow: { ttl: { max: ${n + 1}m } } }`;
      await documents.edit(Object.fromEntries(Object.keys(FIVE).map((file) => [file, policy(file[0] ?? '', spec)])));
    });
    await Promise.all(edits);
    assert.deepEqual(seen.at(-1), ['corp@21', 20 * 60_000]);
  });

  const hostile: readonly (readonly [what: string, text: string])[] = [
    ['an alias bomb', `a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n`],
    ['nothing', ''],
    ['bytes', '\0\u0001\uFFFD'],
    ['50 MB', 'x'.repeat(50_000_000)],
    ['10,000 levels', '['.repeat(10_000)],
    ['a key twice', policy('a').replace('spec: {}', 'spec: {}\nspec: {}')],
    ['an expression that is none', policy('a', '{ conditions: [{ id: x, expression: "1 + 1", message: m }] }')],
    [
      'a regular expression',
      policy('a', `{ conditions: [{ id: x, expression: "request.namespace.matches('(a+)+$')", message: m }] }`),
    ],
  ];
  for (const [what, text] of hostile) {
    it(`stay as they are when a file holds ${what}`, async () => {
      const { documents, source, reported } = await started(FIVE);
      const before = source.current();
      await documents.edit({ 'a/policy.yaml': text });
      assert.equal(source.current(), before);
      assert.match(reported()[0] ?? '', /a\/policy\.yaml:\d+:\d+/);
    });
  }

  it('are left alone once the signal has aborted', async () => {
    const end = new AbortController();
    const { documents, bundles, source } = await started(FIVE, end.signal);
    const before = source.current();
    end.abort();
    bundles.sign(2);
    await documents.edit({ 'f/policy.yaml': policy('f') });
    await turn();
    assert.equal(source.current(), before);
  });
});
