import assert from 'node:assert/strict';
import { LAG_MS, WorkloadAttestation } from '../../../src/authority/attestation/workload-attestation.ts';
import type { GoneCallers } from '../../../src/authority/surface/surface.ts';
import type { AuthorityError } from '../../../src/domain/errors.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import { testCaller } from '../../support/authority-parts.ts';
import { FakeAttestedClusters } from '../../support/fakes/attested-clusters.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import type { FakeWorkloadDirectory } from '../../support/fakes/kubernetes/fake-workload-directory.ts';

const NEVER = new AbortController().signal;
const POD = { podName: 'web-1', podUid: 'uid-of-web-1', nodeName: 'node-1' };

describe('The workload behind a caller', () => {
  let clock: FakeClock;
  let clusters: FakeAttestedClusters;
  let own: FakeWorkloadDirectory;
  let attestation: WorkloadAttestation;
  beforeEach(() => {
    clock = new FakeClock();
    clusters = new FakeAttestedClusters();
    own = clusters.own;
    own.addPod();
    clusters.remote('west').addPod();
    attestation = new WorkloadAttestation({ clusters, clock });
    attestation.start({ signal: NEVER });
  });

  const web = (changes: Partial<Omit<Caller, 'authenticationMethod'>> = {}): Caller => ({
    ...testCaller('shop', 'web'),
    pod: POD,
    attestation: { serviceAccountUid: 'uid-of-web' },
    ...changes,
  });
  const demand = async (caller: Caller = web()) => attestation.demand(caller, { signal: NEVER });
  const refused = async (reason: string, message: RegExp, caller?: Caller): Promise<void> =>
    assert.rejects(demand(caller), (error: AuthorityError) => {
      assert.equal(error.reason, reason);
      assert.match(error.message, message);
      return true;
    });
  /** As long as anybody waits for what may be new. */
  const refusedLater = async (reason: string, message: RegExp, caller?: Caller): Promise<void> => {
    const refusal = refused(reason, message, caller);
    await clock.advance(LAG_MS);
    await refusal;
  };

  it('that is there may go on, and nothing is said of how fresh that is while the cluster is followed', async () => {
    assert.deepEqual(await demand(), {});
  });

  it('has nothing to lose when no API server vouched for it: another issuer, a socket', async () => {
    assert.deepEqual(await demand(testCaller('shop', 'nobody')), {});
  });

  it('whose pod is being deleted goes on until the pod is gone', async () => {
    own.addPod({ terminating: true });
    assert.deepEqual(await demand(), {});
    own.removePod('shop', 'web-1');
    await refused('CAP-A11', /there is no pod shop\/web-1/);
  });

  for (const phase of ['Succeeded', 'Failed']) {
    it(`whose pod has ended as ${phase} is refused at once`, async () => {
      own.addPod({ phase });
      await refused('CAP-A11', new RegExp(`pod shop/web-1 has ended \\(${phase}\\)`));
    });
  }

  it('whose pod has another UID by now, under the same name, is refused at once', async () => {
    own.addPod({ uid: 'uid-2' });
    await refused('CAP-A11', /pod shop\/web-1 has the UID uid-2/);
  });

  it('whose pod runs as another account, or on another node, is refused', async () => {
    await refused('CAP-A11', /not on the node/, web({ pod: { ...POD, nodeName: 'node-2' } }));
    own.addPod({ serviceAccount: 'api' });
    await refused('CAP-A11', /runs as another service account/);
  });

  it('whose token was made before its pod had a node is of that pod', async () => {
    const { podName, podUid } = POD;
    assert.deepEqual(await demand(web({ pod: { podName, podUid } })), {});
  });

  it('whose service account was made anew is refused at once, and one that names no UID is of whichever there is', async () => {
    own.addServiceAccount({ uid: 'uid-2' });
    await refused('CAP-A12', /service account shop\/web has the UID uid-2/);
    assert.deepEqual(await demand(web({ attestation: {} })), {});
  });

  it('whose service account is gone is refused, and whose namespace is gone or going', async () => {
    own.removeServiceAccount('shop', 'web');
    await refused('CAP-A12', /there is no service account shop\/web/);
    own.addNamespace({ terminating: true });
    await refused('CAP-A12', /namespace shop is being deleted/);
    own.removeNamespace('shop');
    await refusedLater('CAP-A12', /there is no namespace shop/);
  });

  it('that is bound to no pod goes on as long as its service account', async () => {
    const machine: Caller = { ...testCaller('shop', 'web'), attestation: { serviceAccountUid: 'uid-of-web' } };
    assert.deepEqual(await demand(machine), {});
    own.removeServiceAccount('shop', 'web');
    await refused('CAP-A12', /no service account/, machine);
  });

  describe('that nobody has seen yet', () => {
    const fresh = web({ pod: { ...POD, podName: 'web-2', podUid: 'uid-of-web-2' } });

    it('is waited for, because the watch may be later than the pod', async () => {
      const standing = demand(fresh);
      await clock.advance(LAG_MS / 2);
      own.addPod({ name: 'web-2' });
      await clock.advance(LAG_MS / 2);
      assert.deepEqual(await standing, {});
    });

    it('is refused when it does not come within a second', async () => {
      const refusal = refused('CAP-A11', /there is no pod shop\/web-2/, fresh);
      await clock.advance(LAG_MS - 1);
      assert.notEqual(clock.sleepers, 0);
      await clock.advance(1);
      await refusal;
    });

    it('is waited for also under the name of another, as a StatefulSet names its pods', async () => {
      const next = web({ pod: { ...POD, podUid: 'uid-2' } });
      const standing = demand(next);
      await clock.advance(LAG_MS / 2);
      own.addPod({ uid: 'uid-2' });
      await clock.advance(LAG_MS / 2);
      assert.deepEqual(await standing, {});
    });

    it('is not waited for by a caller that is gone', async () => {
      const gone = new AbortController();
      const asked = attestation.demand(fresh, { signal: gone.signal });
      gone.abort(new Error('the client is gone'));
      await assert.rejects(asked, /the client is gone/);
      assert.equal(clock.sleepers, 0);
    });
  });

  describe('while the API server cannot be followed', () => {
    it('is believed to be there, and the record says how old that is', async () => {
      own.stale = 61_000.4;
      assert.deepEqual(await demand(), { clusterStaleMs: 61_001 });
    });

    it('is refused all the same when it was gone before', async () => {
      own.removePod('shop', 'web-1');
      own.stale = 61_000;
      await refused('CAP-A11', /no pod/);
    });

    it('is neither there nor gone when nobody has seen it: it is told to try again', async () => {
      own.stale = 3_200;
      const unseen = web({ pod: { ...POD, podName: 'web-7', podUid: 'uid-of-web-7' } });
      await refusedLater('CAP-S13', /not been followed for 4 s, and before that there is no pod shop\/web-7/, unseen);
    });

    it('is neither there nor gone when that is too old: it is told to try again', async () => {
      own.stale = 900_001;
      own.unavailable = 'the API server has not been followed for 900 s';
      clusters.seenBeforeMs = 5;
      await refused('CAP-S13', /not been followed for 900 s/);
    });

    it('is believed after a start by what a server of before heard, within the same bound, and by nothing else', async () => {
      own.stale = Infinity;
      own.unavailable = 'the pods of the cluster are not read yet';
      await refused('CAP-S13', /not read yet/);
      clusters.seenBeforeMs = 5_000;
      const unseen = web({ pod: { ...POD, podName: 'web-7' } });
      assert.deepEqual(await demand(unseen), { clusterStaleMs: 5_000 });
    });
  });

  describe('of a remote cluster', () => {
    const there = web({ remoteCluster: 'west' });

    it('is looked for there, and the same names here are others', async () => {
      own.removePod('shop', 'web-1');
      assert.deepEqual(await demand(there), {});
      await refused('CAP-A11', /no pod/);
      own.addPod();
      clusters.remote('west').removePod('shop', 'web-1');
      await refused('CAP-A11', /no pod/, there);
      assert.deepEqual(await demand(), {});
    });

    it('is refused when its cluster is not known any more', async () => {
      clusters.forget('west');
      await refused('CAP-A14', /the cluster west of the credential/, there);
    });
  });

  describe('that is gone', () => {
    let gone: GoneCallers[];
    beforeEach(() => {
      gone = [];
      attestation.onGone((one) => gone.push(one), { signal: NEVER });
    });
    const concerned = (caller: Caller): readonly string[] =>
      gone.filter((one) => one.concerns(caller)).map(({ error }) => error.message);

    it('is told at once, with what its streams end with: its pod', () => {
      own.removePod('shop', 'web-1');
      assert.deepEqual(concerned(web()), [
        'CAP-A11 the pod of the credential is not there any more: pod shop/web-1 is gone',
      ]);
      assert.deepEqual(concerned(web({ pod: { ...POD, podUid: 'another' } })), []);
      assert.deepEqual(concerned(web({ remoteCluster: 'west' })), []);
      assert.deepEqual(concerned({ ...testCaller('shop', 'web'), pod: POD }), [], 'nobody vouched for it');
    });

    it('is told at once: its pod, that has ended', () => {
      own.addPod({ phase: 'Failed' });
      assert.deepEqual(concerned(web()), [
        'CAP-A11 the pod of the credential is not there any more: pod shop/web-1 has ended (Failed)',
      ]);
    });

    it('is told at once: its service account', () => {
      own.removeServiceAccount('shop', 'web');
      assert.equal(concerned(web()).length, 1);
      assert.deepEqual(concerned(web({ attestation: { serviceAccountUid: 'another' } })), []);
      assert.deepEqual(concerned({ ...web(), identity: testCaller('shop', 'api').identity }), []);
    });

    it('is told at once: its namespace', () => {
      own.addNamespace({ terminating: true });
      assert.equal(concerned(web()).length, 1);
      assert.deepEqual(concerned({ ...web(), identity: testCaller('bank', 'web').identity }), []);
    });

    it('is told of the cluster in which it is gone, and of no other', () => {
      clusters.remote('west').removePod('shop', 'web-1');
      assert.deepEqual(concerned(web()), []);
      assert.equal(concerned(web({ remoteCluster: 'west' })).length, 1);
    });
  });
});
