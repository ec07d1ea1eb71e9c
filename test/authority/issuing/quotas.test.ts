// Whatever local policies say, and however they change, nobody gets more through than the bundle's quota.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MemoryQuotaCounters } from '../../../src/adapters/storage/embedded/memory-quota-counters.ts';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
import { PolicyJudgement, type Question } from '../../../src/authority/issuing/policy-judgement.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { LocalPolicy, Quotas } from '../../../src/domain/policy/documents.ts';
import { nameLimit } from '../../../src/domain/policy/name-patterns.ts';
import { NO_QUOTAS } from '../../../src/domain/policy/evaluation/statement.ts';
import {
  fakeIssuers,
  FakeCurrentCertificates,
  fakePolicies,
  NEVER,
  TEST_JUDGEMENT,
  testCaller,
} from '../../support/authority-parts.ts';
import { FakeCluster } from '../../support/policy/fake-cluster.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { bundle, clusterWide, local, policySet, rule } from '../../support/policy/policies.ts';

const MINUTE_MS = 60_000;
const WHO = [
  ['shop', 'web'],
  ['shop', 'api'],
  ['shop', 'job'],
  ['pay', 'web'],
] as const;

type Step =
  | { readonly kind: 'ask'; readonly who: (typeof WHO)[number] }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'change'; readonly policies: readonly LocalPolicy[] };

const limit = fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 9 }));
const quotas: fc.Arbitrary<Quotas> = fc.record({ perNamespacePerMinute: limit, perIdentityPerMinute: limit });
const policy: fc.Arbitrary<LocalPolicy> = fc
  .record({
    kind: fc.constantFrom('namespace', 'cluster'),
    name: fc.constantFrom('one', 'two', 'three', 'four'),
    namespace: fc.constantFrom('shop', 'pay'),
    accounts: fc.subarray(['web', 'api', 'job']),
    mode: fc.constantFrom('enforce', 'audit', 'off'),
    quotas,
  })
  .map(({ kind, accounts, namespace, ...rest }) => {
    const serviceAccounts = nameLimit(accounts);
    return kind === 'cluster'
      ? clusterWide({ ...rest, serviceAccounts })
      : local({ ...rest, serviceAccounts, namespace });
  });
const policies = fc.uniqueArray(policy, {
  maxLength: 6,
  selector: (one) => `${one.kind} ${one.kind === 'IssuancePolicy' ? one.namespace : ''} ${one.name}`,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...WHO).map((who) => ({ kind: 'ask' as const, who })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }).map((ms) => ({ kind: 'pass' as const, ms })) },
  { weight: 1, arbitrary: policies.map((changed) => ({ kind: 'change' as const, policies: changed })) },
);

describe('The quotas of all layers', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
  });

  class Counting {
    readonly clock = new FakeClock();
    readonly central: Quotas;
    readonly #source: ReturnType<typeof fakePolicies>;
    readonly #judgement: PolicyJudgement;

    constructor(central: Quotas, locals: readonly LocalPolicy[]) {
      this.central = central;
      this.#source = fakePolicies(this.#set(locals));
      const parts = {
        clusters: new FakeCluster(),
        currentCertificates: new FakeCurrentCertificates(),
        quotas: new MemoryQuotaCounters(this.clock),
        chooser: new IssuerChooser(fakeIssuers(authority.material)),
      };
      this.#judgement = new PolicyJudgement({ ...parts, policies: this.#source, clock: this.clock }, TEST_JUDGEMENT);
    }

    change(locals: readonly LocalPolicy[]): void {
      this.#source.swap(this.#set(locals));
    }

    /** @returns why not; nothing when it was counted. */
    async ask(namespace: string, serviceAccount: string): Promise<AuthorityError | undefined> {
      const caller = testCaller(namespace, serviceAccount);
      const publicKey = { family: 'ec-p256', bits: 0 } as const;
      const question: Question = { caller, identity: caller.identity, publicKey, requestedMs: 0 };
      const decision = await this.#judgement.judge(question, { signal: NEVER });
      try {
        await this.#judgement.count(decision, { signal: NEVER });
        return undefined;
      } catch (error) {
        if (error instanceof AuthorityError) return error;
        throw error;
      }
    }

    #set(locals: readonly LocalPolicy[]) {
      const set = bundle({ rules: [rule()] });
      return policySet({ ...set, namespaces: { ...set.namespaces, quotas: this.central } }, locals);
    }
  }

  it('let no more through than the bundle, whatever local policies say and however they change', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(quotas, policies, fc.array(step, { maxLength: 60 }), async (central, locals, steps) => {
        const counting = new Counting(central, locals);
        const through: { readonly atMs: number; readonly namespace: string; readonly account: string }[] = [];
        for (const one of steps) {
          if (one.kind === 'pass') counting.clock.pass(one.ms);
          else if (one.kind === 'change') counting.change(one.policies);
          else if ((await counting.ask(one.who[0], one.who[1])) === undefined) {
            const [namespace, account] = one.who;
            through.push({ atMs: counting.clock.monotonicMs(), namespace, account });
          } else refused += 1;
        }
        for (const [namespace, account] of WHO) {
          const inNamespace = through.filter((other) => other.namespace === namespace);
          demandWithin(inNamespace, central.perNamespacePerMinute);
          demandWithin(
            inNamespace.filter((other) => other.account === account),
            central.perIdentityPerMinute,
          );
        }
      }),
      { numRuns: 300 },
    );
    assert.ok(refused > 0);
  });

  /** A leaky bucket lets through a burst of the quota, and then its pace: from each moment to each later one. */
  function demandWithin(through: readonly { readonly atMs: number }[], perMinute: number): void {
    if (perMinute === Infinity) return;
    for (const [from, { atMs: startMs }] of through.entries()) {
      for (const [to, { atMs: endMs }] of through.entries()) {
        const allowed = perMinute + ((endMs - startMs) * perMinute) / MINUTE_MS;
        if (to >= from) assert.ok(to - from + 1 <= allowed + 1e-6, `${to - from + 1} within ${endMs - startMs} ms`);
      }
    }
  }

  const only = (serviceAccount: string, perNamespacePerMinute: number): LocalPolicy =>
    local({
      name: serviceAccount,
      serviceAccounts: nameLimit([serviceAccount]),
      quotas: { ...NO_QUOTAS, perNamespacePerMinute },
    });

  it('are not summed up by policies that give each account a number of its own', async () => {
    const locals = [only('web', 3), only('api', 4), only('job', 5)];
    const counting = new Counting({ ...NO_QUOTAS, perNamespacePerMinute: 5 }, locals);
    const outcomes: (string | undefined)[] = [];
    for (const account of ['web', 'api', 'job', 'web', 'api', 'job', 'web', 'api', 'job']) {
      outcomes.push((await counting.ask('shop', account))?.reason);
    }
    assert.equal(outcomes.filter((reason) => reason === undefined).length, 5);
    assert.equal(await counting.ask('pay', 'web'), undefined, 'another namespace has its own');
  });

  it("are not refilled by a changed number, neither the bundle's nor those of the policy itself", async () => {
    const counting = new Counting({ ...NO_QUOTAS, perNamespacePerMinute: 4 }, []);
    const through: number[] = [];
    for (const number of [1, 2, 3, 2, 1, 3]) {
      counting.change([only('web', number)]);
      let count = 0;
      while ((await counting.ask('shop', 'web')) === undefined) count += 1;
      through.push(count);
    }
    assert.deepEqual(through, [1, 1, 1, 0, 0, 0]);
    counting.change([]);
    assert.equal(await counting.ask('shop', 'web'), undefined, 'the last of the four');
    assert.equal((await counting.ask('shop', 'web'))?.reason, 'CAP-Q03');
  });

  it('are debited all or none: who is refused by one has used up nothing of the others', async () => {
    const central = { ...NO_QUOTAS, perNamespacePerMinute: 3 };
    const counting = new Counting(central, [only('web', 1)]);
    assert.equal(await counting.ask('shop', 'web'), undefined);
    for (let tries = 0; tries < 10; tries += 1) assert.equal((await counting.ask('shop', 'web'))?.reason, 'CAP-Q03');
    assert.equal(await counting.ask('shop', 'api'), undefined);
    assert.equal(await counting.ask('shop', 'api'), undefined);
    assert.equal((await counting.ask('shop', 'api'))?.reason, 'CAP-Q03');
  });

  it('say when all of them have room again, not only the first', async () => {
    const counting = new Counting({ ...NO_QUOTAS, perNamespacePerMinute: 2 }, [only('web', 1)]);
    assert.equal(await counting.ask('shop', 'web'), undefined);
    assert.equal(await counting.ask('shop', 'api'), undefined);
    assert.equal((await counting.ask('shop', 'api'))?.retryAfterMs, 30_000);
    assert.equal((await counting.ask('shop', 'web'))?.retryAfterMs, MINUTE_MS);
  });

  it('of a policy that is only audited count nothing', async () => {
    const counting = new Counting(NO_QUOTAS, [{ ...only('web', 0), mode: 'audit' }]);
    assert.equal(await counting.ask('shop', 'web'), undefined);
  });
});
