import assert from 'node:assert/strict';
import fc from 'fast-check';
import { changeBetween } from '../../../src/domain/cluster/cluster-change.ts';
import { FollowedSnapshot, kindKey, type ObjectChange } from '../../../src/domain/cluster/followed-snapshot.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import type { ClusterSnapshot, KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import { object } from '../../support/policy/policies.ts';

const NAMESPACES = [undefined, 'shop', 'pay'];
const KINDS = ['Pod', 'Namespace', 'Ingress'];
const NAMES = ['a', 'b', 'c', 'shop', 'pay'];
const VERSIONS = ['v1', 'v2'];

/** Everything that can be asked of a snapshot. */
function answers(snapshot: ClusterSnapshot): unknown {
  return NAMESPACES.flatMap((namespace) =>
    KINDS.map((kind) => {
      const place = { kind, ...(namespace !== undefined && { namespace }) };
      const found = VERSIONS.flatMap((apiVersion) => [
        snapshot.list({ ...place, apiVersion }),
        ...NAMES.map((name) => snapshot.find({ ...place, apiVersion, name })),
      ]);
      return [snapshot.list(place).map(({ metadata }) => metadata.name), found];
    }),
  );
}

describe('A snapshot that follows the cluster', () => {
  const anyObject = fc
    .tuple(
      fc.constantFrom(...KINDS),
      fc.constantFrom(...NAMESPACES),
      fc.constantFrom(...NAMES),
      fc.constantFrom(...VERSIONS),
      fc.nat(),
    )
    .map(([kind, namespace, name, apiVersion, version]): KubernetesObject => {
      const made = object(kind, namespace, name);
      return { ...made, apiVersion, metadata: { ...made.metadata, resourceVersion: String(version) } };
    });
  const anyStep = fc.record({ object: anyObject, gone: fc.boolean() });

  it('is what one of the same objects would be, and says what changed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyStep, { maxLength: 20 }), { maxLength: 6 }), (rounds) => {
        const held = new Map<string, KubernetesObject>();
        let version = 0;
        let snapshot = FollowedSnapshot.empty('0', new Map(), 'west');
        let rebuilt = new IndexedSnapshot('0', []);
        for (const steps of rounds) {
          const changes = steps.flatMap(({ object: one, gone }): readonly ObjectChange[] => {
            const key = JSON.stringify([one.kind, one.metadata.namespace, one.metadata.name, one.apiVersion]);
            const before = held.get(key);
            if (gone) held.delete(key);
            else held.set(key, one);
            return gone && before === undefined ? [] : [{ before, after: gone ? undefined : one }];
          });
          version += 1;
          const [formerly, before] = [answers(snapshot), snapshot];
          snapshot = snapshot.after(changes, String(version));
          assert.equal(snapshot.following(new Map(), 'other').remoteCluster, 'west');
          const next = new IndexedSnapshot(String(version), held.values(), { before: rebuilt });
          assert.deepEqual(answers(snapshot), answers(next));
          assert.deepEqual(answers(before), formerly);
          assert.deepEqual(snapshot.kinds, next.kinds);
          const found = changeBetween(rebuilt, next);
          assert.ok(snapshot.change !== 'everything' && found !== 'everything');
          // An object that comes and goes at once changed nothing; it may count as a change.
          for (const [namespace, kinds] of found)
            for (const kind of kinds) assert.ok(snapshot.change.get(namespace)?.has(kind), `${kind}/${namespace}`);
          for (const namespace of snapshot.change.keys())
            assert.equal(snapshot.versions.of(namespace), String(version), namespace);
          rebuilt = next;
        }
      }),
    );
  });

  it('can say nothing of kinds that are not followed, and says why of those that are and cannot be', () => {
    const [ingress, gateway] = [{ kind: 'Ingress' }, { kind: 'Gateway', apiVersion: 'gateway.networking.k8s.io/v1' }];
    const snapshot = FollowedSnapshot.empty(
      '1',
      new Map([
        [kindKey(ingress), undefined],
        [kindKey(gateway), 'the role lacks it'],
      ]),
    );
    assert.equal(snapshot.unsyncedFor(ingress), undefined);
    assert.equal(snapshot.unsyncedFor(gateway), 'the role lacks it');
    assert.match(snapshot.unsyncedFor({ kind: 'Gateway' }) ?? '', /are not followed yet/);
  });
});
