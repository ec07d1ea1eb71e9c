import assert from 'node:assert/strict';
import type { CredentialProgram } from '../../../../../src/adapters/kubernetes/api/access/api-access.ts';
import {
  LEAST_MS,
  ProgramCredentials,
  REFUSED_AGAIN_MS,
} from '../../../../../src/adapters/kubernetes/api/access/program-credentials.ts';
import { ProgramProblem } from '../../../../../src/adapters/kubernetes/api/access/run-program.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };
const V1 = 'client.authentication.k8s.io/v1';
const PROGRAM: CredentialProgram = {
  place: '~/.kube/config',
  command: 'aws',
  args: ['--secret', 'in-args'],
  environment: {},
  apiVersion: V1,
};
const printed = (status: object, apiVersion = V1): string =>
  JSON.stringify({ apiVersion, kind: 'ExecCredential', status });
const endingAt = (ms: number) => ({ expirationTimestamp: new Date(ms).toISOString() });

describe('Credentials that a program gives', () => {
  let clock: FakeClock;
  let credentials: ProgramCredentials;
  let runs: number;
  let print: (signal: AbortSignal) => string | Promise<string>;
  beforeEach(() => {
    [clock, runs] = [new FakeClock(), 0];
    print = () => printed({ token: `token ${runs}` });
    credentials = new ProgramCredentials({
      program: PROGRAM,
      clock,
      run: async (_, { signal }) => {
        runs += 1;
        return print(signal);
      },
    });
  });

  const token = async () => (await credentials.current(NEVER)).token;

  it('are asked for once, however many calls need them', async () => {
    assert.deepEqual(await Promise.all([token(), token(), token()]), ['token 1', 'token 1', 'token 1']);
    clock.jumpTo(NOON_MS + 86_400_000);
    assert.equal(await token(), 'token 1', 'no end is said of them');
  });

  it('are asked for anew when they end, by the clock that their end was written by', async () => {
    print = () => printed({ token: `token ${runs}`, ...endingAt(NOON_MS + 900_000) });
    await token();
    clock.jumpTo(NOON_MS + 899_999);
    assert.equal(await token(), 'token 1');
    clock.jumpTo(NOON_MS + 900_000);
    assert.equal(await token(), 'token 2');
  });

  it('that had ended when they came are shown all the same, for the clock may be wrong, and soon asked for anew', async () => {
    print = () => printed({ token: `token ${runs}`, ...endingAt(NOON_MS - 60_000) });
    assert.deepEqual([await token(), await token()], ['token 1', 'token 1']);
    clock.jumpTo(NOON_MS + LEAST_MS);
    assert.equal(await token(), 'token 2');
  });

  it('that the server does not know are asked for anew once, and not again and again when it knows none', async () => {
    const first = await credentials.current(NEVER);
    assert.equal(credentials.refused(first), true);
    const second = await credentials.current(NEVER);
    assert.equal(second.token, 'token 2');
    assert.equal(credentials.refused(first), true, 'others are there by now');
    assert.equal(credentials.refused(second), false);
    assert.equal(await token(), 'token 2');
    clock.pass(REFUSED_AGAIN_MS);
    assert.equal(credentials.refused(second), true);
    assert.equal(await token(), 'token 3');
  });

  it('may be a certificate with its key', async () => {
    print = () => printed({ clientCertificateData: 'PEM', clientKeyData: 'KEY', token: null });
    assert.deepEqual(await credentials.current(NEVER), { token: undefined, certificate: 'PEM', key: 'KEY' });
  });

  const broken: readonly (readonly [string, string, RegExp])[] = [
    [
      'no JSON',
      'my-secret',
      /prints no ExecCredential of client\.authentication\.k8s\.io\/v1\. What it says is not shown/,
    ],
    ['another version', printed({ token: 'my-secret' }, 'client.authentication.k8s.io/v1beta1'), /no ExecCredential/],
    ['nothing to show', printed({ expirationTimestamp: '2030-01-01T00:00:00Z' }), /neither a token nor a certificate/],
    [
      'a certificate without a key',
      printed({ clientCertificateData: 'my-secret' }),
      /neither a token nor a certificate/,
    ],
    ['an end that is none', printed({ token: 'my-secret', expirationTimestamp: 'my-secret' }), /that is no time/],
  ];
  for (const [what, text, problem] of broken) {
    it(`are refused where it prints ${what}, and nothing of it is quoted`, async () => {
      print = () => text;
      await assert.rejects(credentials.current(NEVER), ({ message, cause }: Error) => {
        assert.match(message, /^aws, which ~\/\.kube\/config names for credentials, /);
        assert.match(message, problem);
        assert.doesNotMatch(message, /my-secret|in-args/);
        assert.equal(cause, undefined);
        return true;
      });
    });
  }

  it('that cannot be had are not asked for by each call: a program that fails is left alone for a moment', async () => {
    print = () => {
      throw new ProgramProblem('ended with exit code 1');
    };
    await assert.rejects(token(), /^KubernetesApiError: aws, .* ended with exit code 1\. .*run it by hand$/);
    await assert.rejects(token(), /exit code 1/);
    assert.equal(runs, 1);
    print = () => printed({ token: 'later' });
    clock.pass(LEAST_MS);
    assert.equal(await token(), 'later');
  });

  it('are waited for no longer than a call has time, and the program ends with the last that waits', async () => {
    const running = Promise.withResolvers<AbortSignal>();
    print = async (signal) => {
      running.resolve(signal);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ProgramProblem('gone'))));
    };
    const [one, other] = [new AbortController(), new AbortController()];
    const both = [credentials.current(one), credentials.current(other)];
    const ended = await running.promise;
    one.abort(new Error('late'));
    await assert.rejects(both[0]!, /^KubernetesApiError: aws, .* has given none yet$/);
    assert.equal(ended.aborted, false);
    other.abort(new Error('late'));
    await assert.rejects(both[1]!, /has given none yet/);
    assert.equal(ended.aborted, true);
    print = () => printed({ token: 'next' });
    await new Promise(setImmediate);
    assert.equal(await token(), 'next', 'who was not waited for has not failed');
  });
});
