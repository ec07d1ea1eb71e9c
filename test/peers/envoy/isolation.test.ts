// Scenario 12: nobody gets another's key, whatever names it asks for. Judged on the raw bytes of the
// wire, with a synthetic client, because a proxy would never ask.
import assert from 'node:assert/strict';
import { Capstan, TRUST_DOMAIN } from '../support/capstan.ts';
import { eventually } from '../../support/eventually.ts';
import { SdsClient, type SdsClientStream, tlsTarget, unixTarget } from './support/sds-client.ts';

const idOf = (serviceAccount: string): string => `spiffe://${TRUST_DOMAIN}/ns/default/sa/${serviceAccount}`;
/** What an attacker may ask for; the last two mean "everything" to some servers. */
const GREEDY: Readonly<Record<string, readonly string[]>> = {
  'the SPIFFE ID of the bank': [idOf('bank')],
  'its own name and that of the bank': ['default', idOf('bank')],
  'a name of another trust domain': ['spiffe://other.test/ns/default/sa/bank'],
  'the wildcard': ['*'],
  'no name at all': [],
};

describe('Isolation of identities', function () {
  this.timeout(180_000);
  let capstan: Capstan | undefined;
  before(async () => {
    capstan = await Capstan.start({ sockets: ['shop', 'bank'] });
  });
  after(async () => capstan?.[Symbol.asyncDispose]());

  for (const apiType of ['GRPC', 'DELTA_GRPC'] as const) {
    for (const credential of ['socket', 'token'] as const) {
      for (const [what, names] of Object.entries(GREEDY)) {
        it(`never gives the bank's key to a shop that asks for ${what}, by ${credential} over ${apiType}`, async () => {
          // 1. The bank is connected and holds its certificate, so there is a key to leak.
          using bank = new SdsClient(unixTarget(capstan!, 'bank'));
          using held = bank.stream(apiType, ['default']);
          const key = await keyOf(held);
          // 2. The shop asks, and asks on: for the anchors, whose arrival shows that it was heard.
          using client = new SdsClient(await targetOf(capstan!, credential));
          using greedy = client.stream(apiType, names);
          using witness = client.stream(apiType, ['ROOTCA']);
          await witness.delivered(1, { signal: AbortSignal.timeout(30_000) });
          if (names.includes('default')) await greedy.delivered(1, { signal: AbortSignal.timeout(30_000) });
          // 3. Nothing on the wire holds a line of the bank's key, or a secret of the bank's name.
          const wire = Buffer.concat([...greedy.frames, ...witness.frames]).toString('latin1');
          for (const line of key) assert.ok(!wire.includes(line));
          assert.equal(greedy.latest(idOf('bank')), undefined);
        });
      }
    }
  }

  it('says in its log who asked for what is not its own', async () => {
    const isGreedy = (name: unknown): boolean => name === idOf('bank');
    await eventually('the event', () => capstan!.events('secretUnavailable').some(({ name }) => isGreedy(name)), {
      withinMs: 30_000,
    });
    const greedy = capstan!.events('secretUnavailable').filter(({ name }) => isGreedy(name));
    assert.ok(greedy.every(({ caller }) => caller === idOf('shop')));
    assert.ok((await capstan!.metric('capstan_sds_unavailable_total')) >= greedy.length);
  });
});

/** The lines of the stream's own key, without those that all keys share. */
async function keyOf(stream: SdsClientStream): Promise<readonly string[]> {
  await stream.delivered(1, { signal: AbortSignal.timeout(30_000) });
  const { type } = stream.latest('default')!;
  assert.equal(type.case, 'tlsCertificate');
  const { specifier } = type.value.privateKey!;
  assert.equal(specifier.case, 'inlineBytes');
  const lines = Buffer.from(specifier.value).toString('latin1').trim().split('\n').slice(1, -1);
  // The first line of a PKCS#8 key says only what kind of key it is, in part.
  assert.ok(lines.length >= 2);
  return lines.slice(1);
}

async function targetOf(capstan: Capstan, credential: 'socket' | 'token'): Promise<ReturnType<typeof unixTarget>> {
  return credential === 'socket' ? unixTarget(capstan, 'shop') : tlsTarget(capstan, await capstan.token('shop'));
}
