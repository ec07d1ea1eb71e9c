import assert from 'node:assert/strict';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import { workloadKey } from '../../../src/domain/identity/workload-key.ts';
import { testCaller } from '../../support/authority-parts.ts';

const POD: Caller = { ...testCaller(), pod: { podName: 'demo-0', podUid: 'uid-0', nodeName: 'node-1' } };
const MACHINE: Caller = {
  ...testCaller(),
  authenticationMethod: 'client-certificate',
  credentialId: 'a1',
  lineage: { id: 'first-issuance', provenAtMs: 1 },
};

describe('Two callers', () => {
  const others: readonly [what: string, one: Caller, other: Caller][] = [
    ['of two identities', POD, { ...testCaller('default', 'other'), pod: POD.pod! }],
    ['of two pods by name', POD, { ...POD, pod: { ...POD.pod, podName: 'demo-1' } }],
    ['of a pod and the one that came after it under its name', POD, { ...POD, pod: { ...POD.pod, podUid: 'uid-1' } }],
    ['of two nodes', POD, { ...POD, pod: { ...POD.pod, nodeName: 'node-2' } }],
    ['of the same names in two clusters', POD, { ...POD, remoteCluster: 'west' }],
    ['of the same names in two remote clusters', { ...POD, remoteCluster: 'east' }, { ...POD, remoteCluster: 'west' }],
    ['with and without a pod', POD, testCaller()],
    ['with tokens of two issuers', POD, { ...POD, credentialId: 'https://other.test' }],
    ['with a token and a socket', testCaller(), { ...testCaller(), authenticationMethod: 'socket' }],
    [
      'at two sockets',
      { ...testCaller(), authenticationMethod: 'socket', credentialId: '/run/a' },
      { ...testCaller(), authenticationMethod: 'socket', credentialId: '/run/b' },
    ],
    [
      'on two machines of one account, though a number be the same',
      MACHINE,
      { ...MACHINE, lineage: { id: 'other-issuance', provenAtMs: 1 } },
    ],
    [
      'with a certificate and a token',
      MACHINE,
      { ...MACHINE, authenticationMethod: 'token', credentialId: 'first-issuance' },
    ],
    [
      'whose parts are one text when they are written side by side',
      { ...POD, pod: { podName: 'a', podUid: 'bc' } },
      { ...POD, pod: { podName: 'ab', podUid: 'c' } },
    ],
  ];
  for (const [what, one, other] of others) {
    it(`${what} are two workloads`, () => assert.notEqual(workloadKey(one), workloadKey(other)));
  }

  it('are one workload when only the token was renewed', () => {
    assert.equal(workloadKey({ ...POD, expiresAtMs: 1 }), workloadKey({ ...POD, expiresAtMs: 2 }));
  });

  it('are one workload when a certificate was renewed by certificate: its lineage stays, its number does not', () => {
    const renewed = { ...MACHINE, credentialId: 'b2', expiresAtMs: 2 };
    assert.equal(workloadKey(renewed), workloadKey(MACHINE));
  });
});
