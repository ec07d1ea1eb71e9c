import assert from 'node:assert/strict';
import { administerBans } from '../../../../src/adapters/http/admin/administer-bans.ts';
import { administrationRoutes, type AdministrationRoutes } from '../../../../src/adapters/http/admin/administration.ts';
import { gatheredAnchors } from '../../../../src/app/supervisor/gathered/gathered-anchors.ts';
import { gatheredBans } from '../../../../src/app/supervisor/gathered/gathered-bans.ts';
import { gatheredIssuers } from '../../../../src/app/supervisor/gathered/gathered-issuers.ts';
import { ANCHORS_TOPIC, BANS_TOPIC, ISSUERS_TOPIC, type BansQuestion } from '../../../../src/app/worker/topics.ts';
import { BanActs } from '../../../../src/authority/administration/ban-acts.ts';
import { LOCAL_OPERATOR } from '../../../../src/authority/administration/roles.ts';
import { FollowedLedger } from '../../../../src/authority/trust/followed-ledger.ts';
import { OWN_CLUSTER } from '../../../../src/domain/revocation/ban.ts';
import { NO_BANS, type BanLedger } from '../../../../src/domain/revocation/ban-ledger.ts';
import { fakePolicies } from '../../../support/authority-parts.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { linkedPair, type LinkedPair } from '../../../support/fakes/linked-pair.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../../support/memory-ledgers.ts';
import { bundle, policySet } from '../../../support/policy/policies.ts';

const BODY = { target: { node: 'worker-3' }, reason: 'a drill' };
const forever = async (): Promise<never> => new Promise(() => undefined);

/** Keeps what is written until a test lets it go, as a disk that hangs. */
class HeldLedgers extends MemoryLedgers<BanLedger> {
  readonly held = Promise.withResolvers<undefined>();

  override async replace(
    ...given: Parameters<MemoryLedgers<BanLedger>['replace']>
  ): ReturnType<MemoryLedgers<BanLedger>['replace']> {
    await this.held.promise;
    return super.replace(...given);
  }
}

describe('An act of an operator that takes long in a worker', () => {
  let clock: FakeClock;
  let pair: LinkedPair;
  let stop: AbortController;
  beforeEach(() => {
    [clock, stop] = [new FakeClock(), new AbortController()];
    pair = linkedPair(clock);
  });
  afterEach(() => stop.abort());

  const workers = () => [{ slot: 1, link: pair.supervisor }];

  /** What serves operators at the supervisor, and bans at the worker. */
  async function servedBans(ledgers: MemoryLedgers<BanLedger>): Promise<AdministrationRoutes> {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of bans' });
    await ledger.start(stop);
    const targets = { of: async () => ({ kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER }) as const };
    const effects = { of: async () => ({ othersWithinMs: 0 }) };
    const policies = { current: () => fakePolicies(policySet(bundle({}))).current() };
    const parts = { ledger, targets, effects, policies, clock, events: recordEvents() };
    const acts = new BanActs(parts, { longestLeafMs: 86_400_000 });
    pair.worker.serve(BANS_TOPIC, async (body) => {
      const { question, given } = body as unknown as BansQuestion;
      return (question === 'revoke' ? await acts.revoke(...given, stop) : acts.list()) as never;
    });
    const events = recordEvents();
    const bans = administerBans(gatheredBans(workers, stop));
    return administrationRoutes([bans], { events, operatorOf: () => LOCAL_OPERATOR });
  }

  it('is answered, after eight seconds, with what is not known, and is done once when it is asked for again', async () => {
    const ledgers = new HeldLedgers(NO_BANS);
    const routes = await servedBans(ledgers);
    const headers = { 'content-type': 'application/json' };
    const revoke = async () => routes.request('/bans', { method: 'POST', headers, body: JSON.stringify(BODY) });
    const asked = revoke();
    await settle();
    await clock.advance(8_000);
    const unknown = await asked;
    assert.equal(unknown.status, 503);
    assert.match(await unknown.text(), /CAP-O06 nobody can say now whether this was done: look before you ask again/);
    ledgers.held.resolve(undefined);
    await settle();
    const { bans } = (await (await routes.request('/bans')).json()) as { bans: readonly unknown[] };
    assert.equal(bans.length, 1, 'it is in force all the same');
    const again = (await (await revoke()).json()) as { outcome: string };
    assert.equal(again.outcome, 'revoked-already');
    const [done, repeated] = ledgers.operations;
    assert.deepEqual([done?.was, repeated?.was], ['free', repeated?.is], 'the second record says that nothing changed');
  });

  it('is waited for beyond the time in which workers answer each other', async () => {
    const ledgers = new HeldLedgers(NO_BANS);
    const routes = await servedBans(ledgers);
    const headers = { 'content-type': 'application/json' };
    const asked = routes.request('/bans', { method: 'POST', headers, body: JSON.stringify(BODY) });
    await settle();
    await clock.advance(7_999);
    ledgers.held.resolve(undefined);
    await settle();
    assert.equal((await asked).status, 200);
  });

  it('is told from a question, which changed nothing', async () => {
    for (const topic of [ISSUERS_TOPIC, ANCHORS_TOPIC, BANS_TOPIC]) pair.worker.serve(topic, forever);
    const issuers = gatheredIssuers(workers, stop);
    const anchors = gatheredAnchors(workers, stop);
    const bans = gatheredBans(workers, stop);
    const act = { act: 'suspend', issuer: 'capstan', reason: 'a drill', override: false } as const;
    const step = { act: 'advance', reason: 'a drill', override: false } as const;
    const removed = { issuer: 'capstan', key: '0123456789abcdef', reason: 'a drill' };
    const asked: readonly [string, Promise<unknown>][] = [
      ['CAP-O06', issuers.ask(act, LOCAL_OPERATOR)],
      ['CAP-O06', issuers.removeKey(removed, LOCAL_OPERATOR)],
      ['CAP-O06', issuers.rotate({ issuer: 'capstan', reason: 'a drill', activate: false }, LOCAL_OPERATOR)],
      ['CAP-O06', issuers.approve('digest', LOCAL_OPERATOR)],
      ['CAP-O06', anchors.ask(step, LOCAL_OPERATOR)],
      ['CAP-O06', anchors.approve('digest', LOCAL_OPERATOR)],
      ['CAP-O06', bans.lift({ id: 'id', reason: 'it is over' }, LOCAL_OPERATOR)],
      ['CAP-O06', bans.approve('digest', LOCAL_OPERATOR)],
      ['CAP-S04', issuers.list()],
      ['CAP-S04', issuers.pending()],
      ['CAP-S04', anchors.status()],
      ['CAP-S04', bans.list()],
    ];
    const refused = asked.map(async ([reason, answer]) => assert.rejects(answer, { reason }));
    await settle();
    await clock.advance(8_000);
    await Promise.all(refused);
  });
});
