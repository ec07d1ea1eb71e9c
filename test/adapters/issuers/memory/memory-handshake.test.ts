import assert from 'node:assert/strict';
import { memoryHandshake } from '../../../../src/adapters/issuers/memory/memory-handshake.ts';
import { NEVER } from '../../../support/authority-parts.ts';
import { makePath, type MadePath, type PathCase } from '../../../support/paths/path-cases.ts';
import { CLIENT, SERVER, unknownExtension } from '../../../support/paths/tiers.ts';

const DAY_MS = 86_400_000;

async function shaken(one: Partial<PathCase>, partialChain = false, nowMs = Date.now()): Promise<string | undefined> {
  const made = await makePath({ name: 'a path', ...one }, nowMs);
  const end = endOf(made);
  const anchorsPem = made.anchors.map(({ pem }) => pem).join('');
  return memoryHandshake.shake({ server: end, client: end, anchorsPem }, { partialChain, signal: NEVER });
}

function endOf({ leaf, issuer, upper }: MadePath) {
  return { certificateChainPem: leaf.pem + issuer.pem + upper.pem, privateKeyPem: leaf.keyPem };
}

describe('A handshake in memory', () => {
  it('is accepted by both ends of a path that holds', async () => {
    assert.equal(await shaken({}), undefined);
  });

  it('is refused with the reason by the end that may not be what it is', async () => {
    assert.match(
      (await shaken({ issuer: { uses: [CLIENT] } })) ?? '',
      /^a TLS client refuses .*does not allow this purpose$/,
    );
    assert.match(
      (await shaken({ issuer: { uses: [SERVER] } })) ?? '',
      /^a TLS server refuses .*does not allow this purpose$/,
    );
    assert.match((await shaken({ upper: { pathLength: 0 } })) ?? '', /allows fewer intermediates/);
    assert.notEqual(await shaken({ upper: { more: [unknownExtension(true)] } }), undefined);
  });

  it('ends at an anchor that another CA signed only where partial chains will do, at both ends', async () => {
    assert.match((await shaken({ anchors: ['upper'] })) ?? '', /does not end in a self-signed trust anchor/);
    assert.equal(await shaken({ anchors: ['upper'] }, true), undefined);
  });

  it('leaves time to the clock that Capstan goes by', async () => {
    assert.equal(await shaken({}, false, Date.now() - 400 * DAY_MS), undefined);
    assert.equal(await shaken({}, false, Date.now() + 400 * DAY_MS), undefined);
  });

  it('fails with a key that is not of its certificate, and says no word of either', async () => {
    const [one, other] = [await makePath({ name: 'one' }, Date.now()), await makePath({ name: 'other' }, Date.now())];
    const torn = { ...endOf(one), privateKeyPem: other.leaf.keyPem };
    const shake = memoryHandshake.shake(
      { server: torn, client: endOf(one), anchorsPem: one.root.pem },
      { partialChain: false, signal: NEVER },
    );
    assert.match((await shake) ?? '', /^the TLS handshake fails \(ERR_\w+\)$/);
  });
});
