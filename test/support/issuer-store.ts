// The store of issuers over documents that a test edits, with the trial as a running server makes it.
import { DocumentIssuer } from '../../src/adapters/issuers/documents/document-issuer.ts';
import type { DocumentIssuerParts, DocumentIssuerSettings } from '../../src/adapters/issuers/documents/issuer-parts.ts';
import { keyGenerator } from '../../src/adapters/issuers/memory/key-generator.ts';
import { pemSignerOpener } from '../../src/adapters/issuers/memory/pem-signer-opener.ts';
import { memoryHandshake } from '../../src/adapters/issuers/memory/memory-handshake.ts';
import { issuerTrial } from '../../src/authority/trust/issuer-trial.ts';
import type { SignerOpener } from '../../src/ports/issuing/signer-opener.ts';
import type { Clock } from '../../src/ports/platform/clock.ts';
import { TEST_TRUST_DOMAIN } from './certificates.ts';
import { DocumentSet } from './fakes/document-set.ts';
import { FakeClock, NOON_MS } from './fakes/fake-clock.ts';
import { recordEvents } from './fakes/recorded-events.ts';
import { SeededRandom } from './fakes/seeded-random.ts';

export type IssuerTexts = Record<'anchors' | 'chain' | 'key', string> & { readonly secret?: string };

export const TEST_MATERIAL: DocumentIssuerSettings = {
  name: 'default',
  bounds: { maxTtlMs: Infinity },
  trustDomain: TEST_TRUST_DOMAIN,
  servingNames: [
    { kind: 'dns', value: 'localhost' },
    { kind: 'ip', value: '127.0.0.1' },
  ],
  partialAnchors: false,
  longestLeafMs: 60_000,
  keyWarnings: false,
};

export function testTrial(
  clock: Clock,
  { servingNames }: Pick<DocumentIssuerSettings, 'servingNames'> = TEST_MATERIAL,
) {
  const parts = { clock, random: new SeededRandom(), keys: keyGenerator, handshake: memoryHandshake };
  return issuerTrial(parts, { servingNames, ambient: false });
}

/** A store that has not been started. */
export function testStore(
  texts: Partial<IssuerTexts>,
  {
    nowMs = NOON_MS,
    settings = TEST_MATERIAL,
    opener = pemSignerOpener,
    beforeInForce = async () => undefined,
    wasInForce = async () => false,
  }: {
    readonly nowMs?: number;
    readonly settings?: DocumentIssuerSettings;
    readonly opener?: SignerOpener;
    readonly beforeInForce?: NonNullable<DocumentIssuerParts['beforeInForce']>;
    readonly wasInForce?: NonNullable<DocumentIssuerParts['wasInForce']>;
  } = {},
) {
  const documents = new DocumentSet(texts);
  const [events, clock] = [recordEvents(), new FakeClock(nowMs)];
  const trial = testTrial(clock, settings);
  const store = new DocumentIssuer({ documents, events, clock, opener, trial, beforeInForce, wasInForce }, settings);
  return { documents, events, clock, store };
}
