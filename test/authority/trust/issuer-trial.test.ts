import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { keyGenerator } from '../../../src/adapters/issuers/memory/key-generator.ts';
import { issuerTrial } from '../../../src/authority/trust/issuer-trial.ts';
import type { TrialHandshake } from '../../../src/ports/issuing/trial-handshake.ts';
import { NEVER } from '../../support/authority-parts.ts';
import { testAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';

type Ends = Parameters<TrialHandshake['shake']>[0];

async function tried(answers: readonly (string | undefined)[]) {
  const { material } = await testAuthority({ nowMs: NOON_MS });
  const shaken: Ends[] = [];
  const handshake: TrialHandshake = {
    shake: (ends) => {
      shaken.push(ends);
      return Promise.resolve(answers[shaken.length - 1]);
    },
  };
  const parts = { clock: new FakeClock(), random: new SeededRandom(), keys: keyGenerator, handshake };
  const trial = issuerTrial(parts, { servingNames: [{ kind: 'dns', value: 'localhost' }], ambient: false });
  return { problem: await trial(material, { signal: NEVER }), shaken, material };
}

describe('The trial of an issuer', () => {
  it('has a workload served by the server itself and by a workload, each verified by the anchors', async () => {
    const { problem, shaken, material } = await tried([]);
    assert.equal(problem, undefined);
    const names = ({ certificateChainPem }: Ends['server']) => new X509Certificate(certificateChainPem).subjectAltName;
    assert.deepEqual(
      shaken.map(({ server, client }) => [names(server), names(client)]),
      [
        ['DNS:localhost', 'URI:spiffe://cluster.local/capstan.dev/trial'],
        ['URI:spiffe://cluster.local/capstan.dev/trial', 'URI:spiffe://cluster.local/capstan.dev/trial'],
      ],
    );
    assert.ok(shaken.every(({ anchorsPem }) => anchorsPem === material.bundle.pem));
  });

  it('signs nothing that lives longer than a minute', async () => {
    const { shaken } = await tried([]);
    for (const { certificateChainPem } of shaken.flatMap(({ server, client }) => [server, client])) {
      assert.ok(new X509Certificate(certificateChainPem).validToDate.getTime() <= NOON_MS + 60_000);
    }
  });

  it('is lost when either handshake is, whatever our own path validation says', async () => {
    for (const answers of [['no purpose'], [undefined, 'no purpose']]) {
      assert.equal((await tried(answers)).problem, 'peers would refuse what it issues: no purpose');
    }
  });
});
